"""What a method does beside the optimiser while its modules are trained; most do nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Upkeep(ABC):
    """Of all modules of one method in one training; the loop calls it around every step."""

    @property
    @abstractmethod
    def settled(self) -> bool:
        """Whether the modules are what will be shipped; only such a state can be the best one."""

    @abstractmethod
    def before_step(self) -> None:
        """Add to the gradients of the loss what the method asks for itself."""

    @abstractmethod
    def after_step(self) -> None:
        """Change weights that the optimiser has just changed; their gradients are still there."""
