"""A search space as written in YAML: which architectures may be built.

A space is a table of rows. Each row is one method at one location (or at several that share one
size), with the sizes it may take (0 = absent) and whether it may carry a gate::

    modules:
      - {method: sequential_adapter, location: ffn, sizes: [0, 6, 12, 24], gate: [false, true]}
      - {method: lora, location: [attention.query, attention.value], sizes: [0, 2, 4, 8]}
      - {method: prompt, location: embeddings, sizes: [0, 10]}
    learning_rate_multiplier: {from: 0.125, to: 8}

`per: layer` (the default) lets every layer choose its own size; `per: model` shares one size among
the layers, of which `layer_switch: true` lets each be switched off as a whole (AutoPEFT's space).
"""

from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from autopelt.architecture.layers import parse_layers
from autopelt.errors import UsageError, did_you_mean
from autopelt.methods import METHODS, named
from autopelt.methods.module import EMBEDDINGS, MAX_SIZE, OPTIONS, PISSA
from autopelt.space.rates import RateRange, Rates
from autopelt.space.variants import Variant, variants_of
from autopelt.system.files import read_text
from autopelt.system.validation_errors import validated
from autopelt.system.yaml import load_yaml

Size = Annotated[int, Field(ge=0, le=MAX_SIZE, strict=True)]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _shown(values: tuple[Any, ...]) -> str:
    return ", ".join(f"{v:g}" if isinstance(v, float) else v for v in values)


