"""AdaLoRA prunes as peft does, to the unit of what was asked for, and ships plain LoRA."""

from pathlib import Path

import pytest
import torch
from zoo import batch_of, logits_of, make

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.counter import ShapeCounter
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.errors import UsageError
from autopelt.export.study import require_plain_training
from autopelt.methods.module import Module
from autopelt.modules.adalora import ORTHOGONAL, AdaLoraModule, Allocation
from autopelt.modules.attachment import attach, attachment, count_attached, detach
from autopelt.modules.checkpoint import load, save
from autopelt.modules.linear_delta import LinearDelta
from autopelt.study.config import TrainingConfig
from autopelt.training.context import Context
from autopelt.training.loop import release, train, train_epochs
from autopelt.training.population import Population
from autopelt.training.spec import Setup

TWO = Architecture(
    (
        Module("adalora", "attention.query", 0, 4),
        Module("adalora", "attention.query", 1, 2),
        Module("adalora", "ffn.in", 1, 2),
    )
)
TRAINING = TrainingConfig(epochs=2, batch_size=8, dropout=False, precision="fp32")


@pytest.fixture(scope="module")
def context(tiny_bert: Path) -> Context:
    return Context(Setup(str(tiny_bert), "demo", train_examples=32))


def modules_of(architecture: Architecture) -> list[AdaLoraModule]:
    model = make("bert")
    attach(model, architecture, random_seed=3)
    return [p for p in attachment(model).parts.values() if isinstance(p, AdaLoraModule)]


def test_importance_and_pruning_are_those_of_peft() -> None:
    peft = pytest.importorskip("peft")
    from peft.tuners.adalora.layer import RankAllocator

    steps = 40
    ours = modules_of(Architecture(TWO.modules[:2]))
    theirs = torch.nn.ModuleList()
    for m in ours:
        pairs = {"lora_A": m.right, "lora_B": m.left, "lora_E": m.values[:, None]}
        part = torch.nn.Module()
        for name, value in pairs.items():
            part.add_module(name, torch.nn.ParameterDict({"default": value.detach().clone()}))
        theirs.append(part)
    config = peft.AdaLoraConfig(
        init_r=1, target_r=3, tinit=4, tfinal=20, deltaT=1, total_step=steps
    )  # of 6 and 3 triplets 6 are left
    allocator = RankAllocator(theirs, config, "default")
    allocation = Allocation(ours, steps)
    generator = torch.Generator().manual_seed(0)
    for step in range(1, allocation.end):  # from then on we keep the choice, as their model does
        for m, other in zip(ours, theirs, strict=True):
            for own, name in ((m.right, "lora_A"), (m.left, "lora_B"), (m.values, "lora_E")):
                copied = other.get_submodule(name)["default"]  # type: ignore[index]
                with torch.no_grad():  # what an optimiser did
                    change = torch.empty(own.shape).normal_(0, 0.1, generator=generator)
                    own += change
                    copied += change.view_as(copied)
                own.grad = torch.empty(own.shape).normal_(0, 1, generator=generator)
                copied.grad = own.grad.view_as(copied)
        allocation.after_step()
        budget, _ = allocator.update_and_allocate(theirs, step)
        assert allocation.budget(9, 6) == budget
        for m, other in zip(ours, theirs, strict=True):
            assert torch.equal(m.values, other.get_submodule("lora_E")["default"][:, 0])  # type: ignore[index]
    assert 0 < sum(int((m.values == 0).sum()) for m in ours) <= 3


def test_ranks_are_exchanged_among_maps_of_one_shape_and_their_number_is_what_was_asked_for() -> (
    None
):
    ours = modules_of(TWO)
    assert [len(m.values) for m in ours] == [6, 3, 3]
    allocation = Allocation(ours, 10)
    for step in range(10):
        for m in ours:
            torch.nn.init.constant_(m.values, 1.0)
            for p in m.parameters():
                p.grad = torch.full_like(p, 1.0 if m is ours[0] else 0.1)
        allocation.after_step()
        assert allocation.settled == (step >= 4)
    assert [len(m.kept()) for m in ours] == [6, 0, 2]
    assert ours[1].as_shipped() is None
    shipped = ours[0].as_shipped()
    assert shipped is not None
    assert (shipped.method, shipped.size) == ("lora", 6)
    assert sum(v.numel() for m in ours for v in m.shipped().values()) == sum(
        m.spec.size * (m.wide + m.out) for m in ours
    )


