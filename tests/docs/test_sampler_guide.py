"""docs/sampler.md: its programs run as printed, one after the other."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "sampler.md"


def test_the_programs_of_the_guide_run(capsys) -> None:
    ordinary, own_acquisition = re.findall(
        r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL
    )
    names: dict[str, object] = {}
    exec(ordinary, names)
    study, space = names["study"], names["space"]
    assert len({t.user_attrs["architecture"] for t in study.trials}) == 8
    assert all(0 < t.values[1] <= space.limit for t in study.trials)
    assert capsys.readouterr().out.count("modules") == len(study.best_trials) > 0
    exec(own_acquisition, names)
    assert len(names["study"].trials) == 6
    believed = names["sampler"].belief(5)
    assert believed["acquisition"] > believed["mean"]
    assert str(believed) in capsys.readouterr().out
