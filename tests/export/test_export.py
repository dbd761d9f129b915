"""Exports: what goes out comes back with the same logits; what a format cannot say is refused."""

import json
import re

import pytest
import torch
from tiny_context import tiny_context
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
    GPT2Config,
    GPT2ForSequenceClassification,
)

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.seeds import seed_architecture
from autopelt.backbones.shapes import shapes_of_model
from autopelt.data.readers import Table
from autopelt.errors import UnavailableError, UsageError
from autopelt.export import Trained, export, find_trained, load_exported
from autopelt.export.adapters_folder import write_model as write_adapters
from autopelt.export.merged_folder import merge
from autopelt.export.merged_folder import notes as merged_notes
from autopelt.methods.module import Module
from autopelt.modules.attachment import attach, attached
from autopelt.modules.checkpoint import save
from autopelt.study.config import TrainingConfig
from autopelt.training.final import train_model
from autopelt.workflows.predict import predict

LABELS = ("no", "maybe", "yes")


def tiny_bert():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=32,
        num_labels=3,
    )
    return BertForSequenceClassification(config).eval()


def tiny_gpt2():
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=30, n_embd=32, n_layer=2, n_head=4, n_positions=32, pad_token_id=0, num_labels=3
    )
    return GPT2ForSequenceClassification(config).eval()


def put(model, architecture):
    attach(model, architecture, random_seed=0)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.autopelt.parameters():
            parameter += torch.empty(parameter.shape).normal_(0, 0.2, generator=generator)
    return model


def logits(model):
    ids = torch.randint(5, 30, (3, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=mask).logits


LORA = Architecture(
    tuple(
        Module("lora", location, layer, size, alpha=alpha)
        for location, layer, size, alpha in (
            ("attention.query", 0, 1, None),
            ("attention.query", 3, 8, 16.0),
            ("attention.key", 1, 2, None),
            ("attention.value", 0, 3, 1.0),
            ("attention.output", 3, 4, None),
            ("ffn.in", 1, 5, 2.0),
            ("ffn.in", 3, 6, None),
            ("ffn.out", 0, 7, None),
            ("ffn.out", 3, 8, 8.0),
        )
    )
)


@pytest.fixture
def backbone(tmp_path):
    """A folder with a tiny BERT and its tokenizer."""
    folder = tmp_path / "backbone"
    tiny_bert().bert.save_pretrained(folder)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxy"]
    BertTokenizerFast(vocab={w: i for i, w in enumerate(words)}).save_pretrained(folder)
    return folder


@pytest.fixture
def trained(tmp_path, backbone):
    """What `find_trained` reads: made by hand, as autopelt train or an export would."""

    def make(architecture, kind="", labels=LABELS):
        from autopelt.backbones.load import load_model
        from autopelt.backbones.source import resolve

        folder = tmp_path / "trained"
        model = load_model(
            resolve(str(backbone)), "sequence_classification", len(labels) or 1, random_seed=5
        )
        put(model, architecture)
        save(model, folder)
        about = {
            "format": "autopelt 1",
            "model": str(backbone),
            "head": "sequence_classification",
            "labels": labels,
            "kind": kind,
            "task": "rte",
            "scores": {"report": {"accuracy": 0.75}},
        }
        (folder / "autopelt.json").write_text(json.dumps(about))
        return folder, logits(model)

    return make


@pytest.mark.parametrize("name", ["pt-unipelt", "mam", "lora-r4", "p-tuning-3", "head-only"])
def test_the_autopelt_folder_round_trips_exactly(trained, tmp_path, name):
    folder, expected = trained(seed_architecture(name, shapes_of_model(tiny_bert())))
    out = export(folder, "autopelt", tmp_path / "out")
    model, tokenizer = load_exported(out)
    assert torch.equal(logits(model), expected)
    assert model.config.id2label == dict(enumerate(LABELS))
    assert tokenizer("a b")["input_ids"] == [2, 5, 6, 3]
    assert find_trained(out).describe() == find_trained(folder).describe()
    again = export(out, "autopelt", tmp_path / "again")
    for file in ("architecture.yaml", "weights.safetensors", "autopelt.json", "README.md"):
        assert (again / file).read_bytes() == (out / file).read_bytes()


def lines_of(folder):
    """What the README.md of an export says to run."""
    card = (folder / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL).group(1)
    return code.replace("path/to/this/folder", str(folder))


def test_the_snippet_of_the_model_card_runs(trained, tmp_path, capfd):
    folder, _ = trained(seed_architecture("unipelt", shapes_of_model(tiny_bert())))
    out = export(folder, "autopelt", tmp_path / "out")
    card = (out / "README.md").read_text()
    assert "accuracy on the report split: 0.7500" in card
    assert "no, maybe, yes" in card
    code = lines_of(out)
    assert len([line for line in code.splitlines() if line.strip()]) == 5
    capfd.readouterr()
    exec(code, {})
    printed = capfd.readouterr()
    assert printed.out.strip() in LABELS
    assert printed.err == ""


def test_merged_is_a_plain_folder(trained, tmp_path):
    out = export(trained(LORA)[0], "merged", tmp_path / "out")
    model = AutoModelForSequenceClassification.from_pretrained(out)
    assert not any("autopelt" in key for key in model.state_dict())
    assert (out / "tokenizer.json").is_file()


def from_peft_card(folder):
    """The model that the five lines of a peft folder's README make."""
    pytest.importorskip("peft")
    names = {}
    exec(lines_of(folder), names)
    return names["model"], names["tokenizer"]


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # peft's
@pytest.mark.parametrize("to", ["merged", "peft"])
@pytest.mark.parametrize(
    ("kind", "labels", "problem"),
    [
        ("classification", LABELS, "single_label_classification"),
        ("multi_label", LABELS, "multi_label_classification"),
        ("regression", (), "regression"),
    ],
)
def test_others_read_the_names_of_the_classes_and_the_kind_of_problem(
    trained, tmp_path, kind, labels, problem, to
):
    folder, expected = trained(LORA, kind, labels)
    out = export(folder, to, tmp_path / "out")
    if to == "merged":
        model = AutoModelForSequenceClassification.from_pretrained(out).eval()
    else:
        model, tokenizer = from_peft_card(out)
        assert tokenizer("a b")["input_ids"] == [2, 5, 6, 3]
    assert (logits(model) - expected).abs().max() < 1e-5
    assert model.config.problem_type == problem
    assert model.config.id2label == dict(enumerate(labels or ["LABEL_0"]))
    assert model.config.label2id == {name: i for i, name in model.config.id2label.items()}


def test_merging_fills_the_slices_of_a_fused_map():
    places = ("attention.query", "attention.key", "attention.value", "attention.output", "ffn.in")
    model = put(
        tiny_gpt2(), Architecture(tuple(Module("lora", p, 1, r + 1) for r, p in enumerate(places)))
    )
    expected = logits(model)
    merge(model)
    assert attached(model) is None
    assert (logits(model) - expected).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Module("prefix", "attention", 1, 3), "prefix at 1/attention adds keys and values"),
        (Module("prompt", "embeddings", None, 3), "prompt at embeddings adds rows"),
        (Module("sequential_adapter", "ffn", 2, 3), "sequential_adapter at 2/ffn has a nonlin"),
        (Module("lora", "attention.key", 2, 3, gate="mean"), "lora at 2/attention.key has a gate"),
    ],
)
def test_what_cannot_be_merged_is_refused_and_nothing_is_written(trained, tmp_path, module, reason):
    folder, _ = trained(Architecture((module, Module("lora", "ffn.in", 0, 2))))
    with pytest.raises(UsageError, match=reason):
        export(folder, "merged", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".out")] == []


