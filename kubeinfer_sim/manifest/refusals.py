"""Which objects of a manifest the API server would not take in the place of those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.kubernetes.field_errors import FieldError
from kubeinfer_sim.manifest.kubernetes.pod_template import read_pod, read_pod_template
from kubeinfer_sim.manifest.kubernetes.rolling_update import VALIDATIONS, read_apps_spec
from kubeinfer_sim.manifest.kubernetes.updates import invalid, update_errors

#: Fields of a spec in the order in which the API server looks whether they go together.
_ORDER = ("template", "strategy", "updateStrategy", "progressDeadlineSeconds")
#: How a kind is updated (a field of its spec), where budgets must go when the type does.
_STRATEGIES = {"Deployment": "strategy", "StatefulSet": "updateStrategy"}


class Refusal(Struct, frozen=True):
    """An object that stays as it was.

    Attributes:
        words: the answer of the API server.
    """

    kind: str
    namespace: str
    name: str
    words: str


def refusals(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> list[Refusal]:
    """Those of the new objects that change what must not change, against old ones of their kind and name.

    Of several versions of one object the last counts.
    """
    before = {_key(each): each for each in old}
    refused = []
    for key, each in {_key(each): each for each in new}.items():
        words = refusal(before[key], each) if key in before else ""
        if words:
            refused.append(Refusal(*key, words))
    return refused


def refusal(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The answer of the API server to an object in the place of another; empty where it takes it.

    Empty, too, where a part of the new one is wrong by itself, which needs no other object to be told.
    """
    errors = _errors(new)
    if not all(each.answer for each in errors):
        return ""
    conflicts = [each.answer for each in sorted(errors, key=lambda each: _ORDER.index(str(each.path[1])))]
    told = [*conflicts, *update_errors(old, new)]
    kind, _, name = _key(new)
    return invalid(kind, name, told) if told else ""


def with_strategy(written: Mapping[str, Any]) -> dict[str, Any]:
    """A valid workload with the whole of its update strategy, as the API server has filled it in."""
    field = _STRATEGIES.get(str(written.get("kind")))
    if field is None:
        return dict(written)
    spec = written["spec"]
    strategy = read_apps_spec(str(written["kind"]), spec, ("spec",)).effective.get(field)
    return {**written, "spec": {**spec, field: strategy}}


def _errors(written: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with an object that owns pods, or is one."""
    kind, spec = written.get("kind"), written.get("spec")
    if not isinstance(spec, Mapping):
        return []
    if kind == "Pod":
        return read_pod({"metadata": {}, "spec": spec}).errors
    if not isinstance(kind, str) or kind not in VALIDATIONS:
        return []
    template = read_pod_template(spec.get("template"), ("spec", "template"))
    return [*template.errors, *read_apps_spec(kind, spec, ("spec",)).errors]


def _key(written: Mapping[str, Any]) -> tuple[str, str, str]:
    metadata = written.get("metadata")
    names = metadata if isinstance(metadata, Mapping) else {}
    return str(written.get("kind")), str(names.get("namespace") or "default"), str(names.get("name") or "")
