"""docs/python.md: its program runs as printed, on MiniLM."""

import re
from pathlib import Path

import torch

import autopelt
from autopelt.backbones.source import resolve

GUIDE = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_program_of_the_guide_runs(tmp_path, capsys):
    program = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL).group(1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        names = {"name": resolve("minilm").path_or_name, "folder": tmp_path}
        exec(program, names)
    finally:
        torch.set_num_threads(threads)
    assert "Count(trained=" in capsys.readouterr().out
    model = names["model"]
    assert autopelt.attached(model) == names["architecture"]
    assert autopelt.count_attached(model).deployed == (
        6 * 4 * 2 * 384 + 2 * (2 * 384 * 16 + 16 + 384 + 385) + 2 * 2 * 8 * 384 + 5 * 384
    )
