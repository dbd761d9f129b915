"""Tagged words are read from every usual dialect."""

import pytest

from autopelt.data.conll import parse, read_conll, with_tags
from autopelt.errors import UnavailableError


def _write(folder, name, content):
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_conll_takes_tabs_blanks_documents_and_comments(tmp_path):
    text = "-DOCSTART- -X- O O\n\nEU NNP I-ORG\nrejects VBZ O\n\n\nBonn NNP I-LOC\n"
    table = read_conll([_write(tmp_path, "a.conll", text)], [])
    assert table.columns["words"] == [["EU", "rejects"], ["Bonn"]]
    assert table.columns["tags"] == table.columns["3"] == [["I-ORG", "O"], ["I-LOC"]]
    assert table.columns["2"] == [["NNP", "VBZ"], ["NNP"]]
    assert table.lines == [3, 7]
    tabs = _write(tmp_path, "b.conll", "# text = New York\nNew York\tB-LOC\n#\tO\n\t\n# x\n:)\tO\n")
    assert read_conll([tabs], []).columns["words"] == [["New York", "#"], [":)"]]


UNIVERSAL = """# sent_id = 1
# text = Du Bois, # 1
1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_
1\tdu\tde\tADP\tP\t_\t2\tcase\t_\tSpaceAfter=No
2\tBois\tBois\tPROPN\tNPP\t_\t0\troot\t_\tNER=B-LOC|x=y
2.1\tx\t_\t_\t_\t_\t_\t_\t_\t_

1\t#\t#\tSYM\tS\t_\t0\troot\t_\t_
"""


def test_the_fields_of_conll_u_have_their_names(tmp_path):
    table = read_conll([_write(tmp_path, "a.conllu", UNIVERSAL)], [])
    assert table.columns["words"] == [["du", "Bois"], ["#"]]
    assert table.columns["upos"] == [["ADP", "PROPN"], ["SYM"]]
    assert table.columns["xpos"] == [["P", "NPP"], ["S"]]
    assert table.columns["misc:NER"] == [["O", "B-LOC"], ["O"]]
    assert "tags" not in table.columns
    assert table.lines == [4, 8]


def test_most_lines_tell_the_separator_and_the_others_are_named(tmp_path):
    notes = []
    text = "the O\ncat\tB-x\n\nit O\n# O\n\n" + "dogs O\nran O\n\n" * 5
    table = read_conll([_write(tmp_path, "a.conll", text)], notes)
    assert table.columns["words"][:2] == [["the", "cat"], ["it", "#"]]
    assert notes == ["'a.conll': blanks separate fields, but 1 of 13 lines have a tab: 2."]
    with pytest.raises(UnavailableError, match=r"line 3 has 3 fields \('New York B-x'\), but most"):
        read_conll([_write(tmp_path, "b.conll", "a O\nb O\nNew York B-x\n")], [])


def test_numbers_of_words_are_not_words(tmp_path):
    table = read_conll([_write(tmp_path, "a.conll", "1 the O\n2 cat B-x\n\n1 it O\n")], [])
    assert table.columns["words"] == [["the", "cat"], ["it"]]


def test_words_alone_have_no_tags(tmp_path):
    path = _write(tmp_path, "a.conll", "the\ncat\n\nit\n")
    table = read_conll([path], [])
    assert table.columns == {"words": [["the", "cat"], ["it"]]}
    assert "a word and its tag" in str(table.missing("tags"))


def test_tags_are_written_where_their_words_stand(tmp_path):
    text = "-DOCSTART-\n\n# a comment of it\nthe\ncat\n\n\n\nit\n"
    parsed = parse(_write(tmp_path, "a.conll", text), [])
    written = with_tags(parsed, [["O", "B-x"], ["O"]])
    assert written == "-DOCSTART-\n\n# a comment of it\nthe\tO\ncat\tB-x\n\n\n\nit\tO\n"
