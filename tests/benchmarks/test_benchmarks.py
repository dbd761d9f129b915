"""The benchmarks' own parts: emulated problems, kept figures, means over what both ran on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autopelt.architecture.architecture import Architecture
from autopelt.space.points import sample_feasible, unique_points
from autopelt.space.space import SearchSpace


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """60 architectures of a known score and a few that learn nothing at a high learning rate."""
    import real_problems
    from problems import bound

    space = bound(SearchSpace.load("pelt"), real_problems.LAYERS, real_problems.HIDDEN)
    rng = np.random.default_rng(0)
    points = unique_points(sample_feasible(space, rng, 60))
    rows = []
    for n, point in enumerate(points.tolist()):
        cost, architecture = space.cost(point), space.decode(point)
        for random_seed in range(3 if n % 5 == 0 else 1):
            learns = architecture.learning_rate_multiplier < 2 or random_seed == 1
            score = 0.1 * np.log10(cost) + rng.normal(0, 0.01) if learns else 0.0
            rows.append({"train_examples": 1000, "epochs": 4, "batch_size": 8, "score": score,
                         "random_seed": random_seed, "architecture": architecture.to_json(),
                         "deployed": cost})  # fmt: skip
    other = rows[0] | {"epochs": 5, "score": 9.9}
    alone = rows[0] | {"architecture": Architecture().to_json(), "deployed": 0, "score": 0.0}
    pd.DataFrame([*rows, other, alone]).to_parquet(tmp_path / "trainings-known.parquet")
    pd.DataFrame(rows[:9]).to_parquet(tmp_path / "trainings-few.parquet")
    monkeypatch.setattr(real_problems, "DATA", tmp_path)
    real_problems.tables.cache_clear()
    yield tmp_path
    real_problems.tables.cache_clear()


def test_points_and_their_architectures_have_the_same_inputs() -> None:
    import real_problems
    from problems import bound

    space = bound(SearchSpace.load("pelt"), real_problems.LAYERS, real_problems.HIDDEN)
    points = sample_feasible(space, np.random.default_rng(1), 50)
    made = [space.decode(p) for p in points.tolist()]
    counted = [(a, space.counter.count(a).deployed) for a in made]
    found = real_problems.plain_of_points(space, points)
    assert np.allclose(found, real_problems.plain_of_architectures(counted))


def test_tables_are_read_by_task_and_only_what_was_trained_alike(tables: Path) -> None:
    import real_problems

    found = real_problems.read_tables(tables)
    assert list(found) == ["known"], "a table of few architectures is left out"
    assert {len(t.scores) for t in found["known"]} == {1, 3}
    assert all(score < 9 for t in found["known"] for score in t.scores), "another way to train"
    with pytest.raises(SystemExit, match="40 architectures"):
        real_problems.read_tables(tables / "elsewhere")


def test_the_emulator_knows_the_score_the_noise_and_what_learns_nothing(tables: Path) -> None:
    import real_problems
    from problems import bound

    trained = real_problems.read_tables(tables)["known"]
    basics = real_problems.basics_of(trained)
    assert basics.alone == basics.nothing == 0
    assert 0.005 < basics.noise < 0.02
    errors = real_problems.held_out(trained)
    assert errors["rank"] > 0.6
    assert 0.1 < errors["nothing"] < 0.4
    assert errors["brier"] < 0.8 * errors["brier_share"]
    space = bound(SearchSpace.load("pelt"), real_problems.LAYERS, real_problems.HIDDEN)
    found = real_problems.real_truth(space, 0)
    within = [t for t in trained if t.architecture.modules]
    points = np.array([space.encode(t.architecture) for t in within])
    fast = np.array([t.architecture.learning_rate_multiplier == 2 for t in within])
    chances = found.chances(points)
    assert chances[fast].mean() > 0.6
    assert chances[~fast].mean() < 0.2
    wanted = 0.1 * np.log10([t.parameters for t in within])
    assert np.corrcoef(found.learned(points)[~fast], wanted[~fast])[0, 1] > 0.8
    assert np.allclose(found.expected(points), (1 - chances) * found.learned(points))
    other = real_problems.real_truth(space, 1).expected(points)
    assert not np.allclose(found.expected(points), other), "resamples are different problems"


def test_a_real_problem_is_trained_with_its_own_noise_and_chances(tables: Path) -> None:
    from noisy_problems import Case, hand_made
    from problems import problem

    made = problem("real", 0, rounds=0)
    starts = hand_made(made)
    assert 8 <= len(starts) == len(set(starts)) <= 16
    case = Case(made, 1.0, starts, made.noise)
    assert case.chances(starts).max() - case.chances(starts).min() > 0.3
    vectors = [starts[int(case.chances(starts).argmax())]] * 200
    nothing = case.train(vectors, 0) < case.learned(vectors) - 8 * case.noise
    assert abs(nothing.mean() - case.chances(vectors)[0]) < 0.1
    assert np.array_equal(case.value(starts), case.expected(starts))


# ---------------------------------------------------------------------- the table of trainings
def planned(count: int) -> tuple[Any, pd.DataFrame]:
    """The plan on small shapes, and the rows of the first architectures with made-up scores."""
    from problems import bound
    from real_table import Plan, seeds_of

    shares = {"0.1%": 0.001, "1%": 0.01, "0.3%": 0.003}
    spaces = {k: bound(SearchSpace.load("pelt"), 6, 384, share) for k, share in shares.items()}
    plan, rows = Plan(spaces), pd.DataFrame()
    for _ in range(count):
        source, name, architecture = plan.next(rows, 0)
        cost = spaces["1%"].counter.count(architecture).deployed
        new = [
            {"source": source, "name": name, "architecture": architecture.to_json(),
             "deployed": cost, "random_seed": seed, "score": np.log10(1 + cost) + 0.01 * seed}
            for seed in seeds_of(rows)
        ]  # fmt: skip
        rows = pd.concat([rows, pd.DataFrame(new)], ignore_index=True)
    return plan, rows


def test_the_table_is_made_by_hand_by_moves_at_random_and_by_the_model() -> None:
    plan, rows = planned(20)
    each = rows.drop_duplicates("architecture")
    assert len(each) == 20
    # the model's turn comes once there are enough rows: in the first 15 it is a random one's
    expected = ["hand", "random", "hand", "random", "random", "hand", "moves", "hand", "random"]
    assert each["source"].tolist()[:9] == expected
    assert each["source"].tolist()[15:] == ["hand", "moves", "hand", "random", "model"]
    hand = each[each["source"] == "hand"]
    assert hand["name"].tolist()[:4] == ["sapa 0.1%"] * 3 + ["sapa 1%"]
    rates = [Architecture.from_json(a).learning_rate_multiplier for a in hand["architecture"]]
    assert rates[:3] == [2.0, 4.0, 1.0]
    budgets = {budget: space.limit for budget, space in plan.spaces.items()}
    for row in each.itertuples():
        assert row.deployed <= budgets[row.name.split()[-1]]


def test_every_fifth_architecture_is_trained_with_more_random_seeds() -> None:
    _, rows = planned(12)
    sizes = rows.groupby("architecture", sort=False).size().tolist()
    assert sizes == [5, 1, 1, 1, 1, 3, 1, 1, 1, 1, 3, 1]


def test_a_table_that_is_read_again_goes_on_where_it_stopped(tmp_path: Path) -> None:
    from real_table import path_of, read, seeds_of, write

    plan, rows = planned(8)
    path = path_of("known", tmp_path)
    assert read(path).empty
    write(rows, path)
    again = read(path)
    assert plan.next(again, 0) == plan.next(rows, 0)
    assert seeds_of(again) == seeds_of(rows)
    assert plan.next(again, 1)[2] != plan.next(again, 0)[2], "what failed is not tried for ever"
    assert [p.name for p in tmp_path.iterdir()] == ["trainings-known.parquet"]


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
    from early_stopping import SEEDS, Replay, compare, simulated_pool
    from problems import problem

    pool = simulated_pool(problem("structured", 0, rounds=0), epochs=4, late=0.15)
    run = {rule: Replay(pool, rule, 0) for rule in ("none", "ours", "asha")}
    for made in run.values():
        made.run(30)
    kept = {rule: made.path[-1][1] / run["none"].path[-1][1] for rule, made in run.items()}
    assert kept["ours"] > 0.9
    assert kept["asha"] < 0.8
    stopped = {
        rule: sum(not c.complete for c in made.curves.values()) for rule, made in run.items()
    }
    assert stopped["asha"] > stopped["ours"] >= stopped["none"] == 0
    same = compare(pool, "none", 0, SEEDS, run["none"])
    assert 0 < same.pop("to_99") <= 1
    assert same == {"hypervolume": 1, "epochs": 1, "same_epochs": 1, "stopped": 0}


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


def test_the_last_fifth_goes_to_contenders_again() -> None:
    from noisy_search import Reading, StudyRule

    case = noisy_case()
    vectors = list(case.hand_made)
    rule = StudyRule(case, "random", single=True)
    for vector, score in zip(vectors, case.train(vectors, 0).tolist(), strict=True):
        rule.tell(vector, score)
    while len(vectors) < 30:
        vectors.append(rule.ask())
        rule.tell(vectors[-1], float(case.train([vectors[-1]], len(vectors) - 1)[0]))
    reading = Reading(case, vectors, single=True, trials=30, draw=0)
    short = Reading(case, vectors[:24], single=True, trials=30, draw=0)
    assert reading.read("belief")["trainings"] == 1
    for way in ("again", "halving"):
        found = reading.read(way)
        assert found["trainings"] > 1
        assert short.read(way) == found, "what is repeated is not searched"
        assert abs(found["over"]) < 100 * 3 * case.noise


def test_the_column_of_a_saliency_is_its_sum_and_what_is_spent_by_it_fits() -> None:
    import saliency
    from problems import bound

    from autopelt.samplers.features import Features

    rows = """name: two
