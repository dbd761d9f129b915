"""A trunk that is computed once gives the same training and the same scores, in every family."""

from pathlib import Path

import pytest
import torch
from tiny_context import tiny_context
from tiny_models import CORPUS, byte_level, word_pieces
from zoo import CONFIGS, SEQ2SEQ

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.methods.module import Module
from autopelt.study.config import TrainingConfig
from autopelt.tasks import task_from_files
from autopelt.training.context import Context
from autopelt.training.loop import release, train_epochs
from autopelt.training.results import EpochResult
from autopelt.training.shared_arrays import SharedArrays
from autopelt.training.spec import Setup
from autopelt.training.trunk import boundary_of

FAMILIES = [name for name in CONFIGS if name not in SEQ2SEQ]
LAYERS = 3
ROOM = 2**30


def tiny_model(family: str, folder: Path) -> Path:
    """A random model of three layers with dropout, and a tokeniser of its family's kind."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    tokenizer = word_pieces() if family in ("bert", "electra", "deberta-v2") else byte_level(True)
    dropout = {
        key: 0.1
        for key in CONFIGS[family]
        if "drop" in key and isinstance(CONFIGS[family][key], float)
    }
    config = AutoConfig.for_model(
        family,
        **CONFIGS[family]
        | dropout
        | {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id},
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "embed" not in name:
                parameter.mul_(3.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def own_task(folder: Path, examples: int = 48) -> str:
    """Texts of two to ten words with a label."""
    words = " ".join(CORPUS).replace(",", "").split()
    rows = [f"{' '.join(words[i : i + 2 + i % 9])},{i % 2}" for i in range(examples)]
    (folder / "own.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return task_from_files(str(folder / "own.csv")).spec


def adapters(*layers: int) -> Architecture:
    return Architecture(
        tuple(Module("sequential_adapter", "ffn", n, 4, gate="auto") for n in layers)
        + tuple(Module("lora", "attention.query", n, 2) for n in layers)
    )


def trained(
    context: Context, architecture: Architecture, arrays: SharedArrays | None, **changed: object
) -> tuple[list[EpochResult], dict[str, torch.Tensor]]:
    """Results of three epochs of seven steps, and the weights that were learned."""
    from autopelt.modules.attachment import attachment

    context.arrays = arrays
    training = TrainingConfig(
        epochs=3, batch_size=6, learning_rate_factor=2.0, precision="fp32"
    ).model_copy(update=changed)
    try:
        results = list(train_epochs(context, architecture, training, random_seed=3))
        weights = {k: v.detach().clone() for k, v in attachment(context.model).named_parameters()}
    finally:
        release(context)
    return results, weights


@pytest.mark.parametrize("family", FAMILIES)
def test_cached_and_uncached_training_are_the_same_function(family: str, tmp_path: Path) -> None:
    context = Context(Setup(str(tiny_model(family, tmp_path)), own_task(tmp_path)))
    assert len(set(context.splits["train"].lengths)) > 4
    before = {k: v.clone() for k, v in context.model.state_dict().items()}
    attributes = [set(layer.__dict__) for _, layer in Backbone(context.model).layers]
    arrays = SharedArrays(tmp_path / "cache", ROOM)
    for architecture in (adapters(1, 2), adapters(2), Architecture()):
        plain, plain_weights = trained(context, architecture, None)
        cached, cached_weights = trained(context, architecture, arrays)
        assert cached[0].saved["layers"] == boundary_of(architecture, LAYERS)
        assert not plain[0].saved
        for a, b in zip(plain, cached, strict=True):
            assert b.loss == pytest.approx(a.loss, abs=1e-5)
            assert b.metrics == a.metrics
        for name, weight in plain_weights.items():
            torch.testing.assert_close(cached_weights[name], weight, rtol=1e-3, atol=1e-4)
    after = context.model.base_model.state_dict()
    assert all(
        torch.equal(before[f"{context.model.base_model_prefix}.{k}"], v) for k, v in after.items()
    )
    assert attributes == [set(layer.__dict__) for _, layer in Backbone(context.model).layers]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("trunk")
    return Context(Setup(str(tiny_model("bert", folder)), own_task(folder)))


@pytest.mark.parametrize(
    ("architecture", "layers"),
    [
        (Architecture((Module("prompt", "embeddings", None, 2),)), 0),
        (adapters(0, 2), 0),
        (Architecture(full=True), 0),
        (Architecture((Module("lora", "attention.query", 2, 2, gate="mean"),)), 2),
    ],
    ids=["prompt", "layer 0", "full", "mean gate"],
)
def test_without_a_trunk_there_is_no_cache(
    context: Context, architecture: Architecture, layers: int, tmp_path: Path
) -> None:
    assert boundary_of(architecture, LAYERS) == layers
    arrays = SharedArrays(tmp_path, ROOM)
    results, _ = trained(context, architecture, arrays, epochs=1)
    assert not results[0].saved
    assert arrays.used() == 0


def test_trials_share_states_and_build_on_lower_ones(context: Context, tmp_path: Path) -> None:
    arrays = SharedArrays(tmp_path, ROOM)
    first, _ = trained(context, adapters(1), arrays, epochs=1)
    assert first[0].saved["hits"] == 0
    assert first[0].seconds["trunk"] > 0
    again, _ = trained(context, adapters(1, 2), arrays, epochs=1)
    assert again[0].saved["hits"] == 2
    assert again[0].saved["trunk"] > 0
    higher, _ = trained(context, adapters(2), arrays, epochs=1)
    assert higher[0].saved["hits"] == 0
    alone, _ = trained(context, adapters(2), SharedArrays(tmp_path / "alone", ROOM), epochs=1)
    assert higher[0].loss == alone[0].loss
    assert len(list(tmp_path.glob("*.bin"))) == 4


def test_too_little_memory_means_training_without(context: Context, tmp_path: Path) -> None:
    plain, _ = trained(context, adapters(2), None, epochs=1)
    results, _ = trained(context, adapters(2), SharedArrays(tmp_path, 1000), epochs=1)
    assert not results[0].saved
    assert results[0].loss == plain[0].loss


def test_other_weights_are_other_states(context: Context) -> None:
    before = context.identity("train")
    assert context.identity("selection") != before
    weight = context.model.base_model.encoder.layer[0].output.dense.weight
    kept = weight.detach().clone()
    context._identities.clear()
    try:
        weight.data[0, 0] += 1
        assert context.identity("train") != before
        weight.data.copy_(2 * kept)
        context._identities.clear()
        assert context.identity("train") != before
    finally:
        weight.data.copy_(kept)
        context._identities.clear()
    assert context.identity("train") == before


def test_a_model_that_cannot_start_at_a_layer_is_trained_without(
    context: Context, tmp_path: Path
) -> None:
    layers = context.model.base_model.encoder.layer
    seen: list[torch.Tensor] = []  # a path around the boundary, from layer 0 into the pooler
    handles = [
        layers[0].register_forward_hook(lambda module, args, output: seen.append(output)),
        context.model.base_model.pooler.register_forward_pre_hook(
            lambda module, args: (args[0] + 50 * seen.pop(),)
        ),
    ]
    arrays = SharedArrays(tmp_path, ROOM)
    try:
        results, _ = trained(context, adapters(2), arrays, epochs=1)
        assert not context.trunk_works
    finally:
        for handle in handles:
            handle.remove()
        context.trunk_works = True
    assert not results[0].saved
    assert arrays.used() == 0


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("regression", "roberta"),
        ("token_classification", "bert"),
        ("question_answering", "bert"),
        ("multiple_choice", "roberta"),
        ("own_choices", "bert"),
        ("retrieval", "gpt2"),
        ("generation", "gpt2"),
    ],
)
def test_other_kinds_of_tasks(kind: str, family: str, tmp_path: Path) -> None:
    context = tiny_context(kind, family, tmp_path)
    architecture = Architecture((Module("lora", "attention.value", 1, 2),))
    plain, _ = trained(context, architecture, None, epochs=2)
    cached, _ = trained(context, architecture, SharedArrays(tmp_path / "cache", ROOM), epochs=2)
    assert cached[0].saved["layers"] == 1
    for a, b in zip(plain, cached, strict=True):
        assert b.loss == pytest.approx(a.loss, abs=1e-5)
        assert b.metrics == pytest.approx(a.metrics, abs=1e-5)
