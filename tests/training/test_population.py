"""Several architectures in one batch learn what each learns alone, and the backbone stays."""

import copy
from pathlib import Path

import pytest
import torch
from tiny_decoder import decoder

from autopelt.architecture.architecture import Architecture
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.tasks.base import Metric
from autopelt.training.context import Context
from autopelt.training.group import run_group
from autopelt.training.loop import release, train, train_epochs
from autopelt.training.population import Population, alone_because
from autopelt.training.results import Doing, EpochResult, TrialFailure
from autopelt.training.spec import Setup, TrialSpec

TRAINING = TrainingConfig(epochs=2, batch_size=8, dropout=False, precision="fp32")
ORDER = 11
MEMBERS = (
    Architecture((Module("lora", "attention.query", 1, 2), Module("lora", "ffn.in", 0, 4))),
    Architecture(
        (
            Module("prefix", "attention", 0, 3, gate="masked"),
            Module("prefix", "attention", 1, 5, mlp=8),
            Module("sequential_adapter", "ffn", 0, 4, gate="masked"),
        )
    ),
    Architecture(
        (
            Module("parallel_adapter", "ffn", 0, 4),
            Module("sequential_adapter", "ffn", 0, 4),
            Module("prefix", "attention", 0, 2, gate="token"),
            Module("lora", "attention.value", 1, 2, gate="masked"),
            Module("sequential_adapter", "attention", 1, 2),
        ),
        learning_rate_multiplier=2,
    ),
    Architecture(()),
)


@pytest.fixture(scope="module")
def context(tiny_bert: Path) -> Context:
    return Context(Setup(str(tiny_bert), "demo", train_examples=48))


def alone(context: Context, architecture: Architecture, random_seed: int) -> list[EpochResult]:
    try:
        return list(train_epochs(context, architecture, TRAINING, random_seed, ORDER))
    finally:
        release(context)


def together(context: Context, members: list[Architecture]) -> list[list[EpochResult]]:
    population = Population(context, [(a, i) for i, a in enumerate(members)], TRAINING, ORDER)
    epochs = list(train(population, TRAINING))
    return [[epoch[k] for epoch in epochs] for k in range(len(members))]  # type: ignore[misc]


def test_members_learn_what_they_learn_alone(context: Context) -> None:
    shared = together(context, list(MEMBERS))
    for seed, (architecture, results) in enumerate(zip(MEMBERS, shared, strict=True)):
        expected = alone(context, architecture, seed)
        assert [r.loss for r in results] == pytest.approx([r.loss for r in expected], abs=1e-4)
        assert [r.score for r in results] == pytest.approx([r.score for r in expected], abs=0.02)
        assert expected[0].loss != expected[1].loss


def test_the_backbone_is_as_before_bit_for_bit(context: Context) -> None:
    model = context.model
    before = {k: v.clone() for k, v in model.base_model.state_dict().items()}
    gradients = {n: p.requires_grad for n, p in model.named_parameters()}
    together(context, list(MEMBERS[:2]))
    after = model.base_model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert gradients == {n: p.requires_grad for n, p in model.named_parameters()}
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_saved_members_predict_what_they_predicted_alone(context: Context, tmp_path: Path) -> None:
    from autopelt.modules.checkpoint import load
    from autopelt.training.loop import score_split

    population = Population(context, [(a, i) for i, a in enumerate(MEMBERS)], TRAINING, ORDER)
    best = [
        max(r.score for r in results) for results in zip(*train(population, TRAINING), strict=True)
    ]  # type: ignore[union-attr]
    for number, score in enumerate(best):
        population.save(number, tmp_path / str(number))
        load(context.model, tmp_path / str(number))
        try:
            assert score_split(context, "selection")["accuracy"] == pytest.approx(score, abs=0.02)
        finally:
            release(context)


def test_a_member_that_diverges_fails_alone(context: Context) -> None:
    wild = Architecture(
        (Module("sequential_adapter", "ffn", 0, 4),), learning_rate_multiplier=float(2**60)
    )
    population = Population(context, [(wild, 0), (MEMBERS[0], 1)], TRAINING, ORDER)
    first, second = train(population, TRAINING)
    failures = [r for r in (first[0], second[0]) if isinstance(r, TrialFailure)]
    assert len(failures) == 1
    assert "of epoch" in str(failures[0])
    expected = alone(context, MEMBERS[0], 1)
    assert [e[1].loss for e in (first, second)] == pytest.approx(  # type: ignore[union-attr]
        [r.loss for r in expected], abs=1e-4
    )


def test_a_batch_that_does_not_fit_is_halved_for_all(context: Context) -> None:
    def full(module: torch.nn.Module, arguments: object, named: dict[str, torch.Tensor]) -> None:
        if torch.is_grad_enabled() and len(named["input_ids"]) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    hook = context.model.register_forward_pre_hook(full, with_kwargs=True)
    try:
        shared = together(context, list(MEMBERS[:2]))
    finally:
        hook.remove()
    for seed, results in enumerate(shared):
        assert "in 2 parts" in results[0].notes[0]
        expected = [r.loss for r in alone(context, MEMBERS[seed], seed)]
        assert [r.loss for r in results] == pytest.approx(expected, rel=1e-3)