modules:
  - {method: sequential_adapter, location: ffn, sizes: [0, 2, 8]}
  - {method: lora, location: [attention.query, attention.value], sizes: [0, 1, 4]}
"""
    space = bound(SearchSpace.parse(rows), 3, 32, share=0.001)
    of = {
        (row.method, at, layer): float(row.sizes[-1] + layer)
        for row in space.space.modules
        for at in row.location
        for layer in range(3)
    }
    features = Features(space)
    column = saliency.Column(space, features, of)
    points = sample_feasible(space, np.random.default_rng(3), 40)
    found = column.standardised(features.of(points))
    expected = [saliency.worth(of, space.decode(p)) for p in points.tolist()]
    assert np.corrcoef(found, expected)[0, 1] > 1 - 1e-9
    spent = saliency.spent(space, of)
    assert space.feasible(spent)
    assert saliency.worth(of, space.decode(spent)) >= max(expected)
    made = saliency.ranks(of, space.counter, 900)
    assert 900 - 64 < space.counter.count(made).deployed <= 900
    assert sorted(saliency.dealt(of, 1).values()) == sorted(of.values())


def test_architectures_in_one_batch_are_timed_and_learn_what_they_learn_alone(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import together

    given = ["together.py", "--model", str(tiny_bert), "--examples", "32", "--members", "1,2"]
    monkeypatch.setattr("sys.argv", given)
    together.main()
    alone, *rows = map(json.loads, capsys.readouterr().out.splitlines())
    assert alone["members"] == "alone"
    assert [row["members"] for row in rows] == [1, 2]
    assert all(row["an hour"] > 0 and row["to alone"] < 1e-4 for row in rows)


def test_the_table_of_a_gpu_tells_of_parts_that_fail_or_do_not_end() -> None:
    import gpu

    said = 'print(\'loading\'); print(\'{"way": "a", "seconds": 0.123456}\', flush=True)'
    assert gpu.told(["-c", said], 60) == ["way a, seconds 0.1235"]
    assert gpu.told(["-c", f"{said}; raise SystemExit('no GPU')"], 60) == [
        "way a, seconds 0.1235",
        "failed with 1: no GPU",
    ]
    *_, last = gpu.told(["-c", f"{said}; import time; time.sleep(60)"], 3)
    assert last == "stopped after 3 s"


def test_every_part_of_a_gpu_s_table_is_there(tmp_path: Path) -> None:
    import gpu

    for small in (True, False):
        for arguments in gpu.parts(tmp_path, "minilm", small).values():
            assert arguments[0] == "-m" or Path(arguments[0]).is_file()


def test_a_row_of_the_page_is_measured_again_and_the_others_stay(tmp_path: Path) -> None:
    import runpy

    runner = runpy.run_path(str(Path(__file__).parent / "__main__.py"), run_name="runner")
    figures, rows, write, row_of = (runner[n] for n in ("figures", "rows", "write", "row_of"))
    known = figures()
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: made -->\n<!-- end -->after\n", encoding="utf-8")
    write({n: row_of(f, "1", "old") for n, f in known.items()}, page)
    figure = known["decoder"]
    said = "\n".join(
        json.dumps({"way": way, "tokens/s of peft": value})
        for way, value in (("packing auto", 1.98765), ("packing on", 3))
    )
    write(rows(page) | {figure.name: row_of(figure, figure.read(f"loading\n{said}"), "new")}, page)
    assert rows(page)[figure.name][2] == "1.988"
    assert {n: row[-1] for n, row in rows(page).items()} == dict.fromkeys(known, "old") | {
        figure.name: "new"
    }
    assert page.read_text(encoding="utf-8").startswith("before\n")
    assert page.read_text(encoding="utf-8").endswith("after\n")
    with pytest.raises(LookupError):
        figure.read('{"way": "packing on"}')


def test_the_page_has_the_rows_of_the_figures_and_each_its_command() -> None:
    import runpy

    here = Path(__file__).parent
    runner = runpy.run_path(str(here / "__main__.py"), run_name="runner")
    known, rows = runner["figures"](), runner["rows"]()
    assert list(rows) == list(known)
    for name, figure in known.items():
        assert (here / figure.command.split()[0]).is_file(), name
        assert rows[name][1] == figure.what
        assert rows[name][6] == f"`{figure.command}`"
    with pytest.raises(RuntimeError, match="set NOT_THERE"):
        runner["measured"]("light_commands.py --times $NOT_THERE")
