"""docs/search.md: its program runs as printed."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "search.md"


def test_the_program_of_the_guide_runs(capsys) -> None:
    program = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert program is not None
    names: dict[str, object] = {}
    exec(program[1], names)
    study, space = names["study"], names["space"]
    assert len({t.user_attrs["architecture"] for t in study.trials}) == 8
    assert all(0 < t.values[1] <= space.limit for t in study.trials)
    assert capsys.readouterr().out.count("modules") == len(study.best_trials) > 0