class Row(BaseModel):
    """One method at one location, or at several locations that share size and gate.

    Attributes:
        location: places of a layer, or words for several linear maps (`methods.places`).
        alpha, start: of LoRA, see `variants`; of several, one is chosen for the whole row.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    location: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    sizes: Annotated[tuple[Size, ...], Field(min_length=1, max_length=1000)]
    gate: Annotated[
        tuple[Annotated[bool, Field(strict=True)], ...],
        BeforeValidator(_as_list),
        Field(min_length=1),
    ] = (False,)
    per: Literal["layer", "model"] = "layer"
    layers: str | None = None
    alpha: Annotated[
        tuple[Literal["rank", "sqrt"] | Annotated[float, Field(gt=0, le=1000)], ...],
        BeforeValidator(_as_list),
        Field(min_length=1),
    ] = ("rank",)
    start: Annotated[
        tuple[Literal["random", "pissa", "eva"], ...],
        BeforeValidator(_as_list),
        Field(min_length=1),
    ] = ("random",)

    @model_validator(mode="after")
    def _check(self) -> "Row":
        if len(set(self.location)) != len(self.location):
            raise ValueError("a location stands twice")
        if EMBEDDINGS in self.location and len(self.location) > 1:
            raise ValueError(f"'{EMBEDDINGS}' cannot share a row with other locations")
        if list(self.sizes) != sorted(set(self.sizes)):
            raise ValueError(f"sizes {list(self.sizes)} must grow and not repeat")
        if len(set(self.gate)) != len(self.gate):
            raise ValueError("gate is true, false or [false, true]")
        if not named(self.method).size_word and self.sizes[-1] > 1:
            raise ValueError(f"{self.method} has no size: sizes are [0, 1], without and with it")
        own = self.method not in METHODS  # perhaps of a file that is not run yet
        options = set(OPTIONS) if own else named(self.method).options
        if self.alpha != ("rank",) and ("alpha" not in options or any(self.gate)):
            raise ValueError(
                f"alpha: {_shown(self.alpha)} is for methods with a scale and without a gate, "
                "which would replace it"
            )
        if self.start != ("random",) and "start" not in options:
            raise ValueError(f"start: {_shown(self.start)} is for LoRA")
        if PISSA in self.start and any(self.gate):
            raise ValueError(f"start: {PISSA} goes with no gate")
        for name in ("alpha", "start"):
            if len(set(getattr(self, name))) != len(getattr(self, name)):
                raise ValueError(f"{name} repeats a value")
        if self.layers is not None:
            try:
                parse_layers(self.layers)
            except UsageError as error:
                raise ValueError(str(error)) from None
        return self

    @property
    def name(self) -> str:
        """``lora@attention.query+attention.value``."""
        return f"{self.method}@{'+'.join(self.location)}"

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """What may be chosen once for all of its modules."""
        return variants_of(self.alpha, self.start)

    def layers_of(self, count: int) -> tuple[int | None, ...]:
        """The layers of a backbone with `count` layers in which this row may sit."""
        if self.location == (EMBEDDINGS,):
            return (None,)
        if self.layers is None:
            return tuple(range(count))
        wanted = sorted(set(parse_layers(self.layers)))
        if wanted[-1] >= count:
            raise UsageError(
                f"space row {self.name} names layer {wanted[-1]}, but the backbone has layers "
                f"0-{count - 1}."
            )
        return tuple(wanted)


class SearchSpace(BaseModel):
    """A search space, not yet tied to a backbone. Unknown keys are refused, all errors at once.

    Attributes:
        skip_missing: rows and locations that a backbone has no place for are left out; otherwise
            they are an error.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "custom"
    description: str = ""
    modules: Annotated[tuple[Row, ...], Field(min_length=1)]
    layer_switch: Annotated[bool, Field(strict=True)] = False
    skip_missing: Annotated[bool, Field(strict=True)] = False
    learning_rate_multiplier: Rates = (1.0,)

    @model_validator(mode="after")
    def _check(self) -> "SearchSpace":
        seen: dict[tuple[str, str], str] = {}
        for row in self.modules:
            trained = named(row.method).ships_as or row.method
            for location in row.location:
                other = seen.get((trained, location), "")
                if other == row.method:
                    raise ValueError(f"{row.method} at {location} stands in two rows")
                if other:
                    raise ValueError(
                        f"{other} and {row.method} at {location} are both {trained} once they are "
                        "trained"
                    )
                seen[trained, location] = row.method
        if len(set(self.rates)) != len(self.rates):
            raise ValueError("learning_rate_multiplier repeats a value")
        if self.layer_switch and all(row.per == "layer" for row in self.modules):
            raise ValueError("layer_switch needs at least one row with 'per: model'")
        return self

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning-rate multipliers that may be chosen; of a range its grid."""
        offered = self.learning_rate_multiplier
        return offered.grid if isinstance(offered, RateRange) else offered

    def of(self, *, writing: bool) -> "SearchSpace":
        """The space whose rates are those of a decoder that learns to write, or of others."""
        offered = self.learning_rate_multiplier
        if not isinstance(offered, RateRange) or offered.writing is None:
            return self
        return self.model_copy(update={"learning_rate_multiplier": offered.of(writing=writing)})

    @classmethod
    def parse(cls, text: str, source: str = "search space") -> "SearchSpace":
        """Parse YAML.

        Raises:
            UsageError: names every wrong key and value of the file at once.
        """
        value = load_yaml(text, source)
        if not isinstance(value, dict):
            raise UsageError(f"the {source} is not a mapping with the key 'modules'.")
        return validated(cls, value, f"the {source}")

    @classmethod
    def load(cls, name: str) -> "SearchSpace":
        """Load a space that is shipped (``pelt``) or a YAML file."""
        path = Path(name)
        if path.suffix in (".yaml", ".yml") or path.is_file():
            text = read_text(path, f"search space '{name}'")
            return cls.parse(text, f"search space '{name}'")
        shipped = shipped_spaces()
        if name not in shipped:
            raise UsageError(
                f"search space '{name}' is unknown: {did_you_mean(name, shipped)} "
                "Or give a YAML file, see search_spaces/."
            )
        return cls.parse(shipped[name].read_text(encoding="utf-8"), f"search space '{name}'")


def shipped_spaces() -> dict[str, Path]:
    """Name -> file of the spaces that come with the package."""
    folder = Path(str(resources.files("autopelt") / "_search_spaces"))
    if not folder.is_dir():  # a checkout: the wheel holds the same folder under the package
        folder = Path(__file__).resolve().parents[2] / "search_spaces"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
