"""A real decoder, where one is at hand: what is learnt of a chat, and what is left when shipped."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from small_search import Quiet
from transformers import AutoModelForCausalLM, AutoTokenizer

import autopelt
from autopelt.export import export
from autopelt.study.storage import StudyStorage
from autopelt.tasks.padding import IGNORED
from autopelt.training.context import Context
from autopelt.training.loop import score_split
from autopelt.training.spec import Setup

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def asked(number: int) -> list[dict[str, str]]:
    """A sum and its result, written as no model would by itself."""
    first, second = 3 + 7 * number % 40, 5 + 11 * number % 50
    return [
        {"role": "user", "content": f"{first} plus {second}?"},
        {"role": "assistant", "content": f"= {first + second} (sum)"},
    ]


@pytest.fixture(scope="module")
def study(pretrained_decoder: Path, tmp_path_factory: pytest.TempPathFactory) -> autopelt.Study:
    """LoRA of rank 8 in thirty steps of four conversations."""
    folder = tmp_path_factory.mktemp("chat")
    for name, numbers in (("train", range(40)), ("validation", range(40, 48))):
        lines = [json.dumps({"messages": asked(number)}) + "\n" for number in numbers]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return autopelt.search(
        train=str(folder / "train.jsonl"),
        validation=str(folder / "validation.jsonl"),
        model=str(pretrained_decoder),
        space="lora",
        budget="2%",
        seeds="lora-r8",
        trials=1,
        epochs=3,
        batch_size=4,
        workers=1,
        out=folder / "study",
        view=Quiet(),
    )


@pytest.fixture(scope="module")
def context(study: autopelt.Study) -> Context:
    return Context(Setup.of(StudyStorage.open(study.folder).config))


def test_what_is_learnt_is_the_answers(context: Context, pretrained_decoder: Path) -> None:
    """Labels are the answer and the end of its turn; a row ends there."""
    tokenizer = AutoTokenizer.from_pretrained(pretrained_decoder)
    written = [tokenizer.apply_chat_template(asked(number))["input_ids"] for number in range(48)]
    wanted = {asked(number)[1]["content"] for number in range(48)}
    for row in context.splits["train"].rows:
        assert all(
            label in (token, IGNORED) for token, label in zip(row["input_ids"], row["labels"])
        )
        text, rest = tokenizer.decode(row["labels"][row["labels"].count(IGNORED) :]).split(
            tokenizer.eos_token
        )
        assert text in wanted
        assert rest.strip() == ""
        assert row["input_ids"] in [whole[: row["length"]] for whole in written]


def test_thirty_steps_lower_the_loss_of_answers(study: autopelt.Study, context: Context) -> None:
    before = score_split(context, "selection")["loss"]
    after = study.trial().score
    assert after is not None
    assert -after < before / 2


def answers(model: Any, tokenizer: Any) -> list[str]:
    texts = []
    for number in range(50, 53):
        prompt = tokenizer.apply_chat_template(
            asked(number)[:1], add_generation_prompt=True, return_tensors="pt"
        )
        with torch.no_grad():
            made = model.generate(**prompt, do_sample=False, max_new_tokens=12)
        texts.append(tokenizer.decode(made[0, prompt["input_ids"].shape[1] :]))
    return texts


def test_merged_it_writes_the_same_texts(study: autopelt.Study, tmp_path: Path) -> None:
    attached = answers(study.load(), study.tokenizer())
    assert all(text.startswith("= ") for text in attached)
    merged = export(str(study.folder), "merged", str(tmp_path / "merged"))
    model = AutoModelForCausalLM.from_pretrained(merged)
    assert answers(model, AutoTokenizer.from_pretrained(merged)) == attached
