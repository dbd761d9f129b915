"""Random models of a few thousand parameters, with tokenisers of their own: one for each family."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BartConfig,
    BertConfig,
    GPT2Config,
    PreTrainedTokenizerFast,
    RobertaConfig,
    T5Config,
)

CORPUS = [
    "the cat sat on the mat and the dog did not see it near the old red house",
    "a man is playing a large flute while a woman reads about Ljubljana , Slovenia .",
    "Anna Novak works for Acme in Berlin since 1999 ; nobody knows why she left it ?",
    "what was the cause of this ? because it rained , so the game was lost again",
] * 3

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<mask>"]


def byte_level(begin: bool) -> PreTrainedTokenizerFast:
    """Byte-pair encoding over bytes, as GPT-2 (`begin` False) and RoBERTa or BART have it."""
    made = Tokenizer(models.BPE(unk_token=None))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(CORPUS, trainer)
    if begin:
        made.post_processor = processors.RobertaProcessing(
            ("</s>", 2), ("<s>", 1), trim_offsets=True, add_prefix_space=False
        )
    else:
        made.post_processor = processors.ByteLevel(trim_offsets=True)
    names = {"bos_token": "<s>", "pad_token": "<pad>"} if begin else {"bos_token": "</s>"}
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", **names)
    fast.pad_token = fast.pad_token or fast.eos_token
    return fast


def sentence_pieces() -> PreTrainedTokenizerFast:
    """Unigram pieces with the blank as a letter, and an end token, as T5 has them."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(CORPUS, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def word_pieces() -> PreTrainedTokenizerFast:
    """Word pieces with segments, as BERT has them."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=names, show_progress=False)
    made.train_from_iterator(CORPUS, trainer)
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


_SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}

CONFIGS: dict[str, Callable[[], Any]] = {
    "bert": lambda: BertConfig(**_SIZES, intermediate_size=32, max_position_embeddings=160),
    "roberta": lambda: RobertaConfig(
        **_SIZES, intermediate_size=32, max_position_embeddings=162, pad_token_id=0
    ),
    "gpt2": lambda: GPT2Config(
        n_embd=16, n_layer=2, n_head=2, n_positions=160, bos_token_id=2, eos_token_id=2
    ),
    "t5": lambda: T5Config(
        d_model=16, d_ff=32, d_kv=8, num_layers=2, num_heads=2, decoder_start_token_id=0,
        pad_token_id=0, eos_token_id=2,
    ),
    "bart": lambda: BartConfig(
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        max_position_embeddings=160, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=2, forced_eos_token_id=2,
    ),
}  # fmt: skip

TOKENIZERS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "bert": word_pieces,
    "roberta": lambda: byte_level(begin=True),
    "gpt2": lambda: byte_level(begin=False),
    "t5": sentence_pieces,
    "bart": lambda: byte_level(begin=True),
}

_HEADS = {
    "none": "AutoModel",
    "sequence_classification": "AutoModelForSequenceClassification",
    "token_classification": "AutoModelForTokenClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "seq2seq": "AutoModelForSeq2SeqLM",
    "causal_lm": "AutoModelForCausalLM",
}


def tiny(family: str, task: Any) -> tuple[Any, Any, Any]:
    """The task for this family, a random model with its head, and a tokeniser."""
    import transformers

    config, tokenizer = CONFIGS[family](), TOKENIZERS[family]()
    config.vocab_size = len(tokenizer)
    config.pad_token_id = tokenizer.pad_token_id
    task = task.for_model(config)
    if task.head in ("sequence_classification", "token_classification"):
        config.num_labels = task.outputs
    torch.manual_seed(0)
    model = getattr(transformers, _HEADS[task.head]).from_config(config)
    return task, model.eval(), tokenizer


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
