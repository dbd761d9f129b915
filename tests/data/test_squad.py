"""SQuAD's two shapes become the same columns."""

import json

from autopelt.data.squad import read_squad, split_answers


def test_the_file_and_the_hubs_rows_become_the_same_columns(tmp_path):
    answers = [{"text": "cat", "answer_start": 4}, {"text": "the cat", "answer_start": 0}]
    question = {"question": "who ?", "id": "1", "answers": answers}
    article = {"title": "t", "paragraphs": [{"context": "the cat", "qas": [question]}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": [article]}), encoding="utf-8")
    columns = read_squad([path], []).columns
    assert columns["answers"] == [["cat", "the cat"]]
    assert columns["starts"] == [[4, 0]]
    hub = {"answers": [{"text": ["cat", "the cat"], "answer_start": [4, 0]}]}
    assert split_answers(hub) == {"answers": columns["answers"], "starts": columns["starts"]}
    assert split_answers(dict(columns)) == columns
