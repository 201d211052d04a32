"""What the scenario language has of what the cases need; asked of its published schema, so that it is never out of date."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from e2e.scenarios import Written

from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.json_schemas import scenario_json_schema

#: Kinds of objects that a manifest may hold and that are simulated, beside those every case may have.
SIMULATED_KINDS = frozenset(
    {
        "ConfigMap",
        "DaemonSet",
        "HorizontalPodAutoscaler",
        "LimitRange",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Pod",
        "PodGroup",
        "Queue",
        "ReplicaSet",
        "ResourceQuota",
        "RuntimeClass",
        "Secret",
        "StatefulSet",
        "StorageClass",
    }
)


def missing(written: Written) -> Iterator[str]:
    """What a written case needs that is not there, as `action evictPod`."""
    for need in written.needs:
        what, _, name = need.partition(" ")
        there = {
            "action": lambda name: name in _forms()["ActionForm"],
            "field": _has_field,
            "fault": KINDS.__contains__,
            "object": SIMULATED_KINDS.__contains__,
        }[what](name)
        if not there:
            yield need


#: Forms of what an action or a section holds, by the name under which it is written.
_FORM_OF = {
    "crash": "CrashForm",
    "health": "HealthForm",
    "imageFault": "ImageFaultForm",
    "reboot": "RebootForm",
    "spec": "SpecForm",
    "timings": "TimingsForm",
}


def _has_field(name: str) -> bool:
    owner, _, key = name.partition(".")
    return key in _forms()[_FORM_OF[owner]]


@cache
def _forms() -> dict[str, Any]:
    definitions = scenario_json_schema()["$defs"]
    return {name: _properties(form) for name, form in definitions.items()}


def _properties(form: Any) -> Any:
    """Of a form, also one that has a short way of writing it beside."""
    ways = [form, *form.get("anyOf", ())]
    return next((way["properties"] for way in ways if "properties" in way), {})
