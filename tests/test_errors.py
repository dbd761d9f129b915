"""Errors say what is wrong, what is allowed, and carry the exit code."""

from autopelt import errors


def test_exit_codes_are_the_documented_ones() -> None:
    codes = {
        errors.UsageError: 2,
        errors.UnavailableError: 3,
        errors.InfeasibleError: 4,
        errors.ReproductionError: 5,
        errors.UnexpectedEndError: 130,
    }
    for kind, code in codes.items():
        assert issubclass(kind, errors.AutopeltError)
        assert kind("x").exit_code == code


def test_did_you_mean_names_the_close_one_and_all() -> None:
    said = errors.did_you_mean("RTEE", ["rte", "demo"])
    assert said == "did you mean 'rte'? Allowed: demo, rte."
    assert errors.did_you_mean("zzz", ["rte", "demo"]) == "Allowed: demo, rte."