def test_the_budget_falls_with_a_cube() -> None:
    allocation = Allocation([], 100)
    found = {}
    for allocation.step in (0, 10, 20, 30, 50, 100):
        found[allocation.step] = allocation.budget(150, 100)
    assert found == {0: 150, 10: 150, 20: 121, 30: 106, 50: 100, 100: 100}


def test_directions_are_drawn_towards_an_orthogonal_basis() -> None:
    (m,) = modules_of(Architecture(TWO.modules[:1]))
    allocation = Allocation([m], 10)
    one = torch.eye(6)
    with torch.no_grad():
        assert float(allocation.off_orthogonal()) < 1e-10, "they start so"
        m.left *= 1.2
        m.right[0] += m.right[1]
        expected = (m.left.T @ m.left - one).square().sum()
        expected = (expected + (m.right @ m.right.T - one).square().sum()) / 2
    assert float(allocation.off_orthogonal().detach()) == pytest.approx(float(expected), rel=1e-6)
    allocation.before_step()
    assert m.left.grad is not None
    assert m.values.grad is None
    with torch.no_grad():
        m.left -= 0.1 * m.left.grad
    assert float(allocation.off_orthogonal().detach()) < float(expected)
    assert 0 < ORTHOGONAL < 1


def test_a_step_of_the_optimiser_changes_a_weight_by_as_much_as_one_of_lora() -> None:
    model, norms = make("bert"), []
    for method, moved in (("adalora", "values"), ("lora", "up")):
        attach(model, Architecture((Module(method, "ffn.in", 0, 4),)), random_seed=3)
        (part,) = attachment(model).parts.values()
        assert isinstance(part, LinearDelta)
        with torch.no_grad():
            getattr(part, moved).fill_(1e-3)  # the first step of AdamW
            change = part.delta(torch.zeros(part.out, part.wide))
        norms.append(float(change.norm()) / getattr(part, moved).shape[-1] ** 0.5)  # of one rank
        detach(model)
    assert norms[0] == pytest.approx(norms[1], rel=0.3)


def test_a_trained_one_is_lora_of_as_many_parameters_as_were_asked_for(
    context: Context, tmp_path: Path
) -> None:
    architecture = seed_architecture("adalora-r2", shapes_of_model(context.model))
    asked = ShapeCounter(shapes_of_model(context.model)).count(architecture)
    assert asked.trained > asked.deployed
    try:
        epochs = list(train_epochs(context, architecture, TRAINING, 1))
        assert [e.best for e in epochs] == [True, epochs[1].score > epochs[0].score]
        assert count_attached(context.model) == asked
        save(context.model, tmp_path)
        made = Architecture.from_yaml((tmp_path / "architecture.yaml").read_text("utf-8"))
        assert {m.method for m in made.modules} == {"lora"}
        assert ShapeCounter(shapes_of_model(context.model)).count(made).deployed == asked.deployed
        batch = context.batch("selection", range(4))
        inputs = context.task.inputs(batch)
        context.model.eval()
        before = context.model(**inputs).logits
        detach(context.model)
        load(context.model, tmp_path)
        assert torch.allclose(context.model(**inputs).logits, before, atol=1e-6)
    finally:
        release(context)


def test_several_in_one_batch_are_pruned_each_for_itself(context: Context, tmp_path: Path) -> None:
    shapes = shapes_of_model(context.model)
    both = [seed_architecture(name, shapes) for name in ("adalora-r2", "adalora-r4")]
    population = Population(context, [(a, n) for n, a in enumerate(both)], TRAINING, 0)
    list(train(population, TRAINING))
    for number, architecture in enumerate(both):
        population.save(number, tmp_path / str(number))
        text = (tmp_path / str(number) / "architecture.yaml").read_text("utf-8")
        kept = sum(m.size for m in Architecture.from_yaml(text).modules)
        assert kept == sum(m.size for m in architecture.modules)


def test_a_script_without_the_pruning_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"cannot train adalora: .* autopelt\.train\('reports/s:3'\)$"
    ):
        require_plain_training(TWO, "reports/s:3")
    require_plain_training(Architecture((Module("lora", "ffn.in", 0, 2),)), "reports/s:3")


def test_folded_before_it_is_trained_it_costs_what_is_shipped() -> None:
    model = make("bert")
    before = logits_of(model, batch_of("bert"))
    attach(model, TWO, random_seed=3, folded=True)
    names = {name.rpartition(".")[2] for name, _ in model.autopelt.named_parameters()}
    assert names == {"up", "down"}
    assert count_attached(model).trained == count_attached(model).deployed
    assert torch.equal(logits_of(model, batch_of("bert")), before)
