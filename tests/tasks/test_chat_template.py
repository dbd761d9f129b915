"""Which tokens are answers, against masks made by hand, for templates as decoders have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import byte_level

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
