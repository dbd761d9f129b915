"""Tagged words are read from every usual dialect."""

from autopelt.data.conll import read_conll


def _write(folder, name, content):
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_conll_takes_tabs_blanks_documents_and_comments(tmp_path):
    text = "-DOCSTART- -X- O O\n\nEU NNP I-ORG\nrejects VBZ O\n\n\nBonn NNP I-LOC\n"
    table = read_conll([_write(tmp_path, "a.conll", text)], [])
    assert table.columns == {
        "words": [["EU", "rejects"], ["Bonn"]],
        "tags": [["I-ORG", "O"], ["I-LOC"]],
    }
    assert table.lines == [3, 7]
    tabs = _write(tmp_path, "b.conll", "# text = New York\nNew York\tB-LOC\n#\tO\n\t\n# x\n:)\tO\n")
    assert read_conll([tabs], []).columns["words"] == [["New York", "#"], [":)"]]
