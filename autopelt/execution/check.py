"""Does Ray start here?"""

import ray

from autopelt.execution.session import ray_session


def ray_answers(seconds: float = 60.0) -> str:
    """Start a Ray of our own with one worker and ask it something.

    Returns:
        "" where it answers, else why it does not, in one line.
    """
    try:
        with ray_session(workers=1, threads=1):
            answer = ray.get(ray.remote(_double).remote(21), timeout=seconds)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return lines[0][:200]
    return "" if answer == 42 else f"a worker says that twice 21 is {answer}"


def _double(number: int) -> int:
    return 2 * number