def test_full_fine_tuning_merges_to_the_trained_weights():
    model = tiny_bert()
    attach(model, Architecture(full=True), random_seed=0)
    with torch.no_grad():
        model.bert.encoder.layer[0].output.dense.weight.add_(0.1)
    expected = logits(model)
    merge(model)
    assert torch.equal(logits(model), expected)


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ([Module("lora", "attention.output", 1, 3)], "is LoRA on attention.output"),
        ([Module("prompt", "embeddings", None, 3, gate="mean")], "none on a prompt"),
        ([Module("prefix", "attention", 1, 3, gate="auto")], "gate of mode 'masked'"),
        ([Module("lora", "ffn.in", 1, 3, gate="token")], "gate of mode 'token'"),
        (
            [Module("sequential_adapter", "ffn", 1, 3), Module("parallel_adapter", "ffn", 1, 3)],
            "sequential_adapter at 1/ffn shares its FFN with a parallel adapter",
        ),
    ],
)
def test_what_adapters_cannot_say_is_refused(tmp_path, modules, reason):
    model = put(tiny_bert(), Architecture(tuple(modules)))
    with pytest.raises(UsageError, match=reason):
        write_adapters(model, tmp_path)


def test_the_adapters_export_refuses_families_whose_layout_it_does_not_know(tmp_path):
    model = put(tiny_gpt2(), Architecture((Module("lora", "ffn.in", 1, 3),)))
    with pytest.raises(UsageError, match="cannot export a gpt2 to adapters"):
        write_adapters(model, tmp_path)


def test_wrong_targets_and_used_folders_are_refused(trained, tmp_path):
    folder, _ = trained(LORA)
    with pytest.raises(UsageError, match="did you mean 'merged'"):
        export(folder, "merge", tmp_path / "out")
    with pytest.raises(UsageError, match="not an empty folder"):
        export(folder, "merged", folder)
    with pytest.raises(UnavailableError, match="holds nothing to export"):
        export(tmp_path / "nowhere", "merged", tmp_path / "out")


def test_a_merged_model_for_retrieval_is_one_of_sentence_transformers(tmp_path):
    """The embeddings of `autopelt predict` come out of the folder that it loads."""
    library = pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers is not installed"
    )
    context = tiny_context("retrieval", "bert", tmp_path)
    lora = Architecture((Module("lora", "attention.value", 1, 2),))
    folder = tmp_path / "trained"
    train_model(context.setup, lora, TrainingConfig(epochs=1), 0, folder, lambda _: None)
    made = export(folder, "merged", tmp_path / "merged")
    texts = ["where is the cat ?", "the cat sat on the mat and the dog did not see it " * 9]
    rows = predict(find_trained(folder), Table({"query": texts}, "a"))
    model = library.SentenceTransformer(str(made), device="cpu")
    assert model.max_seq_length == 48
    found = torch.from_numpy(model.encode(texts))
    expected = torch.tensor([row["prediction"] for row in rows])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(2))


def test_merging_what_was_trained_beside_quantised_weights_is_said(tmp_path):
    def told(kept):
        return merged_notes(Trained(tmp_path, "minilm", "none", quantised=kept))

    assert told("") == []
    (line,) = told("nf4")
    assert "weights in nf4, merged into the published ones in full precision" in line
