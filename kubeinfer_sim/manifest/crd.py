"""A CustomResourceDefinition for KubeInfer with a structural OpenAPI v3 schema.

The vendor's own CRD is not published. This one says what this project takes a KubeInfer to be; it lets a test
cluster (kind, envtest) store and check manifests. Status is left open. Rules for structural schemas:
Kubernetes' documentation, Extend the Kubernetes API with CustomResourceDefinitions.
"""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.manifest.kubeinfer import API_GROUP, API_VERSION, KIND
from kubeinfer_sim.manifest.kubernetes.schema import Type
from kubeinfer_sim.manifest.schema_facts import (
    CONSTRAINTS,
    DESCRIPTIONS,
    FORBIDDEN,
    KEYED,
    NOT_EMPTY,
    OBJECT_NAME,
    ONE_OF,
    QUANTITY,
    REQUIRED,
    kubeinfer_types,
)

_INT_OR_STRING = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}
_SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "bool": {"type": "boolean"},
    "Time": {"type": "string", "format": "date-time", "nullable": True},
    "Quantity": {**_INT_OR_STRING, "pattern": QUANTITY},
    "IntOrString": _INT_OR_STRING,
    "FieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}


def crd() -> dict[str, Any]:
    """The CustomResourceDefinition."""
    plural = f"{KIND.lower()}s"
    schema = _node(kubeinfer_types()["KubeInfer"], "KubeInfer")
    # Of the object's own metadata a CRD may restrict the name and nothing else.
    schema["properties"]["metadata"] = {
        "type": "object",
        "properties": {"name": {"type": "string", **OBJECT_NAME}},
    }
    schema["description"] = DESCRIPTIONS["KubeInfer"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{API_GROUP}"},
        "spec": {
            "group": API_GROUP,
            "scope": "Namespaced",
            "names": {"kind": KIND, "listKind": f"{KIND}List", "plural": plural, "singular": KIND.lower()},
            "versions": [
                {
                    "name": API_VERSION.rpartition("/")[2],
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        _column("Instances", "integer", ".spec.replicas"),
                        _column("Available", "string", '.status.conditions[?(@.type=="Available")].status'),
                        _column(
                            "Updating", "string", '.status.conditions[?(@.type=="UpdateInProgress")].status'
                        ),
                        _column("Age", "date", ".metadata.creationTimestamp"),
                    ],
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


def crd_yaml() -> str:
    """The CustomResourceDefinition as YAML, with a comment that says what it is."""
    import yaml

    class Plain(yaml.SafeDumper):
        """Writes parts that occur twice twice: an API server takes no anchors."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    head = (
        "# KubeInfer as kubeinfer-sim understands it, for test clusters. Not the vendor's CRD, which is not "
        "published.\n# Made by `kubeinfer-sim schema crd`.\n"
    )
    return head + yaml.dump(crd(), Dumper=Plain, sort_keys=False, width=110, allow_unicode=True)


def _column(name: str, type: str, path: str) -> dict[str, str]:
    return {"name": name, "type": type, "jsonPath": path}


def _node(type: Type, name: str) -> dict[str, Any]:
    """The schema of a type; `name` is `Owner.field`, or the type's own name at the root."""
    if type.kind == "list" and type.item is not None:
        node: dict[str, Any] = {"type": "array", "items": _node(type.item, "")}
        if name in KEYED:
            node |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [KEYED[name]]}
    elif type.kind == "map" and type.item is not None:
        node = {"type": "object", "additionalProperties": _node(type.item, "")}
    elif type.kind == "object":
        node = _object(type, name)
    else:
        node = dict(_SCALARS[type.kind])
    node |= CONSTRAINTS.get(name, {})
    if name in NOT_EMPTY:
        node["minItems"] = 1
    if name in DESCRIPTIONS:
        node["description"] = DESCRIPTIONS[name]
    return node


def _object(type: Type, name: str) -> dict[str, Any]:
    properties = {key: _node(field.type, f"{type.name}.{key}") for key, field in type.fields.items()}
    written = [key for key, field in type.fields.items() if field.always and not field.pointer]
    required = sorted({*written, *REQUIRED.get(type.name, ())})
    node: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        node["required"] = required
    if type.name in ONE_OF:
        node["oneOf"] = [{"required": [key]} for key in ONE_OF[type.name]]
    if name.endswith((".livenessProbe", ".startupProbe")):
        node["properties"]["successThreshold"]["maximum"] = 1
    if type.name in FORBIDDEN:
        node["not"] = FORBIDDEN[type.name]
    return node
