"""A search of a user's own model and training function, as they call it."""

import json
import os
import shutil
import signal

import pytest
import torch
from own_loop import IDS, accuracy, own_model, step, train
from small_search import Quiet

import autopelt
from autopelt.cli.main import main
from autopelt.errors import InfeasibleError, UnavailableError, UnexpectedEndError, UsageError
from autopelt.training.own_model import OwnModel
from autopelt.workflows import search

SMALL = {
    "budget": "4%",
    "space": "tiny",
    "sampler": "random",
    "trials": 4,
    "seeds": "head-only,lora-r1",
    "epochs": 2,
}


@pytest.fixture(scope="module", autouse=True)
def one_report():
    """A search builds its report at its end only: one costs as much as such a search."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "REPORT_SECONDS", float("inf"))
        yield


def searched(out, function=train, model=None, **changed):
    more = SMALL | {"view": Quiet()} | changed
    return autopelt.search("mine", model=model or own_model(), train=function, out=out, **more)


@pytest.fixture(scope="module")
def model():
    """The user's object of the study below."""
    return own_model()


@pytest.fixture(scope="module")
def study(model, tmp_path_factory):
    return searched(tmp_path_factory.mktemp("own") / "s", model=model, metric="accuracy")


def numbers(study):
    return [(t.architecture.id, t.scores, t.random_seed) for t in study.record.trials]


def test_a_search_leaves_the_users_object_as_it_was(model, study):
    as_made = own_model()
    before = as_made.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(model(input_ids=IDS).logits, as_made(input_ids=IDS).logits)
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert autopelt.attached(study.load(model=model)) == study.best.architecture
    assert autopelt.attached(model) is None


def test_a_study_of_it_is_one_like_any_other(study):
    assert len(study.trials()) == 4
    assert set(study.trials()["state"]) == {"complete"}
    assert (study.trials()["deployed"] <= study.record.limit).all()
    assert study.record.metric == "accuracy"
    assert study.record.head == 2 * 16 + 2
    assert list(study.best.scores)
    page = (study.folder / "index.html").read_text()
    assert "function of the user&#39;s own, train in own_loop.py" in page
    assert study.plot_front().layout.title.text == "Pareto front"


def test_its_best_is_loaded_into_a_model_like_the_users(study):
    best = study.load(model=own_model())
    assert autopelt.attached(best) == study.best.architecture
    held = json.loads((study.folder / "best" / "metrics.json").read_text())
    assert accuracy(best) == pytest.approx(held["selection"]["accuracy"])


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft's
def test_its_best_goes_to_peft(study, tmp_path):
    """Trial 1 stands for a best that peft can say; the others of this study it cannot."""
    peft = pytest.importorskip("peft", reason="needs the extra peft")
    folder = shutil.copytree(study.folder, tmp_path / "s")
    own = OwnModel(own_model())
    lora = own.with_modules(study.trial(1).architecture, 3)
    with torch.no_grad():
        for name, value in lora.named_parameters():
            if "autopelt." in name:
                value.normal_(generator=torch.Generator().manual_seed(0))
    own.save(lora, folder / "best")
    held = folder / "best" / "metrics.json"
    held.write_text(json.dumps(json.loads(held.read_text()) | {"trial": 1}))
    opened = autopelt.open_study(folder)
    out = opened.export("peft", tmp_path / "out", 1, own_model())
    loaded = peft.PeftModel.from_pretrained(own_model(), out).eval()
    with torch.no_grad():
        expected = lora.eval()(input_ids=IDS).logits
        torch.testing.assert_close(loaded(input_ids=IDS).logits, expected, atol=1e-5, rtol=1e-4)
    with pytest.raises(UsageError, match="of a model object 'peft' is written only"):
        opened.export("merged", tmp_path / "m", 1, own_model())
    with pytest.raises(UnavailableError, match="the weights of trial 0 were not kept"):
        opened.export("peft", tmp_path / "m", 0, own_model())


