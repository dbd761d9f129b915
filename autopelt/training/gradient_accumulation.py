"""A batch that does not fit into memory is trained in two halves whose gradients are summed."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import torch

NOTE = (
    "a batch did not fit into memory: trained in two halves with summed gradients from there on; "
    "a smaller batch_size or max_length avoids it"
)


class Accumulation:
    """The backward passes of one training.

    Attributes:
        parameters: what is trained.
        parts: 1, or 2 once memory ran out.
    """

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        self.parameters = parameters
        self.parts = 1

    def backward(
        self,
        losses_of: Callable[[Sequence[int]], Mapping[int, torch.Tensor]],
        indices: Sequence[int],
    ) -> dict[int, float]:
        """Add the gradients of a batch's mean losses; the gradients must be zero before.

        A half counts by its share of the examples: the same mean as of the whole batch where each
        example has one term; of tokens, a mean of means.

        Args:
            losses_of: mean loss of some examples, for each member that is trained.
            indices: the batch.

        Returns:
            The losses; where one is not finite that member's gradients mean nothing.

        Raises:
            RuntimeError: memory ran out again, with half the batch.
        """
        try:
            return self._backward(losses_of, indices)
        except (RuntimeError, MemoryError) as error:
            if self.parts > 1 or len(indices) < 2 or not out_of_memory(error):
                raise
        # Only here is what the failed pass held free again: the exception held it.
        self.parts = 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        for parameter in self.parameters:
            parameter.grad = None
        return self._backward(losses_of, indices)

    def _backward(
        self,
        losses_of: Callable[[Sequence[int]], Mapping[int, torch.Tensor]],
        indices: Sequence[int],
    ) -> dict[int, float]:
        size = math.ceil(len(indices) / self.parts)
        totals: dict[int, float] = defaultdict(float)
        for start in range(0, len(indices), size):
            part = indices[start : start + size]
            share = len(part) / len(indices)
            finite = []
            for number, loss in losses_of(part).items():
                totals[number] += float(loss.detach()) * share
                if math.isfinite(totals[number]):
                    finite.append(loss)
            if not finite:
                break
            (reduce(torch.add, finite) * share).backward()
        return totals


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, of a GPU or of the machine."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "can't allocate" in str(error) or "not enough memory" in str(error)
    )
