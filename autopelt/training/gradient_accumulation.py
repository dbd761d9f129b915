"""A batch that does not fit into memory is trained in parts whose gradients are summed."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import torch


class Accumulation:
    """The backward passes of one training.

    Args:
        parameters: what is trained.
        terms: how many terms the mean loss of some examples has: a part counts by its share of
            them, so that gradients are those of the whole batch's mean. Examples where the loss is
            a mean over examples, learned tokens where it is one over tokens: parts of as many
            examples may differ much in these.

    Attributes:
        parts: 1, and twice as many each time that memory ran out.
    """

    def __init__(
        self,
        parameters: Sequence[torch.Tensor],
        terms: Callable[[Sequence[int]], float] = len,
    ) -> None:
        self.parameters, self.terms = parameters, terms
        self.parts = 1

    @property
    def notes(self) -> list[str]:
        """For the user, where there are parts."""
        if self.parts == 1:
            return []
        return [
            f"a batch did not fit into memory: trained in {self.parts} parts with summed gradients "
            "from there on; gradient_checkpointing, a smaller batch_size or max_length avoids it"
        ]

    def backward(
        self,
        losses_of: Callable[[Sequence[int]], Mapping[int, torch.Tensor]],
        indices: Sequence[int],
    ) -> dict[int, float]:
        """Add the gradients of a batch's mean losses; the gradients must be zero before.

        Args:
            losses_of: mean loss of some examples, for each member that is trained.
            indices: the batch.

        Returns:
            The losses; where one is not finite that member's gradients mean nothing.

        Raises:
            RuntimeError: memory ran out with a single example.
        """
        while True:
            try:
                return self._backward(losses_of, indices)
            except (RuntimeError, MemoryError) as error:
                if self.parts >= len(indices) or not out_of_memory(error):
                    raise
            # Only here is what the failed pass held free again: the exception held it.
            self.parts *= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            for parameter in self.parameters:
                parameter.grad = None

    def _backward(
        self,
        losses_of: Callable[[Sequence[int]], Mapping[int, torch.Tensor]],
        indices: Sequence[int],
    ) -> dict[int, float]:
        size = math.ceil(len(indices) / self.parts)
        parts = [indices[start : start + size] for start in range(0, len(indices), size)]
        terms = [self.terms(part) for part in parts] if len(parts) > 1 else [1.0]
        whole = sum(terms)
        totals: dict[int, float] = defaultdict(float)
        for part, count in zip(parts, terms, strict=True):
            if not count and whole:
                continue  # nothing is learned of it, and a mean of nothing is no number
            share = count / whole if whole else 1 / len(parts)
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
