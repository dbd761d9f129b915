"""Descriptions of a backbone: read and written, checked against the model, and where they count."""

import copy
import re
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
from described_opt import DESCRIPTION, opt, opt_folder
from zoo import CONFIGS, make

import autopelt
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones import description
from autopelt.backbones.description import describe_as, described, read, register_family, to_yaml
from autopelt.backbones.families import FAMILIES, REGISTERED, Family
from autopelt.backbones.shapes import shapes_of_config, shapes_of_model
from autopelt.backbones.structure import family_for
from autopelt.cli.main import main
from autopelt.errors import UsageError
from autopelt.modules.attachment import attach, attached
from autopelt.system.yaml import load_yaml

GUIDE = Path(__file__).parents[2] / "docs" / "adding-a-family.md"


def family(text: str = DESCRIPTION) -> Family:
    return read(load_yaml(text, "test"))


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_what_is_written_is_read_back(name: str) -> None:
    row = FAMILIES[name]
    assert family(to_yaml(row)) == row
    config = make(name).config
    plain = shapes_of_config(config)
    describe_as(config, row)
    assert shapes_of_config(config) == plain  # with every path checked


def test_a_description_goes_with_its_model() -> None:
    model = opt()
    describe_as(model.config, family())
    other = copy.deepcopy(model)
    assert described(other.config) == family_for(other.config) == family()
    attach(other, seed_architecture("lora-r1", shapes_of_model(other)))
    assert attached(other) is not None
    describe_as(model.config, None)
    assert described(model.config) is None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("layers: decoder.layers", "causal: true", "stacks.0.layers is missing"),
        ("query:", "querry:", "unknown key 'stacks.0.querry': did you mean 'query'"),
        ("causal: true", "causal: 1", "stacks.0.causal must be true or false, not 1"),
        ("fc1\n", "[fc1]\n", r"stacks.0.ffn_input must be text, not \['fc1'\]"),
        ("prompt_host: decoder", "prompt_offset: -1", "prompt_offset must be a number from 0 up"),
        (DESCRIPTION[-400:], "stacks: []\n", "must be a list of one stack or more|missing"),
        ("prompt_host: decoder", "unfit: prefix", "unfit must be a list of text, not 'prefix'"),
        (DESCRIPTION, "- a\n", r"it must be a mapping of keys, not \['a'\]"),
    ],
)
def test_a_wrong_description_is_one_line(before: str, after: str, message: str) -> None:
    assert before in DESCRIPTION
    with pytest.raises(UsageError, match=message) as caught:
        family(DESCRIPTION.replace(before, after))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("self_attn.q_proj", "self_attn.q_prj", "stacks.0.query 'self_attn.q_prj', but a OPTDec"),
        ("decoder.layers", "encoder.layers", "stacks.0.layers 'encoder.layers', but a OPTModel"),
        ("ffn_in: fc1", "ffn_in: activation_fn", "a ReLU is not a linear map"),
        ("self_attn.q_proj", "'self_attn.q_proj[0/3]'", "is no slice of a map with 16 outputs"),
        ("prompt_host: decoder", "prompt_host: host", "prompt_host 'host', but a OPTModel has no"),
        ("embed_tokens", "embed_token", "did you mean 'embed_tokens'"),
    ],
)
def test_a_description_that_lies_is_told(before: str, after: str, message: str) -> None:
    config = opt().config
    describe_as(config, family(DESCRIPTION.replace(before, after, 1)))
    with pytest.raises(UsageError, match=message) as caught:
        shapes_of_config(config)
    assert "\n" not in str(caught.value)


def test_a_family_is_registered_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTERED, "opt", None)  # taken out again at the end
    autopelt.register_family("opt", family())
    assert family_for(opt().config) == family()
    with pytest.raises(UsageError, match="is a dict; it must be an autopelt"):
        register_family("opt", {})  # type: ignore[arg-type]


def test_installed_packages_bring_families(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(value: str) -> None:
        entry = EntryPoint("fancy", value, description.GROUP)
        monkeypatch.setattr(description, "entry_points", lambda group: [entry])
        description._installed.cache_clear()

    config = SimpleNamespace(model_type="fancy")
    try:
        installed("autopelt.backbones.families:_BERT_LIKE")
        assert described(config) == FAMILIES["bert"]
        for value, message in (
            ("autopelt.backbones.families:_BERT", "gives a Stack; it must be an autopelt.Family"),
            ("no_such_package:family", "the entry point 'fancy' of autopelt.families cannot be"),
        ):
            installed(value)
            with pytest.raises(UsageError, match=re.escape(message)):
                described(config)
    finally:
        description._installed.cache_clear()


def test_the_guide_describes_a_model() -> None:
    text = re.search(r"```yaml\n(embeddings.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert text is not None
    assert family(text[1]) == family()


def test_the_command_line_says_what_is_wrong_with_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = opt_folder(tmp_path / "model")
    file = tmp_path / "backbone.yaml"
    given = ["--model", str(model), "--backbone-description", str(file)]
    assert main(["show", "lora-r8", *given]) == 0
    for text, message in (
        (DESCRIPTION.replace("fc2", "fc3"), "names stacks.0.ffn_out 'fc3', but a OPTDecoderLayer"),
        ("a: [", "is not valid YAML at line"),
        ("stacks: 3\n", "stacks must be a list of one stack or more, not 3"),
    ):
        file.write_text(text, encoding="utf-8")
        capsys.readouterr()
        assert main(["show", "lora-r8", *given]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
    file.unlink()
    assert main(["show", "lora-r8", *given]) == 2
