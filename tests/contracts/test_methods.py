"""One contract for every method on every family, on tiny random models where each layer differs."""

import copy
import pickle
import subprocess
import sys
import warnings
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from zoo import CONFIGS, DECODERS, SEQ2SEQ, batch_of, labels_of, logits_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.backbones.families import FAMILIES
from autopelt.backbones.shapes import shapes_of_model
from autopelt.methods import METHODS
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, attached, count_attached, detach, frozen_parameters
from autopelt.modules.checkpoint import load, save

LAYERS = {family: 4 if family in SEQ2SEQ else 3 for family in CONFIGS}
LINEAR = (
    "attention.query",
    "attention.key",
    "attention.value",
    "attention.output",
    "ffn.in",
    "ffn.out",
)
"""Linear maps that every family here has."""
WEIGHTS = [method for method in METHODS.values() if isinstance(method, LinearMap)]
IA3 = ("attention.key", "attention.value", "ffn.out")


def _kit(method, location, sizes, **options):
    """Modules of growing size in some layers, none in layer 0 where `sizes` begins with 0."""
    return [
        Module(method, location, layer, size, **options) for layer, size in enumerate(sizes) if size
    ]


def _kits(gate):
    kits = {
        "sequential": _kit("sequential_adapter", "ffn", (3, 0, 5), gate=gate),
        "houlsby": _kit("sequential_adapter", "attention", (2, 4, 3), gate=gate),
        "parallel": _kit("parallel_adapter", "ffn", (0, 6, 2), gate=gate),
        "both": _kit("sequential_adapter", "ffn", (3, 4, 0), gate=gate)
        + _kit("parallel_adapter", "ffn", (2, 5, 3), gate=gate),
        "prefix": _kit("prefix", "attention", (4, 0, 2), gate=gate),
        "prefix-network": _kit("prefix", "attention", (4, 1, 2), gate=gate, mlp=7),
        "lora": [
            module
            for rank, location in enumerate(LINEAR, start=1)
            for module in _kit("lora", location, (rank, 0, 7 - rank), gate=gate)
        ],
        "prompt": [Module("prompt", "embeddings", None, 3, gate)],
        "p-tuning-mlp": [Module("p_tuning", "embeddings", None, 2, gate, mlp=9)],
        "p-tuning-lstm": [Module("p_tuning", "embeddings", None, 2, gate)],
    }
    kits["weights"] = [
        Module(method.name, LINEAR[(number + layer) % len(LINEAR)], layer, 2 + layer, option)
        for number, method in enumerate(WEIGHTS)
        for layer in range(3)
        for option in [gate if "gate" in method.options else None]
    ]
    kits["vectors"] = _kit("loreft", "layer", (2, 0, 3), gate=gate)
    if gate is None:  # what these methods cannot have
        kits["pissa"] = [
            module
            for rank, location in enumerate(LINEAR, start=1)
            for module in _kit("lora", location, (rank, 0, 7 - rank), start="pissa", alpha=3)
        ]
        kits["vectors"] += [
            module
            for method, location in (*(("ia3", at) for at in IA3), ("layer_norm", "norms"))
            for module in _kit(method, location, (1, 0, 1))
        ]
        kits["biases"] = _kit("bitfit", "biases", (1, 0, 1))
    parts = ("both", "houlsby", "prefix", "lora", "prompt", "p-tuning-mlp")
    kits["everything"] = [module for part in parts for module in kits[part]]
    kits["zeros"] = [module for part in ("both", "houlsby", "lora") for module in kits[part]]
    return {name: Architecture(tuple(modules)) for name, modules in kits.items()}


KITS = _kits(None) | {f"{name}-gated": kit for name, kit in _kits("auto").items()}
ZERO_START = [
    name for name in KITS if not name.startswith(("prefix", "prompt", "p-tuning", "everything"))
]
ONLY = dict.fromkeys(
    ("vectors", "vectors-gated", "weights", "weights-gated", "pissa"),
    ("bert", "gpt2", "llama", "t5"),
)
ONLY["biases"] = ("bert", "gpt2", "qwen2", "bart")
"""Kits whose modules need to know of a family what maps, norms and biases it has: post-norm and
pre-norm, fused maps, gated FFNs, stacks that differ."""
WHOLE = ("bert", "deberta-v2", "gpt2", "llama", "t5")
"""Families on which each kit stands alone: post-norm, disentangled attention, fused maps, grouped
heads, an encoder and a decoder. On the others what the kits have is put on together."""
TOGETHER = ("everything", "everything-gated")
families = pytest.mark.parametrize("family", CONFIGS)


