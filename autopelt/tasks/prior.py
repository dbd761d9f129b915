"""What is known of the labels before a text is read."""

import math
from collections import Counter
from collections.abc import Iterable


def log_shares(labels: Iterable[int], classes: int) -> list[float]:
    """Logarithm of each class's share; one more example of each keeps all of them finite.

    Args:
        labels: indices from 0 to ``classes - 1``.
    """
    counts = Counter(labels)
    total = counts.total() + classes
    return [math.log((counts[index] + 1) / total) for index in range(classes)]
