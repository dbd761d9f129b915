"""`autopelt validate`: every error of a file at once, none in what is right, schemas that agree."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import seed_architecture, seed_names
from autopelt.backbones.shapes import shapes_of_config
from autopelt.cli.main import main
from autopelt.methods.shapes import Shapes
from autopelt.space.space import SearchSpace, shipped_spaces
from autopelt.study.config import StudyConfig
from autopelt.workflows.validate import KINDS, schema

WRONG = {
    "config": (
        "task: ret\nbudgte: 1%\ntrials: 0\nsampler: tp\nspace: pelts\n"
        "training: {epochs: many}\nseed_architectures: [unipeltt, lora-r8]\n",
        (
            "task 'ret' is unknown: did you mean 'rte'?",
            "unknown key 'budgte': did you mean 'budget'?",
            "trials: Input should be greater than or equal to 1",
            "sampler 'tp' is unknown",
            "search space 'pelts' is unknown: did you mean 'pelt'?",
            "training.epochs:",
            "unknown seed architecture 'unipeltt': did you mean 'unipelt'?",
        ),
    ),
    "space": (
        "name: mine\nmodules:\n"
        "  - {method: lroa, location: attention.query, sizes: [0, 2]}\n"
        "  - {method: lora, location: fnn, sizes: [4, 2]}\n"
        "  - {method: prefix, location: attention, sizes: [0, 2], gates: true}\n",
        (
            "unknown method 'lroa': did you mean 'lora'?",
            "lora cannot sit at 'fnn'",
            "modules.1: sizes [4, 2] must grow and not repeat",
            "unknown key 'modules.2.gates': did you mean 'gate'?",
        ),
    ),
    "architecture": (
        "prompt: -1\nlearning_rate_multiplier: 0\nmodules:\n"
        "  - {layers: 0-1, method: lroa, location: attention.query, size: 2}\n"
        "  - {layers: 5-1, method: lora, location: attention.query, size: 2}\n"
        "  - {layers: 0, method: lora, location: attention.query}\n"
        "  - {layers: 0, method: lora, location: ffn.nowhere, size: 1}\n",
        (
            "prompt is -1",
            "unknown method 'lroa': did you mean 'lora'?",
            "'5-1' is not a range of layers",
            "lacks 'size'",
            "lora cannot sit at 'ffn.nowhere'",
        ),
    ),
    "task": (
        "train: a.csv\ntext: words\nkind: classify\nlable: gold\nmax_length: 1\n",
        ("kind:", "unknown key 'lable': did you mean 'label'?", "max_length:"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_errors_are_said_at_once(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, expected = WRONG[kind]
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert main(["validate", str(path)]) == 2
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    for words in expected:
        assert sum(words in line for line in lines) == 1, (words, lines)
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert len(captured.err.strip().splitlines()) == 1
    assert f"{len(lines)} errors as a" in captured.err


@pytest.mark.parametrize("name", sorted(shipped_spaces()))
def test_shipped_spaces_are_right(
    name: str, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shipped_spaces()[name]
    arguments = ["validate", str(path)]
    if name == "tiny":
        arguments += ["--model", str(tiny_bert)]
    assert main(arguments) == 0
    assert "a space" in capsys.readouterr().out
    jsonschema.validate(yaml.safe_load(path.read_text()), schema("space"))


def test_a_file_may_be_right_and_not_fit_a_backbone(
    tmp_path: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.yaml"
    row = "{layers: '0,9', method: lora, location: attention.query, size: 2}"
    path.write_text(f"modules:\n  - {row}\n")
    assert main(["validate", str(path)]) == 0
    assert "an architecture, without errors" in capsys.readouterr().out
    assert main(["validate", str(path), "--model", str(tiny_bert)]) == 2
    assert "layer 9 does not exist" in capsys.readouterr().out


def test_words_for_several_maps_are_places(
    tmp_path: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.yaml"
    for method, at, code in (
        ("lora", "all-linear", 0),
        ("ia3", "ffn.all", 0),
        ("prefix", "all-linear", 2),
    ):
        size = 1 if method == "ia3" else 2
        path.write_text(
            f"modules: [{{layers: 0-1, method: {method}, location: {at}, size: {size}}}]"
        )
        assert main(["validate", str(path)]) == code
        assert main(["validate", str(path), "--model", str(tiny_bert)]) == code
        assert main(["show", str(path), "--model", str(tiny_bert)]) == code
        capsys.readouterr()


def test_a_resolved_configuration_is_right_and_so_says_the_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = SearchSpace.load("tiny").model_dump(mode="json")
    config = StudyConfig.build({"task": "demo", "space": space}, "test")
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml())
    assert main(["validate", str(path)]) == 0
    jsonschema.validate(yaml.safe_load(path.read_text()), schema("config"))
    jsonschema.validate({"task": "rte", "space": "pelt", "budget": 300000}, schema("config"))
    capsys.readouterr()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"task": "rte", "budgte": "1%"}, schema("config"))


@pytest.fixture
def shapes(tiny_bert: Path) -> Shapes:
    from transformers import AutoConfig

    return shapes_of_config(AutoConfig.from_pretrained(tiny_bert))


@pytest.mark.parametrize("name", [n for n in seed_names() if "drop" not in n])
def test_the_schema_takes_every_seed_architecture(name: str, shapes: Shapes) -> None:
    text = seed_architecture(name, shapes).to_yaml()
    jsonschema.validate(yaml.safe_load(text), schema("architecture"))


@pytest.mark.parametrize(
    "value",
    [
        {"modules": [{"layer": 0, "method": "lora", "location": "ffn"}]},
        {"modules": [], "prompt": -1},
        {"modules": [{"layers": "a-b", "method": "lora", "location": "ffn", "size": 1}]},
        {"module": []},
    ],
)
def test_schema_and_parser_refuse_the_same(value: dict) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema("architecture"))
    with pytest.raises(Exception, match=r"size|prompt|layers|module"):
        Architecture.from_dict(value)


def test_a_file_that_is_nothing_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("colour: red\n")
    assert main(["validate", str(path)]) == 2
    assert "--as" in capsys.readouterr().err
    assert main(["validate", str(path), "--as", "spaec"]) == 2
    assert "did you mean 'space'?" in capsys.readouterr().err
    assert main(["validate"]) == 2
    assert "--schema" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_printed(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--schema", kind]) == 0
    made = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(made)
    assert made["additionalProperties"] is False