def test_prompts_and_full_fine_tuning_train_alone(context: Context) -> None:
    assert not any(alone_because(a, context) for a in MEMBERS)
    assert "length" in alone_because(
        Architecture((Module("prompt", "embeddings", None, 2),)), context
    )
    assert "frozen" in alone_because(Architecture(full=True), context)


def specs_of(tiny_bert: Path, members: list[Architecture], folder: Path) -> list[TrialSpec]:
    setup = Setup(str(tiny_bert), "demo", train_examples=48)
    return [
        TrialSpec(
            number, a.to_json(), number, setup, TRAINING, str(folder / str(number)),
            order_seed=ORDER,
        )
        for number, a in enumerate(members)
    ]  # fmt: skip


def test_a_group_tells_every_epoch_of_every_trial_and_keeps_weights(
    tiny_bert: Path, tmp_path: Path
) -> None:
    prompt = Architecture((Module("prompt", "embeddings", None, 2),))
    bad = Architecture((Module("lora", "attention.query", 99, 2),))
    specs = specs_of(tiny_bert, [MEMBERS[0], prompt, MEMBERS[2], bad], tmp_path)
    told: dict[int, list[EpochResult | str]] = {}
    for step in run_group(specs):
        for number, result in step:
            if isinstance(result, EpochResult) and result.epoch == TRAINING.epochs:
                assert (tmp_path / str(number) / "weights.safetensors").is_file()
            if not isinstance(result, Doing):
                told.setdefault(number, []).append(result)
    assert {n: len(results) for n, results in told.items()} == {0: 2, 1: 2, 2: 2, 3: 1}
    assert "99" in str(told[3][0])
    said = {n: getattr(results[0], "notes", []) for n, results in told.items()}
    alone = {n: [note for note in notes if "alone" in note] for n, notes in said.items()}
    sentence = "trained alone: with a prompt its sequences have another length than others'."
    assert alone == {0: [], 1: [sentence], 2: [], 3: []}
    steps = [r for step in run_group(specs[:1]) for _, r in step]
    one_by_one = [r.loss for r in steps if isinstance(r, EpochResult)]
    assert [r.loss for r in told[0]] == pytest.approx(one_by_one, abs=1e-4)  # type: ignore[union-attr]


# ------------------------------------------------------------------ decoders that write
WRITERS = (
    Architecture((Module("lora", "attention.query", 1, 2), Module("lora", "ffn.in", 0, 4))),
    Architecture(tuple(Module("lora", "attention.value", n, 2) for n in range(2)), 4.0),
    Architecture((Module("ia3", "ffn.out", 1, 1), Module("lora", "attention.output", 1, 2))),
)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return decoder("llama", tmp_path_factory.mktemp("writer"))


@pytest.mark.parametrize(
    ("packing", "again", "fits"),
    [("off", False, True), ("on", False, False), ("on", True, True)],
    ids=["padded", "packed and halved", "packed and checkpointed"],
)
def test_decoders_that_write_learn_what_they_learn_alone(
    writer: Context, packing: str, again: bool, fits: bool
) -> None:
    training = TRAINING.model_copy(
        update={"packing": packing, "gradient_checkpointing": again, "learning_rate_factor": 10.0}
    )
    assert not any(alone_because(a, writer) for a in WRITERS)

    def full(module: torch.nn.Module, arguments: object, named: dict[str, torch.Tensor]) -> None:
        if not fits and torch.is_grad_enabled() and named["input_ids"].numel() > 200:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    hook = writer.model.register_forward_pre_hook(full, with_kwargs=True)
    try:
        population = Population(writer, [(a, i) for i, a in enumerate(WRITERS)], training, ORDER)
        shared = list(train(population, training))
    finally:
        hook.remove()
    assert fits != any("did not fit" in note for note in shared[0][0].notes)  # type: ignore[union-attr]
    assert population.packs == (packing == "on")
    for number, architecture in enumerate(WRITERS):
        try:
            expected = list(train_epochs(writer, architecture, training, number, ORDER))
        finally:
            release(writer)
        for epochs, own in zip(shared, expected, strict=True):
            together = epochs[number]
            assert isinstance(together, EpochResult)
            assert together.loss == pytest.approx(own.loss, abs=1e-5)
            assert together.score == pytest.approx(own.score, abs=1e-5)
        assert expected[1].loss < expected[0].loss


def test_where_the_metric_needs_texts_none_shares(writer: Context) -> None:
    texts = copy.copy(writer)
    texts.task = copy.copy(writer.task)
    texts.task.metric = Metric("rouge_l")
    assert "needs texts" in alone_because(WRITERS[0], texts)
