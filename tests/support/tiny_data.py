"""Small data sets of each kind, written as the files that a user or a benchmark would have."""

import json
import random
from collections.abc import Callable
from pathlib import Path

from autopelt.tasks import Source, Task, make_task, task_from_files

NAMES = ["Anna Novak", "Berlin", "Ljubljana", "Acme"]


def classification(folder: Path) -> tuple[Task, Source]:
    """Pairs of texts in a CSV; the label is whether they are equal."""
    draw = random.Random(0)
    lines = ["premise,hypothesis,gold"]
    for number in range(60):
        first = f"the cat {number} sat near the old red house"
        same = draw.random() < 0.5
        second = first if same else "nobody knows why she left it"
        lines.append(f'"{first}, it",{second},{"same" if same else "other"}')
    path = folder / "pairs.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return task_from_files(
        str(path), text="premise", text_pair="hypothesis", label="gold"
    ), Source()


def ordinal(folder: Path) -> tuple[Task, Source]:
    """Reviews with one to four stars, more of some than of others."""
    rows = ["text,label"]
    for n in range(60):
        stars = 1 + (n % 7) // 2
        rows.append(f"{'good ' * stars}cat {n},{stars} star{'s' * (stars > 1)}")
    path = folder / "stars.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return task_from_files(str(path), kind="ordinal"), Source()


def regression(folder: Path) -> tuple[Task, Source]:
    """Texts and a number in JSON lines."""
    rows = [{"text": "the cat " * (1 + n % 5) + str(n), "label": 0.5 * (n % 5)} for n in range(50)]
    path = folder / "numbers.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return task_from_files(str(path)), Source()


def multi_label(folder: Path) -> tuple[Task, Source]:
    """Messages with any number of topics, in JSON lines."""
    topics = {"rain": "it rained", "cat": "the cat sat", "flute": "a flute"}
    rows = []
    for n in range(60):
        labels = [name for place, name in enumerate(topics) if (n >> place) & 1]
        said = " and ".join(topics[name] for name in labels) or "nobody knows"
        rows.append({"text": f"{said} {n}", "label": labels})
    path = folder / "topics.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return task_from_files(str(path)), Source()


def token_classification(folder: Path) -> tuple[Task, Source]:
    """Sentences in the CoNLL way; one of them far too long for a model."""
    lines = []
    for number in range(40):
        name = NAMES[number % 4].split()
        tags = ["B-name", "I-name"][: len(name)]
        words = [("the", "O"), *zip(name, tags, strict=True), ("sat", "O"), (str(number), "O")]
        lines += [f"{word}\t{tag}" for word, tag in words * (20 if number == 39 else 1)] + [""]
    path = folder / "names.conll"
    path.write_text("\n".join(lines), encoding="utf-8")
    return task_from_files(str(path)), Source()


def question_answering(folder: Path) -> tuple[Task, Source]:
    """Questions in SQuAD's format; one answer is wrong, and contexts need several windows."""
    data = []
    for article in range(12):
        filler = "the dog did not see it near the mat . " * (article % 4)
        context = f"{filler}Anna Novak works for Acme{article} in Berlin since 1999 . {filler}"
        qas = []
        for question, text in (("where does she work ?", f"Acme{article}"), ("when ?", "1999")):
            start = context.index(text) + (1 if article == 3 and text == "1999" else 0)
            answer = {"text": text, "answer_start": start}
            qas.append({"question": question, "id": f"{article}{text}", "answers": [answer]})
        data.append({"title": f"a{article}", "paragraphs": [{"context": context, "qas": qas}]})
    path = folder / "questions.json"
    path.write_text(json.dumps({"data": data, "version": "1.1"}), encoding="utf-8")
    task = task_from_files(str(path))
    task.max_length = 48
    return task, Source()


def squad2(folder: Path) -> tuple[Task, Source]:
    """Questions in SQuAD 2.0's format: every other one has no answer."""
    data = []
    for article in range(16):
        context = f"Anna Novak works for Acme{article} in Berlin since 1999 ."
        answer = {"text": "Berlin", "answer_start": context.index("Berlin")}
        asked = [("where does she work ?", [answer]), ("why did she leave ?", [])]
        qas = [
            {"question": question, "id": "", "answers": answers, "is_impossible": not answers}
            for question, answers in asked
        ]
        data.append({"title": f"a{article}", "paragraphs": [{"context": context, "qas": qas}]})
    path = folder / "questions2.json"
    path.write_text(json.dumps({"data": data, "version": "v2.0"}), encoding="utf-8")
    return task_from_files(str(path), max_length=64), Source()


def generation(folder: Path) -> tuple[Task, Source]:
    """Two aligned text files."""
    source = [f"the cat {number} sat on the mat" for number in range(40)]
    target = [f"the mat {number}" for number in range(40)]
    for name, lines in (("a.en", source), ("a.sl", target)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    train, aligned = str(folder / "a.en"), str(folder / "a.sl")
    return task_from_files(train, train_target=aligned, max_length=32), Source()


def chat(folder: Path) -> tuple[Task, Source]:
    """Conversations of one or two questions, in JSON lines."""
    rows = []
    for n in range(40):
        turns = [("user", f"where is the cat {n} ?"), ("assistant", f"on the mat {n}")]
        if n % 2:
            turns += [("user", "why ?"), ("assistant", f"because it rained {n} times")]
        if n % 3:
            turns.insert(0, ("system", "the dog knows it"))
        rows.append({"messages": [{"role": role, "content": said} for role, said in turns]})
    path = folder / "chats.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return task_from_files(str(path), max_length=64, score="rougeL"), Source()


def multiple_choice(folder: Path) -> tuple[Task, Source]:
    """COPA in its own layout."""
    (folder / "COPA").mkdir()
    for name, examples in (("train", 40), ("val", 10)):
        rows = [
            {
                "premise": f"the game {n} was lost .",
                "choice1": "it rained again",
                "choice2": f"she left it {n}",
                "question": "cause" if n % 2 else "effect",
                "label": n % 2,
                "idx": n,
            }
            for n in range(examples)
        ]
        text = "\n".join(map(json.dumps, rows))
        (folder / "COPA" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return make_task("copa"), Source(data=folder)


def own_choices(folder: Path) -> tuple[Task, Source]:
    """Questions with two to four choices, of which a letter tells the right one."""
    rows = [
        {
            "question": f"what did the cat {n} see ?",
            "options": [f"the dog {i} {n}" for i in range(2 + n % 3)],
            "answer": "AB"[n % 2],
        }
        for n in range(40)
    ]
    path = folder / "choices.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return task_from_files(str(path)), Source()


def retrieval(folder: Path) -> tuple[Task, Source]:
    """Queries and what fits them; some have texts that do not, and one answer has two queries."""
    rows = []
    for n in range(40):
        row = {"query": f"where is the cat {n} ?", "positive": f"the cat {n} sat on the mat {n}"}
        row["negative"] = f"a dog {n} did not see it" if n % 3 else ""
        rows.append(row)
    rows.append({**rows[7], "query": "who sat on the mat 7 ?"})
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return task_from_files(str(path)), Source()


def demo(folder: Path) -> tuple[Task, Source]:
    """The built-in task."""
    return make_task("demo"), Source(train_examples=100)


MAKERS: dict[str, Callable[[Path], tuple[Task, Source]]] = {
    function.__name__: function
    for function in (
        demo,
        classification,
        ordinal,
        regression,
        multi_label,
        token_classification,
        question_answering,
        squad2,
        generation,
        chat,
        multiple_choice,
        own_choices,
        retrieval,
    )
}
