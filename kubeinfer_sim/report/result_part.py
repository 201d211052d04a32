"""What every part of the JSON documents has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

#: (ms, value from then on), times ascending.
Points = list[tuple[int, int]]


class Part(BaseModel):
    """A mapping of a document: camelCase keys, nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )
