"""Frozen weights in int8 and nf4: what is left out, what is refused, and that all else works."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from tiny_context import tiny_context
from zoo import make

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones import quantised
from autopelt.backbones.load import load_config, load_model
from autopelt.backbones.quantised import kept_as, left_out, nothing_remote, require, weight_of
from autopelt.backbones.shapes import shapes_of_model
from autopelt.backbones.source import resolve
from autopelt.errors import UnavailableError, UsageError
from autopelt.export.merged_folder import merge
from autopelt.methods import METHODS
from autopelt.methods.module import EMBEDDINGS
from autopelt.modules.attachment import attach, count_attached, detach
from autopelt.modules.probe import failures
from autopelt.study.config import QUANTISED, StudyConfig, TrainingConfig
from autopelt.training.context import Context
from autopelt.training.final import evaluate_model, train_model
from autopelt.training.loop import release, train_epochs
from autopelt.training.shared_arrays import SharedArrays
from autopelt.training.spec import Setup
from autopelt.training.trunk import open_trunk

packages = pytest.mark.skipif(
    any(find_spec(name) is None for name in quantised.PACKAGES),
    reason=f"needs {' and '.join(quantised.PACKAGES)}: pip install '{quantised.EXTRA}'",
)

Saved = Callable[[str], Path]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Writes a family's tiny model into a folder, once."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp(family)
            make(family).save_pretrained(made[family])
        return made[family]

    return folder


def load(folder: Path, keep: str, head: str = "sequence_classification") -> torch.nn.Module:
    return load_model(resolve(str(folder)), head, 2, 0, keep=keep)


# ------------------------------------------------------------------ without the packages
def test_the_two_lists_of_precisions_are_one() -> None:
    assert quantised.KINDS == QUANTISED


def test_head_and_output_matrix_are_left_out() -> None:
    assert left_out(make("llama")) == ["score"]
    assert left_out(make("bert")) == ["classifier"]
    assert left_out(make("llama", generates=True)) == ["lm_head"]


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"'nf4' needs bitsandbytes.*autopelt\[quantized\]"):
        require("nf4")


def test_an_old_gpu_is_refused_nf4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "find_spec", lambda name: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (5, 2))
    require("int8")
    with pytest.raises(UsageError, match=r"capability 6\.0 or later, but this one has 5.2"):
        require("nf4")


def test_a_checkpoint_that_is_quantised_already_is_refused(saved: Saved, tmp_path: Path) -> None:
    model = make("llama")
    model.save_pretrained(tmp_path)
    model.config.quantization_config = {"quant_method": "gptq", "bits": 4}
    model.config.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=r"quantised already \(gptq\); give the checkpoint"):
        load_config(resolve(str(tmp_path)))


def test_a_study_says_how_weights_are_kept() -> None:
    kept = {}
    for precision in ("auto", "fp32", "bf16", "int8", "nf4"):
        training = TrainingConfig(precision=precision)  # type: ignore[arg-type]
        kept[precision] = Setup.of(StudyConfig(task="demo", training=training)).keep
    assert kept == {"auto": "fp32"} | {name: name for name in ("fp32", "bf16", "int8", "nf4")}


def test_what_could_run_code_from_the_hub_is_not_found() -> None:
    with nothing_remote(), pytest.raises(ImportError):
        import kernels  # type: ignore[import-not-found]  # noqa: F401


# ------------------------------------------------------------------ with them
@packages
@pytest.mark.parametrize(("keep", "bound"), [("int8", 0.02), ("nf4", 0.4)])
@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "deberta-v2", "modernbert"])
def test_states_are_near_those_in_fp32(family: str, keep: str, bound: float, saved: Saved) -> None:
    """Random weights of a width of 32 are the worst case for 4 bits:
    docs/benchmarks-2026-11.md."""
    ids = torch.randint(5, 50, (2, 7), generator=torch.Generator().manual_seed(0))
    plain, small = load(saved(family), "fp32", "none"), load(saved(family), keep, "none")
    assert (kept_as(plain), kept_as(small)) == ("fp32", keep)
    with torch.no_grad():
        before, after = (m(input_ids=ids)[0] for m in (plain, small))
    assert after.dtype == torch.float32
    assert 0 < (after - before).norm() / before.norm() < bound
    sizes = [sum(p.nbytes for p in m.parameters()) for m in (plain, small)]
    assert sizes[1] < (0.4 if keep == "int8" else 0.3) * sizes[0]
    assert shapes_of_model(small) == shapes_of_model(plain)  # type: ignore[arg-type]


@packages
@pytest.mark.parametrize("keep", QUANTISED)
@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
def test_every_method_works_and_comes_off_bit_for_bit(family: str, keep: str, saved: Saved) -> None:
    model = load(saved(family), keep, "none")
    shapes = shapes_of_model(model)  # type: ignore[arg-type]
    there = (*shapes.locations, EMBEDDINGS)
    places = [(name, at) for name, m in METHODS.items() for at in m.locations if at in there]
    assert failures(model, places) == {}  # type: ignore[arg-type]


@packages
@pytest.mark.parametrize("keep", QUANTISED)
def test_what_reads_the_weight_reads_it_brought_back(keep: str, saved: Saved) -> None:
    plain, small = load(saved("gpt2"), "fp32", "none"), load(saved("gpt2"), keep, "none")
    for name, module in plain.named_modules():
        if name.endswith(("c_attn", "c_proj", "c_fc")):
            wanted, found = weight_of(module), weight_of(small.get_submodule(name))
            assert found.shape == wanted.shape
            assert found.dtype == torch.float32
            assert (found - wanted).norm() / wanted.norm() < (0.01 if keep == "int8" else 0.12)


@packages
def test_full_is_refused_and_merging_too(saved: Saved) -> None:
    model = load(saved("llama"), "nf4")
    with pytest.raises(UsageError, match="full trains every weight, but with precision='nf4'"):
        attach(model, Architecture(full=True))  # type: ignore[arg-type]
    shapes = shapes_of_model(model)  # type: ignore[arg-type]
    attach(model, seed_architecture("lora-r2", shapes))  # type: ignore[arg-type]
    assert count_attached(model).deployed == count_attached(model).trained  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="weights are kept in nf4, which holds no change"):
        merge(model)  # type: ignore[arg-type]
    detach(model)  # type: ignore[arg-type]


@packages
@pytest.mark.parametrize("keep", QUANTISED)
def test_trained_saved_and_evaluated_alike(keep: str, tiny_bert: Path, tmp_path: Path) -> None:
    setup = Setup(str(tiny_bert), "demo", train_examples=64, quantised=keep)
    training = TrainingConfig(epochs=2, precision=keep)  # type: ignore[arg-type]
    losses: list[float] = []
    shapes = shapes_of_model(load_model(setup.source, "none", 1, 0))
    architecture = seed_architecture("lora-r2", shapes)
    folder = tmp_path / "trained"
    train_model(setup, architecture, training, 0, folder, lambda r: losses.append(r.loss))
    assert losses[1] < losses[0]
    found = evaluate_model(folder)
    assert found["report"] == found["stored"]


@packages
def test_states_are_cached_under_a_name_of_bits_and_scales(tiny_bert: Path, tmp_path: Path) -> None:
    setup = Setup(str(tiny_bert), "demo", train_examples=32, quantised="int8")
    context = Context(setup)
    context.arrays = SharedArrays(tmp_path, 2**24)
    trunk = open_trunk(context, [Architecture()])
    assert trunk is not None
    trunk.close()
    known = context.identity("train")
    _, scale = next(iter(quantised.scales(context.model)))
    scale[0] *= 2
    context._identities.clear()
    assert context.identity("train") != known


@packages
@pytest.mark.parametrize(("keep", "bound"), [("int8", 0.01), ("nf4", 0.1)])
def test_a_tiny_decoder_learns_nearly_what_it_learns_in_fp32(
    keep: str, bound: float, tmp_path: Path
) -> None:
    made = tiny_context("generation", "gpt2", tmp_path)
    losses: dict[str, list[float]] = {}
    for kept in ("", keep):
        context = made if not kept else Context(replace(made.setup, quantised=kept))
        training = TrainingConfig(epochs=3, dropout=False, learning_rate_factor=20)
        architecture = seed_architecture("lora-all-r2", shapes_of_model(context.model))
        losses[kept] = [r.loss for r in train_epochs(context, architecture, training, 0)]
        release(context)
    assert losses[keep][-1] < 0.99 * losses[keep][0]
    assert losses[keep] == pytest.approx(losses[""], rel=bound)
