"""Which edits, by the names that `--vary` has for them, make one document of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubeinfer_sim.testing.fuzz.patch import Edit, Step, edits_between

#: By a field of a scenario, and by one of an object.
_OF_SCENARIOS = {
    "timings": "stages",
    "cluster": "cluster",
    "assumptions": "assumptions",
    "kubernetesVersion": "version",
    "seed": "seed",
}
_OF_OBJECTS = {
    "strategy": "budgets",
    "replicas": "replicas",
    "recoveryPolicy": "recovery",
    "readinessProbe": "probes",
    "livenessProbe": "probes",
    "startupProbe": "probes",
    "terminationGracePeriodSeconds": "grace",
}


def names_of(edits: Sequence[Edit]) -> set[str]:
    """The names of edits that make these differences; what none of them makes has no name."""
    line = [each for each in edits if each.path == ("spec", "actions") and each.what in ("add", "take")]
    names = {name for each in edits if each not in line and (name := _name(each.path))}
    taken = [each.value for each in line if each.what == "take"]
    for added in (each.value for each in line if each.what == "add"):
        before = next((each for each in taken if each.keys() == added.keys()), None)
        if before is None:
            names.add("faults" if "fault" in added else "actions")
        else:  # it has changed its place on the time line, or something in it is otherwise
            taken.remove(before)
            names |= names_of(list(edits_between(_alone(before), _alone(added))))
    return names | ({"actions"} if taken else set())


def _alone(action: Mapping[str, Any]) -> dict[str, Any]:
    return {"spec": {"actions": [action]}}


def _name(path: tuple[Step, ...]) -> str:
    _, field, *inner = (*path, "", "")
    if field in _OF_SCENARIOS:
        return _OF_SCENARIOS[str(field)]
    if field == "actions" and inner[1:2] == ["at"]:
        return "times"
    if field == "actions" and inner[1:2] != ["apply"]:
        return "actions"
    return next((_OF_OBJECTS[str(step)] for step in inner if step in _OF_OBJECTS), "")
