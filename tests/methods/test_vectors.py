"""Methods that learn vectors, by hand and beside peft: what they compute, count, merge and say."""

import copy
import warnings

import pytest
import torch
from zoo import batch_of, logits_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.difference import differences
from autopelt.backbones.backbone import Backbone
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.export.merged_folder import merge
from autopelt.methods import check
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, attached, count_attached, detach
from autopelt.modules.pelt import Pelt
from autopelt.space.space import SearchSpace

IA3 = ("attention.key", "attention.value", "ffn.out")


def put(model, *modules):
    """Attach modules and move them away from their start; their parts by name."""
    attach(model, Architecture(modules), random_seed=0)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter += torch.empty(parameter.shape).normal_(0, 0.3, generator=generator)
    return model.autopelt.parts


def everywhere(method, *locations, layers=(0, 2), size=1):
    return [Module(method, location, layer, size) for layer in layers for location in locations]


def in_peft(model, kind, **config):
    peft = pytest.importorskip("peft")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft's own advice, and of transformers at what it asks
        return peft.get_peft_model(model, getattr(peft, kind)(**config))


# ------------------------------------------------------------------ IA3
@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_ia3_scales_keys_values_and_the_inner_activations_of_the_ffn(family):
    model = make(family).double()
    parts = put(model, *everywhere("ia3", *IA3))
    backbone, seen = Backbone(model), {}
    for at in IA3:
        module = backbone.linear(2, at).module
        module.register_forward_hook(lambda m, x, y, at=at: seen.update({at: (m, x[0], y)}))
    logits_of(model, batch_of(family))
    scale = {at: 1 + parts[f"2/{at.replace('.', '/')}/ia3"].offset for at in IA3}
    for at in IA3[:2]:
        site, (module, x, y) = backbone.linear(2, at), seen[at]
        rows = slice(site.start, site.start + site.out_features)
        assert torch.allclose(y[..., rows], scale[at] * module.forward(x)[..., rows], atol=1e-12)
        if family == "gpt2":  # the queries of the fused map are left alone
            assert torch.equal(y[..., :32], module.forward(x)[..., :32])
    module, x, y = seen["ffn.out"]
    inner = {}
    before = backbone.linear(2, "ffn.in").module
    before.register_forward_hook(lambda m, args, out: inner.update(out=out))
    logits_of(model, batch_of(family))
    assert torch.equal(y, module.forward(x))
    activation = torch.nn.functional.gelu(
        inner["out"], approximate="none" if family == "bert" else "tanh"
    )
    assert torch.allclose(x, scale["ffn.out"] * activation, atol=1e-12)


def test_ia3_counts_what_it_scales():
    """Llama with two kv heads of eight: keys and values are 16 wide, the FFN's inside is 48."""
    model = make("llama")
    attach(model, Architecture(tuple(everywhere("ia3", *IA3, layers=range(3)))))
    assert count_attached(model).deployed == 3 * (16 + 16 + 48)


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama", "t5"])
def test_ia3_merges_exactly_with_the_lora_below_it(family):
    """And with what is added to the biases that it scales."""
    model, batch = make(family).double(), batch_of(family)
    lora = [Module("lora", at, layer, 2) for at in IA3 for layer in (0, 1)]
    biases = "biases" in shapes_of_model(model).locations
    bitfit = everywhere("bitfit", "biases", layers=(0, 1)) if biases else []
    put(model, *everywhere("ia3", *IA3, layers=(0, 1)), *lora, *bitfit)
    expected = logits_of(model, batch)
    merge(model)
    assert attached(model) is None
    assert torch.allclose(logits_of(model, batch), expected, atol=1e-10)


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama", "t5"])
def test_ia3_is_what_peft_makes_of_the_same_weights(family):
    model, batch = make(family), batch_of(family)
    other = copy.deepcopy(model)
    names = {id(module): name for name, module in other.named_modules()}
    parts = put(model, *everywhere("ia3", *IA3, layers=(0, 1)))
    vectors, ffn = {}, []
    for part in parts.values():
        site = Backbone(other).linear(part.layer, part.spec.location)
        key = names[id(site.module)]
        width = site.module.weight.shape[1 if family == "gpt2" else 0]
        whole = vectors.setdefault(key, torch.ones(width))
        if part.spec.location == "ffn.out":
            vectors[key] = 1 + part.offset.detach()
            ffn.append(key)
        else:
            whole[site.start : site.start + site.out_features] += part.offset.detach()
    config = {"target_modules": list(vectors), "feedforward_modules": ffn}
    theirs = in_peft(other, "IA3Config", **config, fan_in_fan_out=family == "gpt2")
    state = dict(theirs.named_parameters())
    with torch.no_grad():
        for name, vector in vectors.items():
            parameter = state[f"base_model.model.{name}.ia3_l.default"]
            parameter.copy_(vector.view(parameter.shape))
    assert torch.allclose(logits_of(theirs, batch), logits_of(model, batch), atol=1e-5)


