"""The JSON Schema of a manifest (draft 2020-12), for editors that complete and check while one types.

It is made from the same table of types the loader decodes with, and as strict as a schema can be: unknown
fields, wrong types, ranges and words. What needs more than one field or a lookup (extended resources that
differ, a port used twice) is for `validate`.
"""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.manifest.kubeinfer import API_VERSION, KIND
from kubeinfer_sim.manifest.kubernetes.defaults import DEFAULTS
from kubeinfer_sim.manifest.kubernetes.schema import Type
from kubeinfer_sim.manifest.schema_facts import (
    CONSTRAINTS,
    DESCRIPTIONS,
    FORBIDDEN,
    NOT_EMPTY,
    OBJECT_NAME,
    ONE_OF,
    QUANTITY,
    REQUIRED,
    kubeinfer_types,
)

_SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "int32": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "int64": {"type": "integer"},
    "bool": {"type": "boolean"},
    "Time": {"type": ["string", "null"]},
    "Quantity": {"type": ["string", "number"], "pattern": QUANTITY},
    "IntOrString": {"type": ["integer", "string"]},
    "FieldsV1": {"type": "object"},
}
#: Probes whose successThreshold must be 1 (0 stands for the default, which is 1).
_SINGLE_SUCCESS = ("livenessProbe", "startupProbe")
_SINGLE = "SingleSuccessProbe"


def manifest_json_schema() -> dict[str, Any]:
    """The schema of a file with one KubeInfer in each document."""
    definitions: dict[str, Any] = {}
    _define(kubeinfer_types()["KubeInfer"], definitions)
    probe = definitions["Probe"]
    threshold = {**probe["properties"]["successThreshold"], "maximum": 1}
    definitions[_SINGLE] = {**probe, "properties": {**probe["properties"], "successThreshold": threshold}}
    root = definitions.pop("KubeInfer")
    root["properties"]["apiVersion"] = {"const": API_VERSION}
    root["properties"]["kind"] = {"const": KIND}
    root["properties"]["metadata"] = _object_metadata(definitions)
    definitions["ResourceRequirements"] = _whole_devices(definitions["ResourceRequirements"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{KIND} ({API_VERSION})",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _define(type: Type, definitions: dict[str, Any]) -> None:
    """Add the definition of an object type, and of those it holds."""
    name = type.name
    definition: dict[str, Any] = {"type": "object"}
    definitions[name] = definition
    if name in DESCRIPTIONS:
        definition["description"] = DESCRIPTIONS[name]
    definition["properties"] = {
        key: _field(name, key, field.type, definitions) for key, field in type.fields.items()
    }
    written = [key for key, field in type.fields.items() if field.always and not field.pointer]
    required = sorted({*written, *REQUIRED.get(name, ())})
    if required:
        definition["required"] = required
    if name in ONE_OF:
        definition["oneOf"] = [{"required": [key]} for key in ONE_OF[name]]
    if name in FORBIDDEN:
        definition["not"] = FORBIDDEN[name]
    definition["additionalProperties"] = False


def _field(owner: str, key: str, type: Type, definitions: dict[str, Any]) -> dict[str, Any]:
    name = f"{owner}.{key}"
    node = _node(type, definitions)
    if type.name == "Probe" and key in _SINGLE_SUCCESS:
        node = {"$ref": f"#/$defs/{_SINGLE}"}
    node |= CONSTRAINTS.get(name, {})
    if name in NOT_EMPTY:
        node["minItems"] = 1
    default = DEFAULTS.get(owner, {}).get(key)
    if default is not None and default != {}:
        node.setdefault("default", default)
    if name in DESCRIPTIONS:
        node["description"] = DESCRIPTIONS[name]
    return node


def _node(type: Type, definitions: dict[str, Any]) -> dict[str, Any]:
    if type.kind == "object":
        if type.name not in definitions:
            _define(type, definitions)
        return {"$ref": f"#/$defs/{type.name}"}
    if type.kind == "list" and type.item is not None:
        return {"type": "array", "items": _node(type.item, definitions)}
    if type.kind == "map" and type.item is not None:
        return {"type": "object", "additionalProperties": _node(type.item, definitions)}
    return dict(_SCALARS[type.kind])


def _object_metadata(definitions: dict[str, Any]) -> dict[str, Any]:
    """Metadata of the object itself, which needs a name."""
    properties = {**definitions["ObjectMeta"]["properties"], "name": {"type": "string", **OBJECT_NAME}}
    named = [{"required": ["name"]}, {"required": ["generateName"]}]
    return {"type": "object", "properties": properties, "anyOf": named, "additionalProperties": False}


def _whole_devices(definition: dict[str, Any]) -> dict[str, Any]:
    """Resources of which those that devices and their like extend a node with come whole (IsExtendedResourceName)."""
    whole = {r"^(?![^/]*kubernetes\.io/)[^/]+/": {"type": ["string", "integer"], "pattern": "^[0-9]+$"}}
    properties = {
        key: {**node, "patternProperties": whole} if key in ("limits", "requests") else node
        for key, node in definition["properties"].items()
    }
    return {**definition, "properties": properties}
