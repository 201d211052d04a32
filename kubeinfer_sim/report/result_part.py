"""What the JSON documents, and all their parts, have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from kubeinfer_sim.scenario.model import Configured

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


class ConfiguredPart(Part):
    """What a configuration file gave where the scenario said nothing."""

    file: str
    """As seen from the working directory."""
    facts: list[str]
    """Each with its value, if that fits: `cluster 16x8`."""


class DocumentPart(Part):
    """A whole document; the keys of `may_be_absent` are left out where there is nothing."""

    may_be_absent: ClassVar[tuple[str, ...]] = ("configuration",)

    def to_json(self) -> str:
        """The document as text, ending in a line break; equal documents give equal bytes."""
        absent = {name for name in self.may_be_absent if not getattr(self, name)}
        return self.model_dump_json(by_alias=True, indent=2, exclude=absent) + "\n"

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema (2020-12) of the document."""
        schema = cls.model_json_schema(by_alias=True, mode="serialization")
        absent = {to_camel(name) for name in cls.may_be_absent}
        schema["required"] = [name for name in schema["required"] if name not in absent]
        schema["properties"]["configuration"] = {
            "$ref": "#/$defs/ConfiguredPart",
            "description": "Left out where no configuration file gave anything.",
        }
        title = f"kubeinfer-sim {schema['properties']['kind']['const']}"
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def configured_part(configured: Configured | None) -> ConfiguredPart | None:
    """The part about the configuration; None where there is none."""
    return None if configured is None else ConfiguredPart(file=configured.file, facts=list(configured.facts))
