"""Texts end where they are to, whatever a checkpoint says of itself."""

import math

import pytest
import torch
from tiny_models import tiny

from autopelt.tasks.generation import Generation
from autopelt.tasks.greedy import room_for, stop_tokens, written


@pytest.mark.parametrize(
    ("lengths", "room"),
    [
        (range(1, 101), math.ceil(1.25 * 96) + 8),
        ([10] * 99 + [1000], 21),
        ([1], 10),
        ([4, 8], 18),
    ],
)
def test_an_answer_has_a_bit_more_room_than_the_longest_typical_target(lengths, room):
    assert room_for(lengths) == room


@pytest.fixture
def writer():
    """Model, tokenizer and the prompts of two rows."""
    _, model, tokenizer = tiny("gpt2", Generation("g", "", None))
    prompts = tokenizer(["the cat", "a dog"], return_tensors="pt", padding=True)
    return model, tokenizer, {key: prompts[key] for key in ("input_ids", "attention_mask")}


def test_an_answer_ends_at_every_stop_token_that_the_model_names(writer):
    model, tokenizer, prompts = writer
    end, stop = tokenizer.eos_token_id, tokenizer("sat")["input_ids"][0]
    assert stop_tokens(model, tokenizer) == [end]
    model.generation_config.eos_token_id = [end, stop]
    assert stop_tokens(model, tokenizer) == [end, stop]
    model.generation_config.eos_token_id = None
    assert stop_tokens(model, tokenizer) == [end]
    row = [*tokenizer(" dog")["input_ids"], stop, *tokenizer(" cat")["input_ids"]]
    asked = []

    def generate(input_ids, attention_mask):
        asked.append(model.generation_config)
        assert torch.is_inference_mode_enabled()
        return torch.cat([input_ids, torch.tensor([row, row])], dim=1)

    model.generate = generate
    texts = written(model, prompts, tokenizer, stops=[end, stop], room=7)
    assert texts == [" dog", " dog"]
    assert asked[0].eos_token_id == [end, stop]
    assert asked[0].max_new_tokens == 7
    assert asked[0].use_cache


def test_a_checkpoint_that_samples_is_asked_for_its_likeliest_text(writer, caplog):
    model, tokenizer, prompts = writer
    plain = written(model, prompts, tokenizer, stops=[], room=9)
    model.generation_config.update(
        do_sample=True, temperature=0.6, top_p=0.9, top_k=20, repetition_penalty=1.5, max_length=3
    )
    assert written(model, prompts, tokenizer, stops=[], room=9) == plain
    assert not caplog.records
    assert model.generation_config.do_sample


def test_a_text_ends_within_the_models_positions(writer):
    model, tokenizer, prompts = writer
    width = prompts["input_ids"].shape[1]
    counted = []
    decode = tokenizer.batch_decode
    tokenizer.batch_decode = lambda rows, **o: counted.extend(map(len, rows)) or decode(rows, **o)
    model.config.n_positions = width + 5
    written(model, prompts, tokenizer, stops=[], room=None)
    assert counted == [5, 5]
