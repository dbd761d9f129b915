"""Which tokens are answers, against masks made by hand, for templates as decoders have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import byte_level, sentence_pieces

from autopelt.errors import AutopeltError, UnavailableError, UsageError
from autopelt.tasks.chat_template import ChatTemplate

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + "
    "'<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
    "{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}"
    "{% endif %}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate user/assistant') }}{% endif %}"
    "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content | trim + eos_token }}{% endif %}{% endfor %}"
)
MARKS = ["<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
ENDS = {CHATML: "<|im_end|>", LLAMA3: "<|eot_id|>", MISTRAL: "</s>"}


@pytest.fixture(scope="module")
def tokenizer():
    made = byte_level(begin=True)
    made.add_special_tokens({"additional_special_tokens": [*MARKS, "[INST]", "[/INST]"]})
    return made


def _turns(*said):
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": content} for n, content in enumerate(said)]


def _marked(tokenizer, template, conversation, last=False):
    """The text as tokens, with what is learnt between braces."""
    made = ChatTemplate(tokenizer, template)
    row = made.rows([made.written(made.ready(conversation), last)])[0]
    text, inside = "", False
    for token, learned in zip(row.ids, row.learned, strict=True):
        text += "{" if learned and not inside else "}" if inside and not learned else ""
        inside = learned
        text += tokenizer.decode([token])
    return text + ("}" if inside else "")


@pytest.mark.parametrize(
    ("template", "marked"),
    [
        (
            CHATML,
            "<|im_start|>user\nthe cat<|im_end|>\n<|im_start|>assistant\n{a dog<|im_end|>}\n"
            "<|im_start|>user\nwhy<|im_end|>\n<|im_start|>assistant\n{ it rained<|im_end|>}",
        ),
        (
            LLAMA3,
            "<s><|start_header_id|>user<|end_header_id|>\n\nthe cat<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n{a dog<|eot_id|>}"
            "<|start_header_id|>user<|end_header_id|>\n\nwhy<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n{it rained<|eot_id|>}",
        ),
        (MISTRAL, "<s>[INST] the cat [/INST]{ a dog</s>}[INST] why [/INST]{ it rained</s>}"),
    ],
    ids=["chatml", "llama3", "mistral"],
)
def test_masks_made_by_hand(tokenizer, template, marked):
    turns = _turns("the cat", "a dog", "why", " it rained")
    assert _marked(tokenizer, template, turns) == marked
    first, last = marked.split("}", 1)
    assert _marked(tokenizer, template, turns, last=True) == first.replace("{", "") + last


GENERATION = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ m['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
THINKING = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{{ '<think>\n\n</think>\n\n' if m['role'] == 'assistant' and loop.last else '' }}"
    "{{ m['content'].split('</think>')[-1] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""As Qwen3's: an empty thought before the last answer only; earlier ones are dropped."""
LATE_SYSTEM = (
    "{% set many = messages | length %}{% for m in messages %}{% if m.role == 'user' %}"
    "{{ '[INST] ' + (messages[0].content + '\n\n' if loop.index0 >= many - 2 and "
    "messages[0].role == 'system' else '') + m.content + ' [/INST]' }}"
    "{% elif m.role == 'assistant' %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}"
)
"""As Mistral's: the system turn stands in the last turn of the user."""
THOUGHT_PROMPT = CHATML.replace("'<|im_start|>assistant\n'", "'<|im_start|>assistant\n<think>\n'")


@pytest.mark.parametrize("pieces", [True, False])
def test_the_tokenizers_own_mask_is_ours(tokenizer, pieces):
    if pieces:
        tokenizer = sentence_pieces()
        tokenizer.add_special_tokens({"additional_special_tokens": MARKS})
    turns = _turns("the cat", "a dog", "why", "it rained")
    own = tokenizer.apply_chat_template(
        turns, chat_template=GENERATION, return_dict=True, return_assistant_tokens_mask=True
    )
    made = ChatTemplate(tokenizer, GENERATION)
    row = made.rows([made.written(turns)])[0]
    places = len(row.ids)
    assert row.ids == own["input_ids"][:places]
    assert row.learned == [bool(inside) for inside in own["assistant_masks"][:places]]
    assert not any(own["assistant_masks"][places:])
    found = ChatTemplate(tokenizer, CHATML)
    assert found.rows([found.written(turns)])[0] == row