def test_it_comes_out_the_same_again_and_goes_on_where_it_was_interrupted(study, tmp_path):
    """Stopped twice: asked in the middle of trial 1, which ends first; then at once in trial 2."""
    calls = []

    def interrupted(model, trial):
        calls.append(trial.number)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        if len(calls) == 3:
            raise KeyboardInterrupt
        yield from train(model, trial)

    interrupted.__name__ = "train"
    for done in (2, 2):
        with pytest.raises(UnexpectedEndError, match="the same call, with out="):
            searched(tmp_path / "s", interrupted, metric="accuracy")
        assert len(autopelt.open_study(tmp_path / "s").record.complete) == done
    again = searched(tmp_path / "s", interrupted, metric="accuracy")
    assert calls == [0, 1, 2, 2, 3]
    assert numbers(again) == numbers(study)


def test_a_failing_trial_says_why_and_the_search_goes_on(tmp_path):
    def sometimes(model, trial):
        if trial.number == 1:
            raise ValueError("no such file")
        return accuracy(model)

    study = searched(tmp_path / "s", sometimes, trials=3)
    failed = study.trial(1)
    assert failed.state == "failed"
    assert failed.reason.startswith("ValueError: no such file (test_own_search.py:")
    assert "Traceback" in (study.folder / "trials" / "1" / "log.txt").read_text()
    assert [t.state for t in study.record.trials] == ["complete", "failed", "complete"]


def test_where_all_fail_for_one_cause_one_line_says_so(tmp_path):
    def never(model, trial):
        return model(text="hello")

    with pytest.raises(InfeasibleError) as caught:
        searched(tmp_path / "s", never, trials=4)
    assert "the first 3 trials all failed for one cause: ValueError: You" in str(caught.value)
    assert "test_own_search.py" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_another_model_or_a_changed_function_is_noticed(study, tmp_path):
    folder = shutil.copytree(study.folder, tmp_path / "s")
    other = own_model()
    torch.nn.init.normal_(other.bert.embeddings.word_embeddings.weight)
    with pytest.raises(UsageError, match=r"backbone weights: .*, now"):
        searched(folder, model=other, metric="accuracy", trials=5)

    def train(model, trial):  # another one of the same name
        optimiser = torch.optim.AdamW(trial.parameter_groups())
        for _ in range(trial.epochs):
            step(model, optimiser)
            yield accuracy(model)

    view = Quiet()
    more = searched(folder, train, metric="accuracy", trials=5, view=view)
    assert len(more.record.trials) == 5
    assert any("training function" in line for line in view.messages)


@pytest.mark.parametrize(
    "command", ["resume", "train", "confirm", "show", "reproduce", "export"], ids=str
)
def test_commands_that_would_need_the_function_say_how_to_go_on(study, command, capsys, tmp_path):
    place = str(study.folder) + (":1" if command == "reproduce" else "")
    more = ["--to", "autopelt", "--out", str(tmp_path / "out")] if command == "export" else []
    assert main([command, place, *more]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert "trained by a Python function, 'train'" in told
    assert "autopelt.search(model=…, train=train, out=…)" in told


def test_status_names_what_to_do_in_python(study, capsys):
    assert main(["status", str(study.folder)]) == 0
    assert f"autopelt.open_study('{study.folder}').load('best', model=my_model)" in (
        capsys.readouterr().out.replace("\n", "")
    )


NAMED = "minilm"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"train": train}, "so model, which is missing, must be a loaded one"),
        ({"train": train, "model": NAMED}, "so model, which is 'minilm', must be a loaded one"),
        ({"model": own_model()}, "so train, which is missing, must be a function of a model"),
        ({"model": own_model(), "train": "a.csv"}, "so train, which is 'a.csv', must be a func"),
        ({"task": train}, "task is a function, not a name; to search with a function of yours"),
        ({"model": own_model(), "train": train, "config": "c.yaml"}, "config has no effect where"),
        ({"model": own_model(), "train": train, "batch_size": 4}, "batch_size has no effect where"),
        ({"model": own_model(), "train": train, "budgte": "1%"}, "did you mean 'budget'"),
        ({"model": own_model(), "train": train, "early_stopping": True}, "needs epochs: how many"),
        (
            {"model": own_model(), "train": train, "objectives": "score,params,latency"},
            "costs are measured by autopelt's own training",
        ),
        ({"task": "demo", "metric": "f1"}, "metric goes with a function"),
    ],
)
def test_a_call_that_cannot_be_meant_says_what_to_give(call, told, tmp_path):
    with pytest.raises(UsageError, match=told):
        autopelt.search(**call, out=tmp_path / "s")
    assert not (tmp_path / "s").exists()