def cases_of(families, alone=tuple(k for k in KITS if "zeros" not in k), together=TOGETHER):
    """Every kit on every family that it is for."""
    few = {k: ONLY.get(k, WHOLE) for k in alone} | dict.fromkeys(together, CONFIGS)
    pairs = [(f, k) for k, places in few.items() for f in families if f in places]
    return pytest.mark.parametrize(("family", "kit"), pairs)


cases = cases_of(CONFIGS)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@lru_cache
def _warm(family, generates=False, dtype=torch.float64):
    """One model a family, shared by all tests: each leaves it as it found it.

    In float64, so that two ways of computing the same thing agree to many digits.
    """
    return make(family, generates=generates).to(dtype)


@pytest.fixture
def model(family):
    warm = _warm(family)
    yield warm
    detach(warm)
    warm.zero_grad()


def moved(model):
    """Move every attached parameter away from its start."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.autopelt.named_parameters():
            parameter += torch.empty(parameter.shape).normal_(0, 0.3, generator=generator)
            if name.endswith("down_bias"):
                parameter += 1.0  # so that no unit of a bottleneck is dead
    return model


def put(model, kit):
    attach(model, KITS[kit], random_seed=3)
    return moved(model)


def test_every_family_of_the_table_is_tested():
    assert set(CONFIGS) == set(FAMILIES)


@cases_of(CONFIGS, ZERO_START, ("zeros", "zeros-gated"))
def test_zero_start_leaves_the_logits_bit_identical(model, family, kit):
    batch = batch_of(family)
    before = logits_of(model, batch)
    attach(model, KITS[kit], random_seed=3)
    assert torch.equal(logits_of(model, batch), before)
    moved(model)
    assert not torch.allclose(logits_of(model, batch), before, atol=1e-4)


@cases
def test_gradients_reach_every_module_and_no_backbone_parameter(model, family, kit):
    put(model, kit)
    batch = batch_of(family)
    model(**batch, labels=labels_of(family, batch)).loss.backward()
    for name, parameter in model.autopelt.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    assert all(p.grad is None for p in frozen_parameters(model).values())


@cases
def test_the_closed_form_count_is_what_is_attached(model, family, kit):
    attach(model, KITS[kit], random_seed=3)
    counter = ShapeCounter(shapes_of_model(model))
    count = count_attached(model)
    assert count == counter.count(KITS[kit])
    assert count.deployed == sum(counter.deployed(m) for m in KITS[kit].modules)


@cases
def test_removal_restores_outputs_and_state_bit_for_bit(family, kit):
    model, batch = _warm(family), batch_of(family)
    before, state = logits_of(model, batch), copy.deepcopy(model.state_dict())
    hooks = _hooks(model)
    put(model, kit)
    assert _hooks(model) > hooks
    changed = logits_of(model, batch)
    detach(model)
    assert not torch.equal(changed, before)
    assert torch.equal(logits_of(model, batch), before)
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert _hooks(model) == hooks
    assert attached(model) is None


def _hooks(model):
    return sum(
        len(m._forward_hooks)
        + len(m._forward_pre_hooks)
        + ("Prefixed" in type(m).__name__)
        + (getattr(getattr(m, "config", None), "_attn_implementation", "") == "autopelt_prefix")
        for m in model.modules()
    )


@cases_of([f for f in CONFIGS if f != "deberta-v2"])
def test_eager_and_sdpa_agree(family, kit):
    # In float32: some families' eager attention computes in it and overflows float64's mask.
    model, batch = _warm(family, dtype=torch.float32), batch_of(family, padding=2)
    put(model, kit)
    found = {}
    for implementation in ("eager", "sdpa"):
        model.set_attn_implementation(implementation)
        found[implementation] = logits_of(model, batch)
    detach(model)
    scale = max(1.0, found["sdpa"].abs().max().item())
    assert torch.allclose(found["eager"], found["sdpa"], atol=2e-5 * scale)


@cases
def test_padding_leaves_the_logits_alone(model, family, kit):
    put(model, kit)
    plain, padded = (logits_of(model, batch_of(family, padding=p)) for p in (0, 6))
    assert torch.allclose(plain, padded, atol=1e-9)
    if family not in SEQ2SEQ:
        alone = {k: v[2:, :5] for k, v in batch_of(family).items()}
        assert torch.allclose(logits_of(model, alone), plain[2:], atol=1e-9)


@cases
def test_a_deep_copy_is_independent(model, family, kit):
    batch = batch_of(family)
    put(model, kit)
    model(**batch)  # a forward pass leaves nothing behind that cannot be copied
    before = logits_of(model, batch)
    other = copy.deepcopy(model)
    assert torch.equal(logits_of(other, batch), before)
    with torch.no_grad():
        for parameter in other.autopelt.parameters():
            parameter.add_(0.3)
    assert torch.equal(logits_of(model, batch), before)
    assert not torch.equal(logits_of(other, batch), before)
    detach(other)
    assert torch.equal(logits_of(model, batch), before)
    detach(model)
    assert torch.equal(logits_of(model, batch), logits_of(other, batch))


@cases
def test_a_pickle_gives_the_same_logits(model, family, kit):
    batch = batch_of(family)
    put(model, kit)
    model(**batch)
    other = pickle.loads(pickle.dumps(model))
    assert torch.equal(logits_of(other, batch), logits_of(model, batch))
    detach(other)
    detach(model)
    assert torch.equal(logits_of(other, batch), logits_of(model, batch))


def _checkpointing(model, on):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # renamed in transformers 5.23
        if on:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        else:
            model.gradient_checkpointing_disable()
            model.disable_input_require_grads()  # a hook that cannot be pickled


@cases
def test_gradient_checkpointing_gives_the_same_gradients(model, family, kit):
    put(model, kit)
    batch, other = batch_of(family), batch_of(family, lengths=(3, 9, 9))

    def gradients():
        model.zero_grad()
        loss = model(**batch, labels=labels_of(family, batch)).loss
        model(**other)  # another batch in between must not leak into the recomputation
        loss.backward()
        return {n: p.grad.clone() for n, p in model.autopelt.named_parameters()}

    model.train()
    try:
        plain = gradients()
        _checkpointing(model, True)
        again = gradients()
    finally:
        _checkpointing(model, False)
        model.eval()
    for name, gradient in plain.items():
        assert torch.allclose(gradient, again[name], atol=1e-6), name


@cases
def test_save_and_load_give_the_same_logits(model, family, kit, tmp_path):
    batch = batch_of(family)
    put(model, kit)
    expected = logits_of(model, batch)
    save(model, tmp_path)
    detach(model)
    load(model, tmp_path)
    assert torch.equal(logits_of(model, batch), expected)


def test_a_new_process_gives_the_same_logits(tmp_path):
    """Every family with everything attached, saved here and loaded in one other process."""
    expected = {}
    for family in CONFIGS:
        model = make(family)
        put(model, "everything-gated")
        save(model, tmp_path / family)
        expected[family] = logits_of(model, batch_of(family))
    program = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from zoo import CONFIGS, batch_of, logits_of, make\n"
        "from autopelt import load\n"
        "found = {}\n"
        "for family in CONFIGS:\n"
        "    model = make(family); load(model, f'{sys.argv[1]}/{family}')\n"
        "    found[family] = logits_of(model, batch_of(family))\n"
        "torch.save(found, f'{sys.argv[1]}/found')\n"
    )
    here = str(Path(__file__).parents[1] / "support")
    subprocess.run([sys.executable, "-c", program, str(tmp_path), here], check=True)
    found = torch.load(tmp_path / "found")
    for family, value in expected.items():
        assert torch.allclose(found[family], value, atol=1e-6), family


@cases_of([*DECODERS, *SEQ2SEQ])
def test_generation_with_and_without_cache_agrees(family, kit):
    """Left-padded for decoders; each row also as if it were alone."""
    model = _warm(family, generates=True)
    batch = batch_of(family)
    batch.pop("decoder_input_ids", None)
    if family in DECODERS:
        for row, length in enumerate(batch["attention_mask"].sum(1).tolist()):
            for value in batch.values():
                value[row] = value[row].roll(value.shape[1] - length)
    put(model, kit)
    try:
        options = {"max_new_tokens": 6, "do_sample": False, "eos_token_id": None}
        texts = [
            model.generate(**batch, use_cache=cache, **options).tolist() for cache in (True, False)
        ]
        assert texts[0] == texts[1]
        row = batch["attention_mask"][0].bool()
        alone = {k: v[:1, row] for k, v in batch.items()}
        text = model.generate(**alone, **options)[0].tolist()
        assert texts[0][0][-6:] == text[-6:]
    finally:
        detach(model)


@cases_of(DECODERS)
def test_later_tokens_do_not_change_earlier_logits(family, kit):
    model, batch = _warm(family, generates=True), batch_of(family, lengths=(9, 9))
    put(model, kit)
    try:
        before = logits_of(model, batch)
        batch["input_ids"][:, 6:] = 7
        assert torch.allclose(logits_of(model, batch)[:, :6], before[:, :6], atol=1e-9)
    finally:
        detach(model)


@st.composite
def architectures(draw, family):
    modules, places = [], set(shapes_of_model(_warm(family)).locations) - {"embeddings"}
    for layer in range(LAYERS[family]):
        for method in METHODS.values():
            for location in method.locations:
                if location not in places:
                    continue
                if not draw(st.booleans()) or any(
                    (m.method, m.location, m.layer) == (method.ships_as, location, layer)
                    for m in modules
                ):
                    continue
                gates = ("auto", "mean", "masked", "token") if "gate" in method.options else ()
                gate = draw(st.sampled_from((None, *gates)))
                mlp = draw(st.sampled_from((None, 3, 5))) if method.name == "prefix" else None
                alpha = None
                if "alpha" in method.options and gate is None:
                    alpha = draw(st.sampled_from((None, 1.0, 16.0)))
                size = draw(st.integers(1, 6)) if method.size_word else 1
                modules.append(Module(method.name, location, layer, size, gate, alpha, mlp))
    for method in ("prompt", "p_tuning"):
        if draw(st.booleans()):
            gate = draw(st.sampled_from((None, "auto", "mean", "masked", "token")))
            modules.append(Module(method, "embeddings", None, draw(st.integers(1, 4)), gate))
    return Architecture(tuple(modules))


@families
@settings(
    max_examples=4,
    phases=[Phase.explicit, Phase.generate],  # to shrink a hundred choices takes for ever
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_random_architecture_trains_a_step(family, data):
    model, batch = _warm(family), batch_of(family)
    architecture = data.draw(architectures(family))
    attach(model, architecture, random_seed=1)
    try:
        assert count_attached(model) == ShapeCounter(shapes_of_model(model)).count(architecture)
        trained = list(model.autopelt.parameters())
        model.train()
        loss = model(**batch, labels=labels_of(family, batch)).loss
        if loss.requires_grad:  # a model that generates has no head of its own to train
            loss.backward()
        if trained:
            before = [p.clone() for p in trained]
            torch.optim.SGD(trained, lr=0.1).step()
            assert any(not torch.equal(a, b) for a, b in zip(before, trained, strict=True))
        assert torch.isfinite(loss)
    finally:
        detach(model)
        model.eval()
        model.zero_grad()


def test_a_gate_on_debertas_projections_tells_tokens_from_positions():
    """With one text as long as the table of positions, its mask must not be taken for theirs."""
    model = _warm("deberta-v2")
    put(model, "lora-gated")
    try:
        plain = batch_of("deberta-v2", lengths=(9,))
        padded = batch_of("deberta-v2", lengths=(9,), padding=7)  # 16 = 2 · position_buckets
        assert torch.allclose(logits_of(model, plain), logits_of(model, padded), atol=1e-9)
    finally:
        detach(model)


@families
def test_a_closed_token_gate_takes_the_prefix_away(model, family):
    """So the attention that carries a prefix computes what the family's own does."""
    batch = batch_of(family)
    before = logits_of(model, batch)
    gated = [Module("prefix", "attention", layer, 3, "token") for layer in range(LAYERS[family])]
    attach(model, Architecture(tuple(gated)), random_seed=3)
    assert not torch.allclose(logits_of(model, batch), before, atol=1e-4)
    with torch.no_grad():
        for name, parameter in model.autopelt.named_parameters():
            if name.endswith("gate.bias"):
                parameter.fill_(-1e4)
    assert torch.allclose(logits_of(model, batch), before, atol=1e-9)
