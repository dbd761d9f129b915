"""The benchmarks' own parts: emulated problems, kept figures, means over what both ran on."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autopelt.space.points import sample_feasible, unique_points
from autopelt.space.space import SearchSpace


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """60 architectures whose score is a known sum, every tenth with two random seeds."""
    import real_problems
    from problems import bound

    space = bound(SearchSpace.load("pelt"), real_problems.LAYERS, real_problems.HIDDEN)
    rng = np.random.default_rng(0)
    points = unique_points(sample_feasible(space, rng, 60))
    path = tmp_path / "real_table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*real_problems.WAY, "task", "random_seed", "architecture", "deployed",
                         "scores"])  # fmt: skip
        for n, point in enumerate(points.tolist()):
            cost = space.cost(point)
            for random_seed in range(2 if n % 10 == 0 else 1):
                score = 0.1 * np.log10(cost) + rng.normal(0, 0.01)
                writer.writerow([1000, 4, 8, 2.0, "cola", random_seed,
                                 space.decode(point).to_json(), cost,
                                 json.dumps([score - 0.1, score, score - 0.2])])  # fmt: skip
    monkeypatch.setattr(real_problems, "TABLE", path)
    real_problems.tables.cache_clear()
    return path


def test_points_and_their_architectures_have_the_same_inputs() -> None:
    import real_problems
    from problems import bound

    space = bound(SearchSpace.load("pelt"), real_problems.LAYERS, real_problems.HIDDEN)
    points = sample_feasible(space, np.random.default_rng(1), 50)
    made = [space.decode(p) for p in points.tolist()]
    counted = [(a, space.counter.count(a).deployed) for a in made]
    found = real_problems.plain_of_points(space, points)
    assert np.allclose(found, real_problems.plain_of_architectures(counted))


def test_the_emulator_is_fitted_to_the_best_scores_and_judged_on_others(table: Path) -> None:
    import real_problems
    from problems import bound

    trained = real_problems.read_table(table)["cola"]
    assert max(len(t.scores) for t in trained) == 2
    errors = real_problems.held_out(trained)
    assert errors["r2"] > 0.8
    assert errors["rank"] > 0.8
    assert 0.003 < errors["noise"] < 0.03
    space = bound(SearchSpace.load("pelt"), real_problems.LAYERS, real_problems.HIDDEN)
    found = real_problems.real_truth(space, 0)
    points = np.array([space.encode(t.architecture) for t in trained])
    wanted = np.array([np.mean(t.scores) for t in trained])
    assert np.corrcoef(found.truth(points), wanted)[0, 1] > 0.9
    other = real_problems.real_truth(space, 1).truth(points)
    assert not np.allclose(found.truth(points), other), "resamples are different problems"


def test_figures_are_kept_and_compared_on_shared_problems(tmp_path: Path) -> None:
    from search_quality import Results, Search, summary

    path = tmp_path / "found.jsonl"
    results = Results(path)
    for number, share in enumerate((0.8, 0.6)):
        results.add(Search("rough", number, "ours"), 50, share, 1.0)
        results.add(Search("rough", number, "ours"), 100, share + 0.1, 1.0)
    results.add(Search("rough", 1, "gp"), 50, 0.5, 3.0)
    again = Results(path)
    assert again.found == results.found
    made = summary(again, 100)
    assert (made["ours"]["hv_half"], made["ours"]["hv_full"]) == (0.7, 0.8)
    assert (made["gp"]["hv_half"], made["gp"]["hv_full"]) == (0.5, None)
    assert made["gp"]["ours_there"] == [0.6, 0.7]
    assert made["gp"]["problems"] == {"rough": 1}


def test_stopping_for_the_front_keeps_what_stopping_by_score_throws_away() -> None:
    """On simulated curves ASHA drops the small architectures, and the front with them."""
    from early_stopping import Replay, compare, simulated_pool
    from problems import problem

    pool = simulated_pool(problem("structured", 0, rounds=0), epochs=4, late=0.15)
    none = Replay(pool, "none", 0)
    none.run(30)
    kept = {rule: compare(pool, rule, 0, 30, none) for rule in ("ours", "asha")}
    assert kept["ours"]["hypervolume"] > 0.9
    assert kept["asha"]["hypervolume"] < 0.8
    assert kept["asha"]["stopped"] > kept["ours"]["stopped"] >= 0


def noisy_case(level: float = 1.0) -> Any:
    from noisy_problems import Case, hand_made, spread
    from problems import problem

    made = problem("sparse", 3, rounds=0)
    return Case(made, level, hand_made(made), level * spread(made))


def test_a_noisy_training_is_the_truth_with_noise_and_a_share_of_collapses() -> None:
    case = noisy_case()
    vectors = list(case.hand_made) * 60
    scores = case.train(vectors, 0)
    assert np.array_equal(scores, case.train(vectors, 0)), "the same for every search"
    assert not np.array_equal(scores, case.train(vectors, 0, draw=1))
    assert np.array_equal(scores[7:9], case.train(vectors[7:9], 7)), "numbered, not in a row"
    error = scores - case.learned(vectors)
    collapsed = error < -5 * case.noise
    assert 0.02 < collapsed.mean() < 0.09
    assert 0.9 < error[~collapsed].std() / case.noise < 1.1
    assert np.abs(scores[collapsed] - case.problem.floor).max() < 5 * case.noise
    assert case.expected(vectors).max() < case.learned(vectors).max()


def test_hand_made_architectures_are_within_the_budget_and_differ() -> None:
    case = noisy_case()
    assert len(set(case.hand_made)) == 16
    assert all(case.problem.space.feasible(vector) for vector in case.hand_made)


def test_a_search_is_read_by_what_was_observed_and_by_belief(tmp_path: Path) -> None:
    from noisy_search import Results, Search, search, summary, table

    case = noisy_case(level=2.0)
    row = search(case, "random", 20, redraws=1, ways=("observed", "belief"))
    observed, belief = row["ways"]["observed"], row["ways"]["belief"]
    assert observed["truth"] > belief["truth"], "the luckiest promises more"
    assert max(observed["gain"], belief["gain"]) <= row["visited"] + 1e-9
    assert 0 < observed["share"] < 1
    assert len(observed["redrawn"]) > len(belief["redrawn"]) == 1
    path = tmp_path / "found.jsonl"
    results = Results(path)
    results.add(Search("random", "sparse", 3, 2.0, 20), row)
    assert Results(path).found == results.found
    lines = summary(results)
    assert {line["way"] for line in lines} == {"observed", "belief"}
    assert lines[0]["gain"] >= lines[1]["gain"]
    assert "observed*" in table(lines)
