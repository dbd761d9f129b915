"""Forgetting is the loss of the checkpoint's own language model, drift the change of its states."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from tiny_data import MAKERS
from tiny_models import CONFIGS, TOKENIZERS, make_tiny_bert

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.language_model import KINDS, save_language_model
from autopelt.backbones.source import resolve
from autopelt.data.general_text import general_text
from autopelt.errors import UnavailableError
from autopelt.methods.module import EMBEDDINGS, Module
from autopelt.modules.attachment import attach, attachment, detach
from autopelt.study.config import TrainingConfig
from autopelt.tasks.padding import IGNORED
from autopelt.training.context import Context
from autopelt.training.forgetting import Drift, Forgetting, masked, probes, unmeasurable, without
from autopelt.training.results import EpochResult
from autopelt.training.spec import Setup, TrialSpec
from autopelt.training.trial import run_together, run_trial

TEXT = (
    "the cat sat on the mat and the dog did not see it near the old red house",
    "what was the cause of this ? because it rained , so the game was lost again",
)
FAMILIES = {"bert": "masked", "roberta": "masked", "gpt2": "causal", "t5": "seq2seq"} | {
    "bart": "seq2seq"
}
MIXED = (
    Module("lora", "attention.query", 0, 2, "auto"),
    Module("parallel_adapter", "ffn", 1, 4),
    Module("prefix", "attention", 1, 3),
    Module("prompt", EMBEDDINGS, None, 3),
)


def context_of(family: str, kind: str, folder: Path) -> Context:
    """A task on a checkpoint that was saved as a language model."""
    config = CONFIGS[family]()
    if family == "bert":
        make_tiny_bert(folder / "model")
        config = transformers.AutoConfig.from_pretrained(folder / "model")
    else:
        tokenizer = TOKENIZERS[family]()
        if family == "t5":
            tokenizer.add_tokens([f"<extra_id_{n}>" for n in range(8)], special_tokens=True)
        elif family != "gpt2":
            tokenizer.mask_token = "<mask>"
        tokenizer.save_pretrained(folder / "model")
        config.vocab_size, config.pad_token_id = len(tokenizer), tokenizer.pad_token_id
    torch.manual_seed(0)
    made = getattr(transformers, KINDS[FAMILIES[family]]).from_config(config)
    with torch.no_grad():
        for parameter in made.parameters():  # at their usual start they are nearly linear
            parameter.mul_(3 if parameter.dim() > 1 else 1)
    if family == "bert":  # with the pooler that the classifier wants
        save_language_model(made, resolve(str(folder / "model")), folder / "model")
    else:
        made.save_pretrained(folder / "model")
    task, source = MAKERS[kind](folder)
    data = None if source.data is None else str(source.data)
    return Context(Setup(str(folder / "model"), task.spec, data, max_length=48))


def disturb(model: Any) -> None:
    """Modules begin as nothing; now they do something, the same on every model."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in attachment(model).parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("bert", "classification"),
        ("roberta", "token_classification"),
        ("gpt2", "classification"),
        ("gpt2", "generation"),
        ("t5", "classification"),
        ("t5", "question_answering"),
        ("bart", "generation"),
        ("bart", "classification"),
    ],
)
def test_the_loss_is_that_of_the_language_model_with_the_same_modules(
    family: str, kind: str, tmp_path: Path
) -> None:
    context = context_of(family, kind, tmp_path)
    probe = Forgetting(context, TEXT)
    own = getattr(transformers, KINDS[FAMILIES[family]]).from_pretrained(tmp_path / "model").eval()

    def loss() -> float:
        with torch.no_grad():
            losses = [(float(own(**batch).loss), told) for batch, told in probe.batches]
        return sum(x * n for x, n in losses) / sum(n for _, n in losses)

    bare = loss()
    assert probe.before == pytest.approx(bare, abs=1e-5)
    for model in (context.model, own):
        attach(model, Architecture(MIXED))
        disturb(model)
    changed = loss()
    assert abs(changed - bare) > 1e-3
    assert probe.change() == pytest.approx(changed - bare, abs=1e-5)
    detach(context.model)
    assert probe.change() == 0.0


def test_full_fine_tuning_moves_a_head_that_is_the_embeddings_own(tmp_path: Path) -> None:
    context = context_of("gpt2", "classification", tmp_path)
    probe = Forgetting(context, TEXT)
    own: Any = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval()
    attach(context.model, Architecture(full=True))
    with torch.no_grad():
        for model in (context.model, own):
            model.base_model.wte.weight.mul_(1.5)
        losses = [(float(own(**batch).loss), told) for batch, told in probe.batches]
    after = sum(x * n for x, n in losses) / sum(n for _, n in losses)
    assert probe.change() == pytest.approx(after - probe.before, abs=1e-5)
    assert probe.change() != 0
    detach(context.model)
    assert probe.change() == 0.0


