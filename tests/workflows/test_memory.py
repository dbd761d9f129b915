"""How much memory a study takes: by hand, beside a real step, and what is said where it lacks."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_config, shapes_of_model
from autopelt.cli.main import main
from autopelt.errors import UsageError
from autopelt.modules.attachment import attach
from autopelt.study.config import StudyConfig, TrainingConfig
from autopelt.training.modes import set_training_mode
from autopelt.workflows import memory
from autopelt.workflows.memory import (
    Facts,
    Forecast,
    facts_of,
    layer_numbers,
    too_much,
    weights,
)

LLAMA = AutoConfig.for_model(
    "llama",
    vocab_size=500,
    hidden_size=64,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=160,
    tie_word_embeddings=False,
)
TOKENS = 12


def facts(lengths: tuple[int, ...] = (10, TOKENS, 7, TOKENS), trained: int = 1000) -> Facts:
    return facts_of(shapes_of_config(LLAMA), LLAMA, True, trained, lengths, 40)


def config(workers: int = 1, **training: object) -> StudyConfig:
    made = TrainingConfig.model_validate({"batch_size": 2, "precision": "fp32"} | training)
    return StudyConfig(task="demo", workers=workers, training=made)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 10**9)
    monkeypatch.setattr(memory, "own_memory", lambda: 1000)


def test_weights_are_those_of_the_model_in_each_precision() -> None:
    model = AutoModelForCausalLM.from_config(LLAMA)
    linear = sum(
        m.weight.numel() for m in model.model.layers.modules() if isinstance(m, torch.nn.Linear)
    )
    tables = model.lm_head.weight.numel() + model.model.embed_tokens.weight.numel()
    every = sum(p.numel() for p in model.parameters())
    found = {kind: weights(kind, facts()) for kind in ("auto", "fp32", "bf16", "int8", "nf4")}
    norms = every - linear - tables
    assert found["auto"] == found["fp32"] == 4 * every
    assert found["bf16"] == 2 * (linear + tables) + 4 * norms
    assert found["int8"] == linear + 2 * tables + 4 * norms
    assert found["nf4"] == round(4.13 / 8 * linear + 2 * tables + 4 * norms)


@pytest.mark.parametrize("layers", [3, 5])
def test_activations_are_what_a_step_keeps(layers: int) -> None:
    sizes = LLAMA.to_dict() | {"num_hidden_layers": layers}
    own = AutoConfig.for_model(sizes.pop("model_type"), **sizes)
    model = AutoModelForCausalLM.from_config(own)
    shapes = shapes_of_model(model)
    attach(model, seed_architecture("lora-all-r1", shapes))
    set_training_mode(model)
    mine = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in mine:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        states = model.model(torch.randint(5, 90, (2, TOKENS))).last_hidden_state
    known = facts_of(shapes, own, True, 1, (TOKENS,), 2)
    said = 4 * 2 * TOKENS * layers * layer_numbers(TrainingConfig(), known)
    assert said == pytest.approx(sum(kept.values()) - states.nbytes, rel=0.1)


def test_by_hand() -> None:
    found = Forecast(facts(), "fp32", ()).of(config(workers=3))
    layer = 4 * 64 + 4 * 64 + 4 * 160 + TOKENS
    assert found.logits == 500 * 4 * 2 * 2 * TOKENS
    one = 1.3 * 4 * 2 * TOKENS * layer
    assert found.activations == round(3 * one + (one - found.logits))
    assert found.trained == 5 * 4 * 1000
    assert found.worker == 1000 + sum(
        (found.weights, found.activations, found.logits, found.trained)
    )
    assert found.shared
    assert found.total == 3 * found.worker - 2 * found.weights
    assert found.states == round(4 * 64 * 10.25 * 40)


def test_what_makes_it_less_makes_it_less() -> None:
    forecast = Forecast(facts((300,) * 8), "fp32", ())
    usual = forecast.of(config())
    lighter = forecast.of(config(gradient_checkpointing=True))
    assert lighter.activations < 0.8 * usual.activations  # of three layers
    assert forecast.of(config(batch_size=1)).activations == pytest.approx(usual.activations / 2)
    mixed = Forecast(facts((300, 20)), "fp32", ())
    packed = mixed.of(config(packing="on"))
    assert packed.activations == pytest.approx(mixed.of(config()).activations * 320 / 600, rel=0.01)
    doubled = Forecast(facts(), "bf16", ()).of(config(precision="auto"))
    assert doubled.copies == 2 * sum(facts().linear)


def test_on_gpus_it_is_of_one_of_them() -> None:
    found = Forecast(facts(), "bf16", (7_000, 5_000)).of(config(workers=4))
    assert (found.free, found.device, found.workers, found.shared) == (5_000, "a GPU", 2, False)


def test_enough_is_not_worth_a_word() -> None:
    assert too_much(config(), Forecast(facts(), "fp32", ())) == []
    assert too_much(config(), None) == []


def test_too_much_names_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    forecast = Forecast(facts((300,) * 8), "fp32", ())
    two = config(workers=2)
    free = forecast.of(config()).total + 1
    monkeypatch.setattr(memory, "available_memory", lambda: free)
    (line,) = too_much(two, forecast)
    assert "more than the" in line
    assert "that are free on this machine; it fits with \x02workers=1\x03" in line
    enough = forecast.of(config(workers=2, gradient_checkpointing=True)).total
    monkeypatch.setattr(memory, "available_memory", lambda: enough)
    (line,) = too_much(two, forecast)
    assert "it fits with \x02workers=1\x03" in line
    assert "or \x02gradient_checkpointing=True\x03" in line
    least = forecast.of(two).least + 1
    monkeypatch.setattr(memory, "available_memory", lambda: least)
    (line,) = too_much(two, forecast)
    assert line.endswith("and less")


def test_weights_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    forecast = Forecast(facts(), "fp32", ())
    monkeypatch.setattr(memory, "available_memory", lambda: weights("int8", facts()) + 1001)
    with pytest.raises(UsageError, match=r"weights alone take .*; take .*int8.* or .*nf4"):
        too_much(config(), forecast)
    monkeypatch.setattr(memory, "available_memory", lambda: 10)
    with pytest.raises(UsageError, match="take a smaller model"):
        too_much(config(), forecast)


def test_a_python_gelu_keeps_its_steps() -> None:
    ungated = replace(facts(), steps=True)
    linear = {k: v for k, v in ungated.shapes.linear.items() if k != "ffn.gate"}
    ungated = replace(ungated, shapes=replace(ungated.shapes, linear=linear))
    plain = replace(ungated, steps=False)
    found = [layer_numbers(TrainingConfig(), known) for known in (ungated, plain)]
    assert found[0] - found[1] == 4 * 160


def test_the_dry_run_says_it_and_a_search_ends_before_it_starts(
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["search", "--task", "demo", "--model", str(tiny_bert), "--space", "tiny"]
    words += ["--budget", "4%", "--trials", "8"]
    assert main([*words, "--dry-run"]) == 0
    assert "a worker (weights" in capsys.readouterr().out
    monkeypatch.setattr(memory, "available_memory", lambda: 1)
    assert main(words) == 2
    assert "the weights alone take" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
