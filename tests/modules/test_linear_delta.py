"""Changes of a linear map's weight: their formulas by hand, merged, and as peft has them."""

import peft
import pytest
import torch
from peft.tuners.lokr.layer import factorization
from transformers import BertConfig, BertModel
from zoo import batch_of, logits_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.backbones.backbone import Backbone
from autopelt.export.merged_folder import merge
from autopelt.methods import METHODS
from autopelt.methods.linear_map import LinearMap
from autopelt.methods.lokr import FACTOR, factors
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, detach
from autopelt.modules.linear_delta import Frozen


def lokr(part, weight):
    right = part.up @ part.down if part.right is None else part.right
    return torch.kron(part.left, right)


def dora(part, weight):
    changed = weight + part.scale * part.up @ part.down
    return part.magnitude[:, None] * changed / changed.norm(dim=1, keepdim=True) - weight


def vera(part, weight):
    (out, wide), shared = weight.shape, part.projections
    up, down = shared.up[:out, : part.rank], shared.down[: part.rank, :wide]
    return part.outer.diag() @ up * (6 / part.rank) ** 0.5 @ part.inner.diag() @ down


CHANGES = {
    "vera": vera,
    "lokr": lokr,
    "dora": dora,
    "lora": lambda part, weight: part.up @ part.down,
    "adalora": lambda part, weight: part.scale * part.left * part.values @ part.right,
    "hira": lambda part, weight: weight * (part.up @ part.down),
    "miss": lambda part, weight: part.matrix.T.repeat(1, 99)[:, : weight.shape[1]],
}
"""ΔW of each method, as its paper writes it."""
methods = pytest.mark.parametrize("method", CHANGES)


def test_every_method_on_linear_maps_is_tested():
    assert set(CHANGES) == {name for name, m in METHODS.items() if isinstance(m, LinearMap)}


def put(model, *modules):
    """Attach modules with random values; returns them by name."""
    attach(model, Architecture(modules), random_seed=0)
    with torch.no_grad():
        for name, parameter in model.autopelt.named_parameters():
            generator = torch.Generator().manual_seed(len(name) + parameter.numel())
            parameter.normal_(0, 0.3, generator=generator)
    return model.autopelt.parts


@methods
@pytest.mark.parametrize(
    ("family", "location"),
    [
        ("bert", "ffn.out"),
        ("gpt2", "attention.key"),
        ("gpt2", "ffn.in"),
        ("llama", "attention.key"),
    ],
)
def test_a_map_gives_what_its_changed_weight_would(family, location, method):
    """On Conv1D and its slices, and on maps that are not square, too."""
    model, seen = make(family).double(), {}
    part = put(model, Module(method, location, 1, 3))[f"1/{location.replace('.', '/')}/{method}"]
    site = Backbone(model).linear(1, location)
    rows = slice(site.start, site.start + site.out_features)
    site.module.register_forward_hook(lambda m, args, out: seen.update(x=args[0], out=out))
    logits_of(model, batch_of(family))
    with torch.no_grad():
        weight = Frozen(site.module, rows).weight
        expected = site.module.forward(seen["x"])
        expected[..., rows] += seen["x"] @ CHANGES[method](part, weight).T
    assert torch.allclose(seen["out"], expected, atol=1e-12)


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama", "t5"])
def test_what_sits_on_one_map_adds_up_and_merges_exactly(family):
    """Each change is of the frozen weight, not of one that another method has changed."""
    model, batch = make(family).double(), batch_of(family)
    locations = ("attention.query", "attention.value", "ffn.out")
    names = [name for name in CHANGES if name != "adalora"]  # it is LoRA once it is trained
    put(model, *(Module(name, place, 1, 2) for place in locations for name in names))
    expected = logits_of(model, batch)
    merge(model)
    assert torch.allclose(logits_of(model, batch), expected, atol=1e-9)
    detach(model)
    assert torch.allclose(logits_of(model, batch), expected, atol=1e-9)