def test_what_is_masked_and_what_is_cut_out() -> None:
    assert masked([9, 4, 5, 6, 7], {2, 4}, 1) == ([9, 4, 1, 6, 1], [-100, -100, 5, -100, 7])
    spans = [[1, 2], [4]]
    assert without([9, 4, 5, 6, 7, 3], spans, [51, 52, 53]) == (
        [9, 51, 6, 52, 3],
        [51, 4, 5, 52, 7, 53],
    )


@pytest.mark.parametrize("family", ["bert", "t5", "bart"])
def test_a_seventh_of_the_tokens_is_hidden_always_the_same(family: str, tmp_path: Path) -> None:
    context = context_of(family, "classification", tmp_path)
    one, two = (Forgetting(context, general_text(None)) for _ in range(2))
    assert one.before == two.before
    for (mine, told), (theirs, _) in zip(one.batches, two.batches, strict=True):
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)
        assert told == int((mine["labels"] != IGNORED).sum())
    read = sum(int(b["attention_mask"].sum()) for b, _ in one.batches)
    hidden = sum(told for _, told in one.batches)
    if family == "bert":
        assert 0.12 < hidden / read < 0.17
    elif family == "t5":  # with sentinels and the end token
        assert 0.15 < hidden / read < 0.35
    else:
        assert hidden > read  # the whole text is written again


def test_drift_is_how_far_states_of_text_turn(tiny_bert: Path) -> None:
    context = Context(Setup(str(tiny_bert), "demo", train_examples=48))
    probe = Drift(context, TEXT)
    attach(context.model, Architecture((MIXED[0], MIXED[1])))
    assert probe.change() < 1e-9
    disturb(context.model)
    apart = []
    with torch.no_grad():
        for ids in probe.blocks:
            after = context.model.base_model(torch.tensor([ids])).last_hidden_state[0].mean(0)
            found = attached_off(context, ids)
            apart.append(1 - float(torch.cosine_similarity(after, found, dim=0)))
    assert probe.change() == pytest.approx(sum(apart) / len(apart), abs=1e-5)
    assert probe.change() > 0.001
    detach(context.model)


def attached_off(context: Context, ids: list[int]) -> torch.Tensor:
    bare: Any = transformers.AutoModel.from_pretrained(context.setup.model).eval()
    return bare(torch.tensor([ids])).last_hidden_state[0].mean(0)


@pytest.fixture
def with_head(tmp_path: Path) -> Setup:
    context_of("bert", "classification", tmp_path)
    return Setup(str(tmp_path / "model"), "demo", train_examples=48)


def spec(setup: Setup, number: int, *costs: str, epochs: int = 2, **more: Any) -> TrialSpec:
    made = Architecture((Module("lora", "attention.query", number, 2),), 8)
    training = TrainingConfig(epochs=epochs, batch_size=16, dropout=False)
    return TrialSpec(number, made.to_json(), 3, setup, training, costs=costs, **more)


def test_it_is_measured_of_the_best_epoch_at_the_end_and_changes_no_training(
    with_head: Setup,
) -> None:
    plain = list(run_trial(spec(with_head, 1)))
    measured = list(run_trial(spec(with_head, 1, "memory", "forgetting", "drift")))
    assert [(r.loss, r.score) for r in plain] == [(r.loss, r.score) for r in measured]
    assert [set(r.costs) for r in measured] == [{"memory"}, {"forgetting", "drift"}]
    assert measured[1].costs["forgetting"] != 0
    assert measured[1].costs["drift"] > 0
    assert measured[1].seconds["costs"] > 0
    (head_only,) = run_trial(
        TrialSpec(
            0, Architecture().to_json(), 3, with_head, TrainingConfig(epochs=1),
            costs=("forgetting",),
        )
    )  # fmt: skip
    assert head_only.costs == {"forgetting": 0.0}


def test_members_of_a_batch_forget_what_they_forget_alone(with_head: Setup) -> None:
    alone = {
        n: list(run_trial(spec(with_head, n, "forgetting", order_seed=5)))[-1].costs for n in (0, 1)
    }
    specs = [spec(with_head, n, "forgetting", order_seed=5) for n in (0, 1)]
    last = list(run_together(specs))[-1]
    told = {number: entry for number, entry in last if isinstance(entry, EpochResult)}
    assert set(told) == {0, 1}
    for number, entry in told.items():
        assert entry.costs["forgetting"] == pytest.approx(alone[number]["forgetting"], abs=2e-4)
    assert alone[0] != alone[1]


def test_a_checkpoint_without_a_language_model_is_refused(tiny_bert: Path) -> None:
    context = Context(Setup(str(tiny_bert), "demo", train_examples=48))
    reason = unmeasurable("forgetting", "x", context.model.config)
    assert "has no language-model head" in reason
    assert unmeasurable("drift", "x", context.model.config) == ""
    encoder_decoder = SimpleNamespace(is_encoder_decoder=True)
    assert "drift is for" in unmeasurable("drift", "x", encoder_decoder)  # type: ignore[arg-type]
    with pytest.raises(UnavailableError, match="no language-model head"):
        probes(context, ("score", "forgetting")[1:], None)
