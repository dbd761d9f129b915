"""One trial with a function of the user's own: what it is given, and what it may give back."""

import random

import numpy as np
import pytest
import torch
from own_loop import IDS, accuracy, own_model, step, train

import autopelt
from autopelt.architecture.architecture import Architecture
from autopelt.errors import UsageError
from autopelt.study.config import TrainingConfig
from autopelt.training.own_model import OwnModel
from autopelt.training.own_trial import OwnLoop, reason
from autopelt.training.results import TrialFailure
from autopelt.training.spec import Setup, TrialSpec

LORA = Architecture.from_yaml(
    "modules: [{layers: 0-1, method: lora, location: attention.query, size: 2}]"
)


def spec(weights=None, epochs=3, random_seed=7):
    return TrialSpec(
        number=4,
        architecture=LORA.to_json(),
        random_seed=random_seed,
        setup=Setup("m", "own", own_loop="f"),
        training=TrainingConfig(epochs=epochs),
        weights=None if weights is None else str(weights),
    )


@pytest.fixture(scope="module")
def model():
    return OwnModel(own_model())


def told(model, function, weights=None, stops=lambda result: "", **how):
    found = []

    def tell(result):
        found.append(result)
        return stops(result)

    why = OwnLoop(model, function, **how).run(spec(weights), tell)
    return found, why


def giving(*values):
    def reports(model, trial):
        for value in values[:-1]:
            trial.report(value)
        return values[-1]

    return reports


@pytest.mark.parametrize(
    ("function", "scores"),
    [
        (lambda model, trial: 0.5, [0.5]),
        (lambda model, trial: torch.tensor(0.5), [0.5]),
        (lambda model, trial: np.float32(0.5), [0.5]),
        (lambda model, trial: (s for s in (0.1, 0.3, 0.2)), [0.1, 0.3, 0.2]),
        (giving(0.1, 0.3, 0.2), [0.1, 0.3, 0.2]),  # what is returned is one more score …
        (giving(0.1, 0.3, 0.3), [0.1, 0.3]),  # … unless it was reported
        (lambda model, trial: {"score": 0.5, "f1": 0.25}, [0.5]),
    ],
)
def test_a_score_is_returned_yielded_or_reported(model, function, scores):
    found, _ = told(model, function)
    assert [r.score for r in found] == pytest.approx(scores)
    assert [r.epoch for r in found] == list(range(1, len(scores) + 1))
    assert [r for r in found if r.best][-1].score == pytest.approx(max(scores))


def test_of_a_loss_less_is_better(model):
    found, _ = told(model, giving(0.5, 0.2, 0.4), metric="loss", higher_is_better=False)
    assert [r.score for r in found] == [-0.5, -0.2, -0.4]
    assert [r.best for r in found] == [True, True, False]
    assert found[0].metrics == {"loss": 0.5}  # in the metric's own unit


def test_a_named_metric_is_found_among_several(model):
    both = {"accuracy": 0.9, "f1": 0.7}
    found, _ = told(model, lambda model, trial: both, metric="f1")
    assert (found[0].score, found[0].metrics) == (0.7, both)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "returned None and reported no score; return a number, yield numbers"),
        ("high", "gave a str as its score, not a number"),
        (float("nan"), "the score is nan"),
        (torch.zeros(2), "gave a Tensor as its score, not a number"),
        ({"f1": 1.0}, r"gave 'f1' and no 'score'; name the score with metric="),
    ],
)
def test_what_is_no_score_fails_the_trial_and_says_why(model, given, words):
    with pytest.raises(TrialFailure, match=words):
        told(model, lambda model, trial: given)


def test_the_function_is_given_the_model_its_architecture_and_a_seed(model):
    def look(given, trial):
        assert autopelt.attached(given) == trial.architecture == LORA
        assert (trial.number, trial.random_seed, trial.epochs) == (4, 7, 3)
        assert trial.count == autopelt.count_attached(given)
        assert torch.initial_seed() == 7
        names = {g["name"]: g["lr"] for g in trial.parameter_groups()}
        free = {id(p) for p in given.parameters() if p.requires_grad}
        assert {id(p) for g in trial.parameter_groups() for p in g["params"]} == free
        draws.append((random.random(), float(np.random.rand()), float(torch.rand(()))))
        return names["head"]

    draws = []
    random.seed(3)
    torch.manual_seed(3)
    once, _ = told(model, look)
    assert random.random() == random.Random(3).random()  # the user's own numbers go on
    told(model, look, factor=1.0)
    twice, _ = told(model, look, factor=2.0)
    assert len(set(draws)) == 1
    assert twice[0].score == 2 * once[0].score


def test_the_best_epochs_weights_are_kept(model, tmp_path):
    def overshoot(given, trial):
        optimiser = torch.optim.AdamW(trial.parameter_groups(), lr=0.1)
        for score in (0.5, 0.9, 0.1):
            step(given, optimiser)
            with torch.no_grad():
                logits.append(given.eval()(input_ids=IDS).logits)
            yield score

    logits = []
    told(model, overshoot, tmp_path / "w")
    with torch.no_grad():
        again = model.load(tmp_path / "w").eval()(input_ids=IDS).logits
    torch.testing.assert_close(again, logits[1])
    assert not torch.allclose(logits[1], logits[2])


def test_a_training_comes_out_the_same_again(model):
    once, twice = (told(model, train)[0] for _ in range(2))
    assert [r.score for r in once] == [r.score for r in twice]
    assert len(once) == 3


def test_a_trial_that_is_to_stop_ends_its_generator_and_ignores_what_comes(model):
    closed = []

    def patient(given, trial):
        try:
            yield from (0.1, 0.2, 0.3)
        finally:
            closed.append(trial.stopped)

    found, why = told(model, patient, stops=lambda r: "hopeless" if r.epoch == 2 else "")
    assert (len(found), why, closed) == (2, "hopeless", ["hopeless"])

    def deaf(given, trial):
        answers.extend([trial.report(0.1), trial.report(0.2), trial.report(0.3)])
        return 1.0

    answers = []
    found, why = told(model, deaf, stops=lambda r: "hopeless" if r.epoch == 2 else "")
    assert (len(found), why, answers) == (2, "hopeless", [False, True, True])


def test_writing_into_frozen_weights_is_refused_by_name(model):
    def careless(given, trial):
        with torch.no_grad():
            given.bert.embeddings.word_embeddings.weight.add_(0)
        return 0.5

    with pytest.raises(UsageError, match=r"wrote into frozen weights .*word_embeddings"):
        told(model, careless)


def test_a_function_that_takes_something_else_is_refused(model):
    def only_model(model):
        return 0.5

    with pytest.raises(UsageError, match=r"train, the function 'only_model', .*only_model\(mo"):
        OwnLoop(model, only_model)


def test_the_reason_of_a_failure_has_the_users_own_line(model, tmp_path):
    def breaks(given, trial):
        return 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        told(model, breaks)
    words = reason(caught.value, str(tmp_path / "trials" / "log.txt"))
    assert words == f"ZeroDivisionError: division by zero (test_own_trial.py:{line_of(breaks)})"
    assert "return 1 / 0" in (tmp_path / "trials" / "log.txt").read_text()


def line_of(function):
    return function.__code__.co_firstlineno + 1


def test_a_loss_beside_the_score_is_kept(model):
    def tells(given, trial):
        trial.report(accuracy(given), loss=0.25, f1=0.5)

    found, _ = told(model, tells)
    assert (found[0].loss, found[0].metrics["f1"]) == (0.25, 0.5)
