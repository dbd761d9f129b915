"""Values of configuration files that people write as text, like ``1%`` or ``30m``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from autopelt.errors import UsageError

_NAMES = {str: "string", int: "integer", float: "number"}


@dataclass(frozen=True)
class Written:
    """Beside a field's type: it is read by `parse`, which raises UsageError, and written by `str`.

    Attributes:
        parse: from text to a value of the field's type.
        wanted: completes "must be …" where a file holds something else than `plain`.
        plain: what a file may hold; numbers are read as the text that they are written with.
    """

    parse: Callable[[str], Any]
    wanted: str
    plain: tuple[type, ...] = (str,)

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Values of the type itself pass; see pydantic's documentation of custom types."""

        def read(value: Any) -> Any:
            if isinstance(value, kind):
                return value
            if isinstance(value, bool) or not isinstance(value, self.plain):
                raise ValueError(f"must be {self.wanted}")
            try:
                return self.parse(str(value))
            except UsageError as error:
                raise ValueError(str(error)) from None

        return core_schema.no_info_plain_validator_function(
            read, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """What a file may hold."""
        return {"type": [_NAMES[each] for each in self.plain]}
