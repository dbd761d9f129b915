"""A confirmation: who is chosen, fresh seeds, the report split, resuming, the verdict."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_search import plan
from untrained_trials import add_trial

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.cards.collapsed import collapsed_words
from autopelt.cards.confirmation import confirmed, draw, wrong_pairs
from autopelt.cards.health import above_a_constant, noise
from autopelt.cards.next_steps import commands, study_folder
from autopelt.cards.verdict import BUDGET, sentences
from autopelt.cli.main import main
from autopelt.errors import InfeasibleError, UsageError
from autopelt.methods.module import Module
from autopelt.samplers import make_sampler
from autopelt.samplers.posterior import beliefs, posterior_means
from autopelt.study.answer import answer
from autopelt.study.confirmation import (
    CONFIRMED,
    FOUND,
    SEED,
    Confirmation,
    chosen,
    confirmations,
    ledger,
    misled,
)
from autopelt.study.ledger import Constant, Training
from autopelt.study.noise import difference_error, seed_spread
from autopelt.study.objectives import Objectives
from autopelt.study.record import Belief, StudyRecord, TrialRecord
from autopelt.study.storage import StudyStorage
from autopelt.training import context as contexts
from autopelt.training import final
from autopelt.workflows.confirm import (
    candidates,
    confirm,
    confirmation_seeds,
    with_fresh_seeds,
)
from autopelt.workflows.plan import Plan


@pytest.fixture(scope="module")
def searched(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    """A study whose scores were written down and not trained: three by hand, six others."""
    folder = tmp_path_factory.mktemp("studies") / "confirmed"
    made = plan(tiny_bert, trials=9, workers=1, epochs=2, seeds="head-only,lora-r1,lora-r2")
    sampler = make_sampler("random", made.space, 0)
    study = StudyStorage.create(folder, made.config, made.facts, sampler)
    entries = [(e.label, e.architecture) for e in made.seeds]
    entries += [
        ("", Architecture((Module("lora", "attention.value", layer, size),)))
        for layer in (0, 1)
        for size in (1, 2, 4)
    ]
    for number, (label, architecture) in enumerate(entries):
        deployed = add_trial(study, made, number, label, architecture)
        score = 0.5 + 0.01 * (number % 4) + 0.00001 * deployed
        study.progressed(number, score - 0.02 * (number % 3), 0.7)
        study.progressed(number, score, 0.6)
        study.complete(number, score, deployed)
    return folder, made


@pytest.fixture(scope="module")
def done(searched: tuple[Path, Plan]) -> tuple[Path, StudyRecord, list[str]]:
    folder, made = searched
    said: list[str] = []
    record = confirm(StudyStorage.open(folder), made, seeds=2, top=2, workers=1, say=said.append)
    return folder, record, said


@pytest.mark.slow
def test_workers_confirm_and_the_command_prints_the_verdict(
    searched: tuple[Path, Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(searched[0], folder)
    (folder / CONFIRMED).unlink(missing_ok=True)
    assert main(["confirm", str(folder), "--seeds", "1", "--top", "1"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"\b([2-4]) of \1\b", text)
    assert "one seed cannot tell" in text
    assert f"autopelt train {folder}:confirmed" in text
    lines = (folder / CONFIRMED).read_text().splitlines()
    assert len(lines) == len({json.loads(line)["trial"] for line in lines}) >= 2


def test_each_gets_the_same_fresh_seeds(done: tuple[Path, StudyRecord, list[str]]) -> None:
    _, record, _ = done
    assert {c.role for c in record.confirmed} == {FOUND, SEED}
    assert 2 <= len(record.confirmed) <= 6
    used = {t.random_seed for t in record.trials}
    for c in record.confirmed:
        assert [t.random_seed for t in c.trainings] == confirmation_seeds(0, 2)
        assert not used & {t.random_seed for t in c.trainings}
        assert len({len(t.without) for t in c.trainings}) == 1
    assert len(record.trials) == 9  # the search's own trials are what they were


def test_a_confirmed_score_is_what_train_reports(
    done: tuple[Path, StudyRecord, list[str]], searched: tuple[Path, Plan], tmp_path: Path
) -> None:
    _, record, _ = done
    first = record.confirmed[0]
    trial = next(t for t in record.trials if t.number == first.trial)
    made = final.train_model(
        contexts.Setup.of(searched[1].config),
        trial.architecture,
        searched[1].config.training,
        first.trainings[0].random_seed,
        tmp_path / "again",
        lambda _: None,
    )
    assert made.report["accuracy"] == first.trainings[0].score
    assert made.epoch == first.trainings[0].epoch


def test_nothing_is_trained_twice_and_lost_lines_are_made_up_for(
    done: tuple[Path, StudyRecord, list[str]], searched: tuple[Path, Plan]
) -> None:
    folder, record, _ = done
    text = (folder / CONFIRMED).read_text()
    said: list[str] = []
    again = confirm(
        StudyStorage.open(folder), searched[1], seeds=2, top=2, workers=1, say=said.append
    )
    assert "0 trainings to go" in said[0]
    assert (folder / CONFIRMED).read_text() == text
    (folder / CONFIRMED).write_text(text[: text.rstrip().rfind("\n") + 20])  # killed while writing
    again = confirm(
        StudyStorage.open(folder), searched[1], seeds=2, top=2, workers=1, say=said.append
    )
    assert "1 trainings to go" in said[1]

    def scores(r: StudyRecord) -> dict[tuple[int, int], float | None]:
        return {(c.trial, t.random_seed): t.score for c in r.confirmed for t in c.trainings}

    assert scores(again) == scores(record)


def test_the_report_tells_the_paired_difference(
    done: tuple[Path, StudyRecord, list[str]],
) -> None:
    folder, _, _ = done
    record = StudyStorage.open(folder).record()
    page = (folder / "index.html").read_text()
    made = confirmed(record)
    assert made is not None
    assert made.gap is not None
    assert made.gap.seeds == 2
    assert "with 2 fresh random seeds" in page
    assert "95% interval" in page
    assert "is worked out when the search ends" not in page
    assert wrong_pairs(record)[-1][0] == "the final score"


def test_another_report_split_is_refused(
    done: tuple[Path, StudyRecord, list[str]], searched: tuple[Path, Plan]
) -> None:
    folder, _, _ = done
    text = (folder / CONFIRMED).read_text()
    lines = [json.loads(line) | {"data": "0" * 64} for line in text.splitlines()]
    try:
        (folder / CONFIRMED).write_text("".join(json.dumps(line) + "\n" for line in lines))
        with pytest.raises(UsageError, match="report split"):
            confirm(StudyStorage.open(folder), searched[1], seeds=3, top=1, workers=1, say=print)
    finally:
        (folder / CONFIRMED).write_text(text)


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--seeds", "0"], 2, "--seeds 0 is too few"),
        (["--top", "0"], 2, "--top 0 is too few"),
    ],
)
def test_bad_input_is_one_line(
    searched: tuple[Path, Plan],
    flags: list[str],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["confirm", str(searched[0]), *flags]) == code
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_no_study_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["confirm", str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["search", "--task", "demo", "--confirm-seeds", "0"]) == 2
    assert "--confirm-seeds" in capsys.readouterr().err


def test_the_luckiest_trial_is_not_believed(searched: tuple[Path, Plan]) -> None:
    """One trial far above its kind is drawn back by the surrogate."""
    record = StudyStorage.open(searched[0]).record()
    inside = [t for t in record.complete if record.feasible(t)]
    lucky = max(inside, key=lambda t: t.number)
    others = [t.score or 0 for t in inside if t is not lucky]
    top = max(others) + 0.3
    trials = [replace(t, score=top) if t is lucky else t for t in inside]
    means = posterior_means(searched[1].space, trials)
    assert means[lucky.number] < top
    assert set(means) == {t.number for t in inside}


def test_candidates_are_of_the_front_and_within_the_budget(searched: tuple[Path, Plan]) -> None:
    record = StudyStorage.open(searched[0]).record()
    means = {t.number: t.score or 0.0 for t in record.complete}
    made = candidates(record, means, 1)
    assert [c.role for c in made] == sorted((c.role for c in made), key=[FOUND, SEED].index)
    assert all(record.feasible(c.trial) for c in made)
    best = max(
        (t for t in record.complete if t.label and record.feasible(t)),
        key=lambda t: (means[t.number], -t.count.deployed),
    )
    # Of either kind the best, and the smallest that is as good as the best of all.
    answered = answer(record)
    assert answered is not None
    small = [t for t in (answered.smallest[0].trial, answered.smallest[0].hand) if t is not None]
    chosen = {c.trial.number for c in made}
    assert {best.number, *(t.number for t in small)} <= chosen
    assert len(chosen) == len(made)
    # By these scores the smallest may be another than by what is expected.
    assert all(sum(c.role == role for c in made) <= 2 for role in (FOUND, SEED))
    with pytest.raises(InfeasibleError, match="nothing to confirm"):
        candidates(replace(record, trials=()), {}, 1)


def test_the_best_proposal_is_a_candidate_even_where_a_seed_architecture_dominates_it(
    searched: tuple[Path, Plan],
) -> None:
    record = StudyStorage.open(searched[0]).record()
    means = {t.number: 0.9 if t.label else 0.0 for t in record.complete}
    proposed = [t for t in record.complete if not t.label and record.feasible(t)]
    best = max(proposed, key=lambda t: t.count.deployed)
    means[best.number] = 0.5
    assert candidates(record, means, 1)[0].trial == best


def test_of_equals_what_the_study_picks_is_confirmed(searched: tuple[Path, Plan]) -> None:
    """Another was confirmed than `best/` has, whose learning rate scattered more."""
    record = StudyStorage.open(searched[0]).record()
    one, other = [t for t in record.complete if not t.label and record.feasible(t)][:2]
    high = replace(other.architecture, modules=one.architecture.modules)
    high = replace(high, learning_rate_multiplier=8 * one.architecture.learning_rate_multiplier)
    other = replace(other, architecture=high, count=one.count)
    trials = tuple(other if t.number == other.number else t for t in record.trials)
    trials = tuple(t for t in trials if t.label or t in (one, other))
    beliefs = {**record.beliefs, one.architecture.id: Belief(0.949, 0.05, 1.0, 1)}
    beliefs[high.id] = Belief(0.95, 0.05, 1.0, 1)
    known = replace(record, trials=trials, beliefs=beliefs)
    means = {t.number: known.expected(t) for t in known.complete}
    assert known.best == one
    assert candidates(known, means, 1)[0].trial == one


def test_where_the_score_alone_was_asked_for_being_small_is_no_merit(
    searched: tuple[Path, Plan],
) -> None:
    record = StudyStorage.open(searched[0]).record()
    proposed = [t for t in record.complete if not t.label and record.feasible(t)]
    by_size = sorted(proposed, key=lambda t: t.count.deployed)
    small, best, second = by_size[0], by_size[2], by_size[-1]
    means = {t.number: 0.1 for t in record.complete}
    means |= {best.number: 0.9, second.number: 0.8, small.number: 0.7}  # second is dominated
    for objectives, expected in (("score,params", [best, small]), ("score", [best, second])):
        named = {"objectives": Objectives.parse(objectives)}
        asked = replace(record, config=record.config.model_copy(update=named))
        made = candidates(asked, means, 2)
        assert [c.trial for c in made if c.role == FOUND][: len(expected)] == expected
        assert objectives != "score" or len(made) == 4


def test_the_commands_train_what_was_confirmed(
    done: tuple[Path, StudyRecord, list[str]],
) -> None:
    record = done[1]
    assert record.confirmed_best is not None
    lines = [command.line for command in commands(record)]
    study = study_folder(record)
    assert f"autopelt train {study}:confirmed" in lines
    assert any(line.startswith(f"autopelt export {study}/trained ") for line in lines)
    assert not any(line.startswith("autopelt confirm") for line in lines)


def confirmation(trial: int, selection: list[float], report: list[float]) -> Confirmation:
    trainings = [
        Training(s, r, selection=v) for s, (v, r) in enumerate(zip(selection, report, strict=True))
    ]
    return Confirmation(trial, FOUND, None, tuple(trainings))


def test_the_report_split_does_not_choose_whom_it_judges() -> None:
    better, luckier = confirmation(1, [0.8, 0.8], [0.5, 0.5]), confirmation(2, [0.7], [0.9])
    assert chosen([luckier, better], FOUND) is better
    assert chosen([better], SEED) is None


def test_what_is_expected_given_all_scores_chooses_before_the_mean_of_the_fresh_ones() -> None:
    steady, lucky = confirmation(1, [0.8], [0.5]), confirmation(2, [0.82], [0.9])
    assert chosen([steady, lucky]) is lucky
    steady, lucky = replace(steady, expected=0.805), replace(lucky, expected=0.79)
    assert chosen([steady, lucky]) is steady
    assert chosen([steady, replace(lucky, expected=None)]).trial == 2  # not known of all


def test_all_selection_scores_choose_and_the_report_split_changes_nothing(
    done: tuple[Path, StudyRecord, list[str]], searched: tuple[Path, Plan]
) -> None:
    folder, record, _ = done
    trainings = with_fresh_seeds(record)
    fresh = [t for c in record.confirmed for t in c.trainings]
    assert [t.score for t in trainings] == [t.score for t in record.complete] + [
        t.selection for t in fresh
    ]
    assert len({t.number for t in trainings}) == len(trainings)
    known = beliefs(searched[1].space, trainings)
    ids = {t.number: t.architecture.id for t in record.trials}
    for c in record.confirmed:
        assert c.expected == known[ids[c.trial]].mean
        assert known[ids[c.trial]].trainings == 3  # one of the search, two of the confirmation
    best = max(record.confirmed, key=lambda c: (c.expected, -c.trial))
    assert record.confirmed_best is record.trials[best.trial]
    lines = (folder / CONFIRMED).read_text().splitlines()
    other = [json.loads(line) | {"score": 0.123} for line in lines]
    made = confirmations(
        map(ledger(folder).line, other), {ids[c.trial]: c.expected for c in record.confirmed}
    )
    assert [with_fresh_seeds(replace(record, confirmed=made))] == [trainings]
    # What the search believes is another matter: it goes on from its own trials.
    assert StudyStorage.open(folder).record().beliefs == {}


def test_a_verdict_says_where_nothing_was_learned(
    done: tuple[Path, StudyRecord, list[str]],
) -> None:
    """Both at the score of one answer for all, give or take, is no result, whoever is ahead."""

    def against(constant: float, *, role: str, trial: int) -> Confirmation:
        rng = np.random.default_rng(trial)
        made = []
        for seed in range(3):
            # 100 groups of one example: without each, one of 99 is right or not.
            right = rng.random(100) < 0.55
            same = rng.random(100) < constant
            made.append(
                Training(
                    seed,
                    float(right.mean()),
                    0.5,
                    without=tuple((right.sum() - right) / 99),
                    constant=Constant(float(same.mean()), tuple((same.sum() - same) / 99)),
                )
            )
        return Confirmation(trial, role, None, tuple(made))

    record = done[1]
    numbers = [next(t.number for t in record.trials if bool(t.label) == by) for by in (False, True)]

    def told(constant: float) -> tuple[str, str]:
        roles = zip((FOUND, SEED), numbers, strict=True)
        known = tuple(against(constant, role=role, trial=n) for role, n in roles)
        made = replace(record, confirmed=known)
        finding = above_a_constant(made)
        assert finding is not None
        return dict(sentences(made))[BUDGET], finding.level

    words, level = told(0.55)
    assert "Neither is surely above the best constant answer (0." in words
    assert level == "warning"
    words, level = told(0.1)
    assert "constant" not in words
    assert level == "good"


def test_misled_counts_pairs_in_the_wrong_order() -> None:
    known = [confirmation(i, [0], [value]) for i, value in enumerate((0.1, 0.2, 0.3))]
    assert misled({0: 0.1, 1: 0.2, 2: 0.3}, known) == (0, 3)
    assert misled({0: 0.3, 1: 0.2, 2: 0.1}, known) == (3, 3)
    assert misled({0: 0.2, 1: 0.1, 2: 0.3}, known) == (1, 3)
    assert misled({0: 0.2, 1: 0.2, 2: 0.3}, known) == (0, 2)
    assert misled({0: 0.2}, known) is None


def test_of_two_lines_about_one_training_the_later_counts() -> None:
    failed = {"trial": 3, "role": FOUND, "random_seed": 7, "score": None, "reason": "killed"}
    lines = [failed, failed | {"score": 0.5, "reason": ""}]
    (made,) = confirmations(map(ledger(Path()).line, lines))
    assert [t.score for t in made.trainings] == [0.5]


def test_the_spread_over_seeds_says_what_chance_can_do(
    done: tuple[Path, StudyRecord, list[str]],
) -> None:
    record = replace(done[1], metric="matthews")  # no error follows from the examples alone
    assert difference_error(replace(record, confirmed=()), 0.5, 0.6) is None
    known = [confirmation(i, [0.5] * 2, [0.5, 0.5 + gap]) for i, gap in enumerate((0, 0.02, 0.9))]
    sure = replace(record, confirmed=tuple(known))
    assert seed_spread(sure) == pytest.approx(0.02 / 2**0.5)
    assert difference_error(sure, 0.5, 0.6) == pytest.approx(0.02)
    finding = noise(sure)
    assert finding is not None
    assert "not known" not in finding.words


def test_one_long_error_bar_does_not_flatten_the_figure() -> None:
    steady = [confirmation(i, [0.5] * 3, [0.7, 0.71, 0.72]) for i in range(4)]
    wild = confirmation(4, [0.5] * 3, [0.1, 0.7, 0.75])
    count = Count(1000, 1000, 100_000)
    known = [(TrialRecord(c.trial, Architecture(), count, "complete"), c) for c in (*steady, wild)]
    low, high = draw(known, "accuracy").layout["yaxis"]["range"]
    assert low < 0.516 < 0.71 < high
    assert high - low < 0.5


def test_one_training_that_knows_the_constant_answer_does_for_all() -> None:
    rng = np.random.default_rng(0)

    def training(seed: int, constant: Constant | None) -> Training:
        return Training(
            seed, 0.8, 0.8, 1, tuple(0.8 + 0.001 * rng.normal(size=20)), constant=constant
        )

    without = tuple(0.5 + 0.001 * rng.normal(size=20))
    old, new = training(1, None), training(2, Constant(0.5, without))
    gap = again(old, new).above_constant
    assert gap is not None
    assert gap.mean == pytest.approx(0.3)
    assert gap.low is not None
    assert gap.low > 0.2
    assert again(old).above_constant is None
    assert again(replace(new, score=None)).above_constant is None


def again(*trainings: Training) -> Confirmation:
    return Confirmation(0, FOUND, None, trainings)


def trainings_with(*scores: float, constant: float = 0.5) -> list[Training]:
    """Trainings on 20 groups of examples, with a standard error of about 0.02 over them."""
    rng = np.random.default_rng(1)
    answer = Constant(constant, (constant,) * 20)
    without = [tuple(s + 0.005 * rng.normal(size=20)) for s in scores]
    return [
        Training(seed, s, s, 1, w, constant=answer)
        for seed, (s, w) in enumerate(zip(scores, without, strict=True))
    ]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((0.8, 0.5, 0.82, 0.79), [1]),
        ((0.8, 0.51, 0.82, 0.49, 0.79), [1, 3]),
        ((0.8, 0.64, 0.82), [1]),  # the median gains 0.3, this one less than half of it
        ((0.8, 0.66, 0.82), []),
        ((0.5, 0.5, 0.5), []),  # nobody learned: another sentence says so
        ((0.48, 0.51, 0.53), []),  # and noise about the constant answer is no learning
        ((0.8, 0.5), []),  # which of two is the exception?
    ],
)
def test_trainings_that_collapsed_are_told_apart(
    scores: tuple[float, ...], expected: list[int]
) -> None:
    found = again(*trainings_with(*scores)).collapsed
    assert [t.random_seed for t in found] == expected
    unknown = [replace(t, constant=None) for t in trainings_with(*scores)]
    assert again(*unknown).collapsed == ()


def test_a_collapse_is_said_with_what_the_others_reach() -> None:
    words = collapsed_words(
        [
            ("sapa", again(*trainings_with(0.8, 0.8, 0.8))),
            ("trial 7", again(*trainings_with(0.8, 0.5, 0.9))),
        ]
    )
    assert words.startswith(
        "Learned next to nothing with some random seeds: trial 7 with 1 of 3 (0.500; 0.850 with "
        "the others)."
    )
    assert collapsed_words([("sapa", again(*trainings_with(0.8, 0.8, 0.8)))]) == ""