# ------------------------------------------------------------------ biases and norms
def owners(model, location, layer):
    return [v.module for v in Backbone(model).vectors(layer, location)]


def with_offsets(model, location, layer, part):
    """A copy of the bare model with the part's offsets added to its parameters by hand."""
    other = copy.deepcopy(model)
    detach(other)
    names = ("bias",) if location == "biases" else ("weight", "bias")
    left = part.offset.detach()
    for owner in owners(other, location, layer):
        for name in names:
            parameter = getattr(owner, name, None)
            if parameter is not None:
                with torch.no_grad():
                    parameter += left[: len(parameter)]
                left = left[len(parameter) :]
    assert len(left) == 0
    return other


@pytest.mark.parametrize(
    ("method", "location", "family"),
    [
        ("bitfit", "biases", "bert"),
        ("bitfit", "biases", "gpt2"),
        ("layer_norm", "norms", "bert"),
        ("layer_norm", "norms", "qwen3"),
    ],
)
def test_offsets_are_as_if_the_parameters_were_others(method, location, family):
    model, batch = make(family).double(), batch_of(family)
    part = put(model, Module(method, location, 1, 1))[f"1/{location}/{method}"]
    expected = logits_of(with_offsets(model, location, 1, part), batch)
    assert torch.allclose(logits_of(model, batch), expected, atol=1e-12)
    merge(model)
    assert torch.allclose(logits_of(model, batch), expected, atol=1e-12)


def test_biases_and_norms_of_one_layer_are_trained_and_merged_together():
    """The norm's bias has two offsets, and one does not undo the other."""
    model, batch = make("bert").double(), batch_of("bert")
    parts = put(model, Module("bitfit", "biases", 0, 1), Module("layer_norm", "norms", 0, 1))
    both = with_offsets(model, "norms", 0, parts["0/norms/layer_norm"])
    both = with_offsets(both, "biases", 0, parts["0/biases/bitfit"])
    expected = logits_of(both, batch)
    assert torch.allclose(logits_of(model, batch), expected, atol=1e-12)
    merge(model)
    assert torch.allclose(logits_of(model, batch), expected, atol=1e-12)


def test_counts_of_biases_and_norms():
    """Widths: 32, inside the FFN 48, keys and values of the decoders 16, heads of Qwen 3 12."""
    bert, qwen2, qwen3, t5 = (shapes_of_model(make(f)) for f in ("bert", "qwen2", "qwen3", "t5"))
    assert bert.vectors == {"biases": 4 * 32 + 48 + 32 + 2 * 32, "norms": 4 * 32}
    assert qwen2.vectors == {"biases": 32 + 16 + 16, "norms": 2 * 32}
    assert qwen3.vectors == {"norms": 2 * 32 + 2 * 12}
    # The decoder has a third norm, in front of cross-attention.
    assert t5.vectors == {"norms": 2 * 32, "2/norms": 3 * 32, "3/norms": 3 * 32}


def test_a_backbone_without_biases_has_no_place_for_bitfit():
    message = (
        r"bitfit at 0/biases: a llama backbone has no place 'biases' for this method, nor any other"
    )
    with pytest.raises(UsageError, match=message):
        check(Module("bitfit", "biases", 0, 1), shapes_of_model(make("llama")))


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_layer_norm_tuning_is_what_peft_makes_of_the_same_weights(family):
    model, batch = make(family), batch_of(family)
    other = copy.deepcopy(model)
    names = {id(module): name for name, module in other.named_modules()}
    parts = put(model, *everywhere("layer_norm", "norms", layers=(0, 2)))
    norms = {n: [names[id(m)] for m in owners(other, "norms", n)] for n in (0, 2)}
    targets = [name for own in norms.values() for name in own]
    theirs = in_peft(other, "LNTuningConfig", target_modules=targets)
    for layer, own in norms.items():
        left = parts[f"{layer}/norms/layer_norm"].offset.detach()
        for name in own:
            tuned = theirs.get_submodule(f"base_model.model.{name}.ln_tuning_layers.default")
            for parameter in tuned.parameters():
                parameter.data += left[: len(parameter)]
                left = left[len(parameter) :]
    assert torch.allclose(logits_of(theirs, batch), logits_of(model, batch), atol=1e-5)


