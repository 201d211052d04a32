"""A change of what can be rolled back, made from what it was expected to be, of what it is.

They differ in their templates, and only after a rollback: which templates were kept then is known in the run alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.model import DaemonSet, Deployment, StatefulSet, WorkloadSpec
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.workloads.manifests import merge_patch, to_yaml

#: What `kubectl rollout undo` takes back to a template that its controller has kept.
KEEPS_TEMPLATES = (Deployment, StatefulSet, DaemonSet)


def rebased(change: Apply, current: WorkloadSpec) -> WorkloadSpec:
    """The version that a patch or a restart makes of the `current` one; of other kinds as it is."""
    expected, new = change.before, change.workload
    if not isinstance(expected, KEEPS_TEMPLATES) or expected.revision == current.revision:
        return new
    assert isinstance(new, KEEPS_TEMPLATES)
    assert isinstance(current, KEEPS_TEMPLATES)
    template = current.raw["spec"]["template"]
    patch = _difference(expected.raw["spec"]["template"], new.raw["spec"]["template"])
    raw = {**new.raw, "spec": {**new.raw["spec"], "template": merge_patch(template, patch)}}
    if not patch:
        return replace(new, template=current.template, raw=raw)
    (read,) = load_manifest([SourceText(new.source, to_yaml(raw))]).plain
    return replace(new, template=read.template, raw=raw)


def _difference(old: Any, new: Any) -> Any:
    """The JSON merge patch (RFC 7386) that makes `new` of `old`."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    changed = {key: _difference(old.get(key), each) for key, each in new.items() if old.get(key) != each}
    return {**changed, **{key: None for key in old if key not in new}}
