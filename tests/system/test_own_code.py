"""A user's Python file is run as it is; what goes wrong in it is told in one line."""

import pytest

from autopelt.errors import UnavailableError, UsageError
from autopelt.system.own_code import RUN_NAME, content_hash, own_error, run_file


def _file(folder, text):
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_a_file_defines_is_given_back(tmp_path):
    defined = run_file(_file(tmp_path, "X = 3\ndef twice(n):\n    return X * 2 * n\n"))
    assert defined["twice"](2) == 12
    assert defined["twice"].__module__ == RUN_NAME


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n\n1 / 0\n", "line 3: ZeroDivisionError: division by zero."),
        ("import nowhere_at_all\n", "line 1: ModuleNotFoundError: "),
        ("x = 1\nraise SystemExit(3)\n", "line 2: SystemExit: 3."),
        ("x = 1\ndef f(:\n", "line 2: SyntaxError: "),
    ],
)
def test_an_error_is_one_line_with_the_line_of_the_file(tmp_path, text, says):
    path = _file(tmp_path, text)
    with pytest.raises(UsageError) as error:
        run_file(path)
    assert str(error.value).startswith(f"'{path}', {says}")
    assert "\n" not in str(error.value)


def test_the_last_line_of_the_file_itself_is_named(tmp_path):
    path = _file(tmp_path, "import json\ndef f():\n    return json.loads('{')\n")
    with pytest.raises(ValueError) as error:  # noqa: PT011 - whatever json raises
        run_file(path)["f"]()
    assert f"'{path}', line 3: JSONDecodeError: " in str(own_error(path, error.value))


def test_a_hash_is_of_the_content(tmp_path):
    path = _file(tmp_path, "x = 1\n")
    first = content_hash(path, "a score", "score")
    assert first == content_hash(path, "a score", "score")
    assert content_hash(_file(tmp_path, "x = 2\n"), "a score", "score") != first
    with pytest.raises(UnavailableError, match="with a score of your own cannot be read"):
        content_hash(str(tmp_path / "gone.py"), "a score", "score")