# ------------------------------------------------------------------ hidden states
@pytest.mark.parametrize("family", ["bert", "t5"])
def test_loreft_edits_states_in_the_subspace_of_orthonormal_rows(family):
    model = make(family).double()
    part = put(model, Module("loreft", "layer", 1, 3, gate=None))["1/layer/loreft"]
    r, w, b = part.rotation(), part.source, part.bias
    assert torch.allclose(r @ r.T, torch.eye(3).double(), atol=1e-12)
    q, _ = torch.linalg.qr(part.free.T)  # the same subspace
    assert torch.allclose(r.T @ r, q @ q.T, atol=1e-12)
    seen, layer = {}, Backbone(model).block(1)

    def keep(module, args, kwargs):
        seen["in"] = args, kwargs

    layer.register_forward_pre_hook(keep, with_kwargs=True)
    layer.register_forward_hook(lambda m, args, out: seen.update(out=out))
    logits_of(model, batch_of(family))
    args, kwargs = seen["in"]
    with torch.no_grad():
        plain, found = layer.forward(*args, **kwargs), seen["out"]
        h = plain[0] if isinstance(plain, tuple) else plain
        expected = h + (h @ w.T + b - h @ r.T) @ r
    assert torch.allclose(found[0] if isinstance(found, tuple) else found, expected, atol=1e-12)
    assert torch.allclose(expected @ r.T, h @ w.T + b, atol=1e-12)
    assert type(found) is type(plain)


def test_loreft_has_no_more_rows_than_states_have_width():
    shapes = shapes_of_model(make("bert"))
    check(Module("loreft", "layer", 0, 32), shapes)
    with pytest.raises(UsageError, match="loreft at 0/layer has rank 33; 32 is all that states"):
        check(Module("loreft", "layer", 0, 33), shapes)


def test_loreft_is_not_merged_and_says_why():
    model = make("bert")
    put(model, Module("loreft", "layer", 1, 3))
    with pytest.raises(UsageError, match="on which no weight of the backbone sits"):
        merge(model)


# ------------------------------------------------------------------ no size
def test_a_method_without_size_is_spoken_of_without_one():
    few, more = (
        Architecture(tuple(everywhere("ia3", *IA3, layers=layers))) for layers in ((0,), (0, 1, 2))
    )
    assert more.describe() == "ia3 (key, value, ffn.out) at 0-2"
    assert differences(few, more) == ["ia3 (key, value, ffn.out): new in layers 1-2."]
    assert differences(Architecture(), few) == ["ia3 (key, value, ffn.out): new in layer 0."]


def test_what_belongs_to_a_layer_is_spoken_of_without_its_place():
    modules = everywhere("bitfit", "biases") + everywhere("layer_norm", "norms", layers=(1, 2))
    assert Architecture(tuple(modules)).describe() == "bitfit at 0,2 · norms at 1-2"


def test_a_method_without_size_takes_no_size():
    with pytest.raises(UsageError, match=r"ia3 at 0/ffn.out has size 4, but IA3 has no size: 1"):
        check(Module("ia3", "ffn.out", 0, 4), shapes_of_model(make("bert")))
    row = "modules:\n  - {method: ia3, location: ffn.out, sizes: [0, 1, 4]}\n"
    with pytest.raises(UsageError, match=r"ia3 has no size: sizes are \[0, 1\]"):
        SearchSpace.parse(row)
    SearchSpace.parse(row.replace(", 4", ""))


# ------------------------------------------------------------------ merging is a method's own
def test_what_does_not_say_how_it_merges_is_refused_and_stays(monkeypatch):
    """Even where a method says that it could: nothing is merged by half, nothing detached."""
    monkeypatch.setattr("autopelt.modules.ia3.IA3Module.merge", Pelt.merge)
    model, batch = make("bert").double(), batch_of("bert")
    bare = logits_of(model, batch)
    put(model, Module("lora", "ffn.out", 0, 2), *everywhere("ia3", "ffn.out", layers=(1,)))
    expected = logits_of(model, batch)
    with pytest.raises(UsageError, match=r"cannot merge: ia3 at 1/ffn\.out does not say how"):
        merge(model)
    assert torch.equal(logits_of(model, batch), expected)
    detach(model)
    assert torch.equal(logits_of(model, batch), bare)