# ------------------------------------------------------------------ peft
PEFT = {
    "lokr": (
        peft.LoKrConfig(r=3, alpha=3, decompose_factor=4),
        {"left": "lokr_w1", "up": "lokr_w2_a", "down": "lokr_w2_b"},
    ),
    "dora": (
        peft.LoraConfig(r=3, lora_alpha=3, use_dora=True),
        {"up": "lora_B", "down": "lora_A", "magnitude": "lora_magnitude_vector"},
    ),
    "lora": (peft.LoraConfig(r=3, lora_alpha=3), {"up": "lora_B", "down": "lora_A"}),
    "hira": (peft.HiraConfig(r=3), {"up": "hira_B", "down": "hira_A"}),
    "miss": (peft.MissConfig(r=3), {"matrix": "miss_block"}),
}
"""peft's configuration, and its name of each of our tensors."""


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks it
@pytest.mark.parametrize("method", PEFT)
def test_outputs_and_gradients_are_pefts(method):
    config, names = PEFT[method]
    config.target_modules = ["query", "output.dense"]
    small = BertConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=24,
    )
    torch.manual_seed(0)
    model = BertModel(small).eval()
    theirs = BertModel(small).eval()
    theirs.load_state_dict(model.state_dict())
    theirs = peft.get_peft_model(theirs, config).eval()
    places = ("attention.query", "attention.output", "ffn.out")
    parts = put(model, *(Module(method, p, layer, 3) for layer in range(2) for p in places))
    pairs = []
    for name, part in parts.items():
        layer, place = name.split("/", 1)
        wrapped = theirs.base_model.model.encoder.layer[int(layer)]
        path = {
            "attention/query": "attention.self.query",
            "attention/output": "attention.output.dense",
            "ffn/out": "output.dense",
        }[place.rpartition("/")[0]]
        tensors = dict(wrapped.get_submodule(path).named_parameters())
        for key, parameter in part.named_parameters():
            (other,) = [t for n, t in tensors.items() if n.startswith(f"{names[key]}.default")]
            pairs.append((f"{name}:{key}", parameter, other))
            with torch.no_grad():
                other.copy_(parameter)
    batch = batch_of("bert", lengths=(7, 5))
    batch["input_ids"] %= 40
    outputs = [m(**batch).last_hidden_state for m in (model, theirs)]
    assert torch.allclose(*outputs, atol=1e-5)
    for output in outputs:
        (output * torch.linspace(-1, 1, 32)).sum().backward()
    for name, ours, other in pairs:
        scale = other.grad.abs().max()
        assert scale > 0, name
        assert torch.allclose(ours.grad, other.grad, atol=1e-5 * scale.item()), name


def test_hira_keeps_no_second_weight_for_the_backward_pass():
    model = make("bert")
    put(model, Module("hira", "ffn.in", 1, 2))
    weight = Backbone(model).linear(1, "ffn.in").module.weight
    kept = []

    def keep(tensor):
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(**batch_of("bert")).logits.sum().backward()
    like_it = [t for t in kept if t.shape in (weight.shape, weight.T.shape)]
    assert {t.untyped_storage().data_ptr() for t in like_it} <= {
        p.untyped_storage().data_ptr() for p in model.parameters()
    }


def test_factors_of_lokr_are_pefts():
    assert all(factors(n) == factorization(n, FACTOR) for n in (*range(1, 200), 384, 768, 3072))


@pytest.mark.parametrize(("family", "location"), [("bert", "ffn.in"), ("gpt2", "attention.value")])
def test_lokr_has_a_whole_large_factor_where_a_product_is_no_smaller(family, location):
    model = make(family).double()
    before = logits_of(model, batch_of(family))
    part = put(model, Module("lokr", location, 1, 6))[f"1/{location.replace('.', '/')}/lokr"]
    assert part.right is not None
    after = logits_of(model, batch_of(family))
    assert not torch.allclose(after, before, atol=1e-3)
    merge(model)
    assert torch.allclose(logits_of(model, batch_of(family)), after, atol=1e-9)
