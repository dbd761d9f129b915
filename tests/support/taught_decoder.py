"""A decoder of a few thousand parameters that can do something.

It is told a word and some letters, as a chat, and answers with the letters as the word says:
``copy b a d`` with ``b a d``, ``reverse`` with ``d a b``, ``sort`` with ``a b d``. Its vocabulary
has more words (`WORDS`) than it was taught: those are what one may fine-tune it to. Its weights are
kept, in half precision; `python tests/support/taught_decoder.py` trains them again, in 20 seconds.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

LETTERS = "abcdefgh"

WORDS: dict[str, Callable[[Sequence[str]], Sequence[str]]] = {
    "copy": lambda letters: letters,
    "reverse": lambda letters: letters[::-1],
    "sort": sorted,
    "down": lambda letters: sorted(letters, reverse=True),
    "next": lambda letters: [LETTERS[(LETTERS.index(x) + 1) % len(LETTERS)] for x in letters],
}
"""What is asked, and the answer to some letters."""

TAUGHT = ("copy", "reverse", "sort")

TEMPLATE = (
    "{% for message in messages %}{{ '<' + message['role'] + '> ' + message['content'] + ' <end>"
    " ' }}{% endfor %}{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)


def conversation(word: str, rng: random.Random) -> list[dict[str, str]]:
    """A question of 3 to 7 letters and its answer."""
    letters = [rng.choice(LETTERS) for _ in range(rng.randint(3, 7))]
    return [
        {"role": "user", "content": " ".join((word, *letters))},
        {"role": "assistant", "content": " ".join(WORDS[word](letters))},
    ]


def tokenizer() -> PreTrainedTokenizerFast:
    """Words apart by blanks, and a chat template."""
    special = ["<pad>", "<end>", "<user>", "<assistant>"]
    names = [*special, *WORDS, *LETTERS]
    made = Tokenizer(models.WordLevel({name: n for n, name in enumerate(names)}, names[0]))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        eos_token="<end>",
        extra_special_tokens=["<user>", "<assistant>"],
    )
    fast.chat_template = TEMPLATE
    return fast


def untrained(vocabulary: int) -> LlamaForCausalLM:
    """A Llama of 3 layers and width 64, 125 thousand parameters."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=64,
        initializer_range=0.05,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config)


WEIGHTS = Path(__file__).parents[1] / "fixtures" / "taught_decoder.safetensors"


def make_taught_decoder(folder: Path) -> Path:
    """Write model and tokeniser into a folder."""
    words = tokenizer()
    model = untrained(len(words))
    kept = {name: value.float() for name, value in load_file(WEIGHTS).items()}
    model.load_state_dict(kept | {"lm_head.weight": kept["model.embed_tokens.weight"]})
    model.eval().save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def taught(steps: int = 500, rate: float = 4e-3) -> LlamaForCausalLM:
    """A model trained on `TAUGHT`, loss on the answers."""
    words = tokenizer()
    model = untrained(len(words)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 50) * max(0.02, 1 - step / steps)
    )
    rng = random.Random(0)
    pool = [conversation(rng.choice(TAUGHT), rng) for _ in range(8000)]
    texts = words.apply_chat_template(pool, tokenize=False)
    rows = words(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
    answers = rows["input_ids"] == words.convert_tokens_to_ids("<assistant>")
    learned = (answers.cumsum(dim=1) > 0) & ~answers & rows["attention_mask"].bool()
    labels = rows["input_ids"].masked_fill(~learned, -100)
    for _ in range(steps):
        some = torch.tensor(rng.sample(range(len(pool)), 64))
        batch = {key: values[some] for key, values in rows.items()}
        model(**batch, labels=labels[some]).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return model


if __name__ == "__main__":
    state = {name: value.half() for name, value in taught().state_dict().items()}
    save_file({name: state[name] for name in state if name != "lm_head.weight"}, WEIGHTS)
