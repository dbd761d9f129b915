"""What turns a plain transformers folder into one that sentence-transformers loads.

https://sbert.net/docs/sentence_transformer/usage/custom_models.html: ``modules.json`` lists the
transformer, mean pooling (``1_Pooling``) and a length of 1 (``2_Normalize``), which is how
`autopelt.tasks.retrieval` makes embeddings.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_modules(out: Path, hidden: int, max_length: int) -> None:
    """Add the files to a folder with model and tokenizer.

    Args:
        hidden: width of an embedding. max_length: tokens of a text; the rest is cut off.
    """
    names = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(names)
    ]
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True}
    others = ("cls_token", "max_tokens", "mean_sqrt_len_tokens")
    pooling |= {f"pooling_mode_{name}": False for name in others}
    files: dict[str, Any] = {
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "sentence_bert_config.json": {"max_seq_length": max_length, "do_lower_case": False},
        "config_sentence_transformers.json": {"similarity_fn_name": "cosine"},
    }
    for name, content in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (out / "2_Normalize").mkdir()
