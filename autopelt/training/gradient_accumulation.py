"""A batch that does not fit into memory is trained in two halves whose gradients are summed."""

import math
from collections.abc import Callable, Sequence

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
        self, loss_of: Callable[[Sequence[int]], torch.Tensor], indices: Sequence[int]
    ) -> float:
        """Add the gradients of a batch's mean loss; the gradients must be zero before.

        A half counts by its share of the examples: the same mean as of the whole batch where each
        example has one term; of tokens, a mean of means.

        Args:
            loss_of: mean loss of some examples.
            indices: the batch.

        Returns:
            The loss; not finite where it is not, and then the gradients mean nothing.

        Raises:
            RuntimeError: memory ran out again, with half the batch.
        """
        try:
            return self._backward(loss_of, indices)
        except (RuntimeError, MemoryError) as error:
            if self.parts > 1 or len(indices) < 2 or not out_of_memory(error):
                raise
        # Only here is what the failed pass held free again: the exception held it.
        self.parts = 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        for parameter in self.parameters:
            parameter.grad = None
        return self._backward(loss_of, indices)

    def _backward(
        self, loss_of: Callable[[Sequence[int]], torch.Tensor], indices: Sequence[int]
    ) -> float:
        size, total = math.ceil(len(indices) / self.parts), 0.0
        for start in range(0, len(indices), size):
            part = indices[start : start + size]
            loss, share = loss_of(part), len(part) / len(indices)
            value = float(loss.detach())
            if not math.isfinite(value):
                return value
            (loss if self.parts == 1 else loss * share).backward()
            total += value * share
        return total


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, of a GPU or of the machine."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "can't allocate" in str(error) or "not enough memory" in str(error)
    )
