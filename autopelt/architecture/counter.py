"""The closed-form parameter count of an architecture."""

from __future__ import annotations

from autopelt.architecture.architecture import Architecture
from autopelt.architecture.budget import Count
from autopelt.methods import METHODS, check
from autopelt.methods.module import Module
from autopelt.methods.shapes import Shapes


class ShapeCounter:
    """Counts parameters in closed form, from shapes alone, without building a model."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes

    def deployed(self, module: Module) -> int:
        """Parameters of one module as shipped; modules are independent, so counts add up.

        Raises:
            UsageError: as of `check`, the method is unknown or cannot sit at this site.
        """
        return check(module, self.shapes).deployed(module, self.shapes)

    def count(self, architecture: Architecture) -> Count:
        """Trained, deployed and backbone parameters. Raises UsageError as `check` does."""
        backbone = self.shapes.backbone_parameters
        by_method: dict[str, list[Module]] = {}
        deployed = 0
        for module in architecture.modules:
            deployed += self.deployed(module)
            by_method.setdefault(module.method, []).append(module)
        trained = sum(
            METHODS[name].trained(group, self.shapes) for name, group in by_method.items()
        )
        base = backbone if architecture.full else 0
        return Count(trained=base + trained, deployed=base + deployed, backbone=backbone)
