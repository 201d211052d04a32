"""The schema of the Kubernetes types a manifest contains, parsed from the table in `schema_table.py`.

It drives decoding, unknown fields, defaults and the stored form, and is what JSON Schema and CRD are made from.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from msgspec import Struct, field

from kubeinfer_sim.manifest.kubernetes.schema_table import TYPES

Kind = Literal[
    "string", "int32", "int64", "bool", "Time", "Quantity", "IntOrString", "FieldsV1", "list", "map", "object"
]
_SCALARS: tuple[Kind, ...] = (
    "string",
    "int32",
    "int64",
    "bool",
    "Time",
    "Quantity",
    "IntOrString",
    "FieldsV1",
)


class Type(Struct, frozen=True, eq=False):
    """A type: a scalar, a list or map of `item`, or an object with `fields`.

    `name` is the Go type's for objects and the kind for others.
    """

    kind: Kind
    name: str
    item: Type | None = None
    fields: dict[str, FieldType] = field(default_factory=dict)


class FieldType(Struct, frozen=True, eq=False):
    """A field of an object.

    Attributes:
        pointer: absent and zero are different: a zero that is written is kept.
        always: written out even when empty.
    """

    type: Type
    pointer: bool = False
    always: bool = False


@cache
def types() -> dict[str, Type]:
    """All object types by name."""
    rows: dict[str, list[str]] = {}
    head = ""
    for line in TYPES.strip().splitlines():
        if line.startswith(" "):
            rows[head].extend(line.split())
        else:
            head, _, rest = line.partition(":")
            rows[head] = rest.split()
    objects = {head.partition("(")[0]: Type("object", head.partition("(")[0]) for head in rows}
    scalars: dict[str, Type] = {kind: Type(kind, kind) for kind in _SCALARS}

    def resolve(text: str) -> Type:
        if text[0] == "[":
            return Type("list", "list", resolve(text[1:-1]))
        if text[0] == "{":
            return Type("map", "map", resolve(text[1:-1]))
        return scalars.get(text) or objects[text]

    for head, fields in rows.items():
        name, _, base = head.rstrip(")").partition("(")
        own = objects[name].fields
        if base:
            own.update(objects[base].fields)
        for entry in fields:
            key, _, text = entry.partition("=")
            bare = text.strip("*!?")
            own[key] = FieldType(resolve(bare), text.startswith("*"), text.endswith("!"))
    return objects
