"""A described backbone is tried once, searched, and kept with all that is made of the study."""

from pathlib import Path
from typing import Any

import pytest
from described_opt import DESCRIPTION, opt_folder
from families import config_of
from small_search import Quiet, plan
from tiny_models import byte_level
from transformers import AutoModel

from autopelt.backbones.description import ATTRIBUTE, load, read
from autopelt.cli.main import main
from autopelt.data.readers import Table
from autopelt.errors import UsageError
from autopelt.export import export, find_trained
from autopelt.study.storage import StudyStorage
from autopelt.training.final import evaluate_model
from autopelt.workflows import tried_backbone
from autopelt.workflows.plan import make_plan
from autopelt.workflows.predict import predict
from autopelt.workflows.search import search
from autopelt.workflows.settings import changed_config

LIE = DESCRIPTION.replace("ffn_output: fc2", "ffn_output: activation_fn")  # 24 wide, not 16


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return opt_folder(tmp_path_factory.mktemp("opt") / "model")


def planned(model: Path, text: str, **changed: Any) -> Any:
    file = model.parent / "own.yaml"
    file.write_text(text, encoding="utf-8")
    how = {"trials": 1, "repeats": 0, "epochs": 1, "space": "pelt", "seeds": "lora-r1"} | changed
    return plan(model, backbone_description=str(file), **how)


@pytest.fixture(scope="module")
def study(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "study"
    search(planned(model, LIE), folder, Quiet())
    return folder


def test_what_does_not_work_is_named_and_left_out(model: Path) -> None:
    made = planned(model, LIE)
    (note,) = (note for note in made.notes if "Places of this opt are described" in note)
    assert "sequential_adapter@ffn" in note
    assert "lora@" not in note
    assert "sequential_adapter" not in {row.method for row in made.config.space.modules}


def test_a_study_tries_its_backbone_once(
    study: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "sequential_adapter@ffn" in load(study / "backbone.yaml").unfit
    monkeypatch.setattr(tried_backbone, "failures", lambda *_: pytest.fail("tried again"))
    stored = StudyStorage.open(study)
    again = make_plan(changed_config(stored, {}), "", study)
    assert again.config == stored.config


def test_train_evaluate_export_and_predict_know_the_description(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    how = ["--architecture", "lora-r1", "--epochs", "1", "--out", str(tmp_path / "one")]
    assert main(["train", str(study), *how]) == 0
    found = evaluate_model(tmp_path / "one")
    assert found["report"] == found["stored"]
    table = Table({"text": ["the cat"], "text_pair": ["a mat"]}, "texts", [1])
    own = export(tmp_path / "one", "autopelt", tmp_path / "own")
    assert predict(find_trained(own), table) == predict(find_trained(tmp_path / "one"), table)
    assert main(["show", str(study)]) == 0
    merged = export(tmp_path / "one", "merged", tmp_path / "merged")
    assert ATTRIBUTE not in (merged / "config.json").read_text("utf-8")  # plain transformers
    capsys.readouterr()


def test_nothing_that_works_is_one_line(model: Path) -> None:
    nothing = "embeddings: embed_tokens\nprompt_host: decoder\nstacks:\n- layers: decoder.layers\n"
    nothing += "  attention: self_attn\n  query: self_attn.q_proj\n  attention_out: fc2\n"
    with pytest.raises(UsageError, match="nothing of space 'tiny' works on this opt"):
        planned(model, nothing + "unfit: [lora@attention.query, prompt@embeddings]\n", space="tiny")


def test_a_table_family_is_not_tried(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tried_backbone, "load_model", lambda *_: pytest.fail("loaded"))
    assert plan(tiny_bert).config.backbone_description is None


def test_a_found_family_is_planned_with_what_works_on_it(tmp_path: Path) -> None:
    """Bloom has one fused map, cut by heads, and an attention that takes no prefix."""
    tokenizer = byte_level(begin=False)
    config = config_of("bloom")
    config.vocab_size, config.pad_token_id = len(tokenizer), tokenizer.pad_token_id
    model = AutoModel.from_config(config)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    made = plan(tmp_path / "model", trials=2, repeats=0, epochs=1, space="pelt", seeds="lora-r1")
    (note,) = (note for note in made.notes if "Places of this bloom are found" in note)
    assert "Left out: prefix@attention (" in note
    rows = {row.name for row in made.config.space.modules}
    assert "lora@attention.qkv" in rows
    assert not any(name.startswith("prefix") for name in rows)
    assert read(made.config.backbone_description).stacks[0].qkv is not None
