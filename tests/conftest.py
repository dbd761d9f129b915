"""Fixtures for all tests: tiny models made here, real data where it is at hand, one CPU thread."""

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets; the test is skipped where there is none."""
    given = os.environ.get("AUTOPELT_TEST_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data: set AUTOPELT_TEST_DATA to a folder with glue/RTE and the like")
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random BERT of 2 layers and width 16, and a word-piece tokeniser."""
    return make_tiny_bert(tmp_path_factory.mktemp("tiny-bert"))


def make_tiny_bert(folder: Path) -> Path:
    """Write that model into a folder; gives the folder."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(exist_ok=True)
    words = [
        "the",
        "a",
        "of",
        "in",
        "is",
        "was",
        "not",
        "did",
        "no",
        "on",
        "to",
        "and",
        ".",
        ",",
        "'",
        "s",
        "ing",
        "ed",
        "er",
    ]
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *letters]
    vocabulary += [f"##{letter}" for letter in letters] + [str(n) for n in range(10)]
    unique = list(dict.fromkeys(vocabulary))
    (folder / "vocab.txt").write_text("\n".join(unique) + "\n", encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(unique),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        initializer_range=0.25,  # at 0.02 a width of 16 lets next to nothing of its input through
    )
    BertModel(config).save_pretrained(folder)
    return folder
