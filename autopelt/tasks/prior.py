"""What is known of the labels before a text is read."""

import math
from collections import Counter
from collections.abc import Iterable


def log_shares(labels: Iterable[int], classes: int) -> list[float]:
    """Logarithm of each class's share, with one more example of each so that none is minus infinity.

    Args:
        labels: indices from 0 to ``classes - 1``.
    """
    counts = Counter(labels)
    total = counts.total() + classes
    return [math.log((counts[index] + 1) / total) for index in range(classes)]