def test_templates_that_write_early_turns_in_another_way(tokenizer):
    turns = _turns("a", "b", "c", "d")
    opened = "<|im_start|>assistant\n"
    assert _marked(tokenizer, THINKING, turns) == (
        f"<|im_start|>user\na<|im_end|>\n{opened}{{b<|im_end|>}}\n"
        f"<|im_start|>user\nc<|im_end|>\n{opened}{{<think>\n\n</think>\n\nd<|im_end|>}}"
    )
    system = {"role": "system", "content": "be kind"}
    assert _marked(tokenizer, LATE_SYSTEM, [system, *turns]) == (
        "[INST] a [/INST]{ b</s>}[INST] be kind\n\nc [/INST]{ d</s>}"
    )
    assert _marked(tokenizer, THOUGHT_PROMPT, turns) == _marked(tokenizer, CHATML, turns)
    thought = _turns("a", "<think>x</think>b", "c", "<think>y</think>d")
    with pytest.raises(UnavailableError, match=r"rewrites the answers of .*say loss_on='last'"):
        _marked(tokenizer, THINKING, thought)
    assert _marked(tokenizer, THINKING, thought, last=True).endswith("\n\nd<|im_end|>}")


def test_a_tokenizer_without_end_token_and_a_template_without_end_mark(tokenizer):
    bare = byte_level(begin=False)
    for name in ("bos_token", "eos_token", "pad_token"):
        setattr(bare, name, None)
    assert ChatTemplate(bare).end == ""
    assert _marked(bare, "", _turns("a", "b")) == "User:\na\n\nAssistant:\n{b}"
    unended = "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}"
    assert _marked(tokenizer, unended, _turns("a", "dog")) == "user: a\n{assistant: dog</s>}"


def test_nothing_is_put_in_front_twice(tokenizer):
    made = ChatTemplate(tokenizer)
    row = made.rows([made.written(_turns("a", "b"))])[0]
    assert row.ids.count(tokenizer.bos_token_id) == 1
    assert "plain template" in made.words


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20).filter(
    lambda text: text.strip() and "[/INST]" not in text
)


@given(st.data())
def test_what_is_learnt_is_the_answers_with_their_end_marks(tokenizer, data):
    template = data.draw(st.sampled_from([CHATML, LLAMA3, MISTRAL]))
    said = data.draw(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
    turns = _turns(*(text for pair in said for text in pair))
    made = ChatTemplate(tokenizer, template)
    row = made.rows([made.written(turns)])[0]
    learnt = tokenizer.decode([t for t, of_answer in zip(row.ids, row.learned) if of_answer])
    trimmed = template != CHATML
    begin = " " if template == MISTRAL else ""
    answers = [answer.strip() if trimmed else answer for _, answer in said]
    assert learnt == "".join(begin + answer + ENDS[template] for answer in answers)
    whole = tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False)
    assert tokenizer.decode(row.ids) == whole.rstrip("\n")


def test_a_template_that_fails_is_told_in_one_line(tokenizer):
    for template, said in (
        ("{% for m in messages %}", "fails: line 1: Unexpected end"),
        ("{{ messages[0].nothing.at_all }}", "fails: "),
        ("{{ messages[0].content }}", "leaves out turns by assistant"),
    ):
        with pytest.raises(UsageError) as info:
            ChatTemplate(tokenizer, template)
        assert said in str(info.value)
        assert "\n" not in str(info.value)
    made = ChatTemplate(tokenizer, MISTRAL)
    with pytest.raises(UnavailableError, match=r"begins with 'a' cannot be written: .*alternate"):
        made.written(_turns("a", "b", "c", "d")[:1] * 2 + _turns("a", "b"))


def test_a_system_turn_goes_to_the_user_where_there_is_none(tokenizer):
    turns = [{"role": "system", "content": "be kind"}, *_turns("who", "me")]
    assert _marked(tokenizer, MISTRAL, turns) == "<s>[INST] be kind\n\nwho [/INST]{ me</s>}"
    assert "system\nbe kind" in _marked(tokenizer, CHATML, turns)


def test_what_a_tool_gave_is_written_or_refused_by_name(tokenizer):
    turns = [*_turns("who", "call"), {"role": "tool", "content": "7"}, *_turns("", "me")[1:]]
    assert "<|im_start|>tool\n7<|im_end|>" in _marked(tokenizer, CHATML, turns)
    with pytest.raises(AutopeltError, match="has a turn by 'tool', which the chat template"):
        _marked(tokenizer, MISTRAL, turns)
