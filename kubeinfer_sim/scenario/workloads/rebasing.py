"""A change of a Deployment, made from what it was expected to be, of what it is.

They differ in their templates, and only after a rollback: which ReplicaSets there were then is known in the run alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.model import Deployment, WorkloadSpec
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.workloads.manifests import merge_patch, to_yaml


def rebased(change: Apply, current: WorkloadSpec) -> WorkloadSpec:
    """The version that a patch or a restart makes of the `current` one; of other kinds as it is."""
    expected, new = change.before, change.workload
    if not isinstance(expected, Deployment) or expected.revision == current.revision:
        return new
    assert isinstance(new, Deployment)
    assert isinstance(current, Deployment)
    template = current.raw["spec"]["template"]
    patch = _difference(expected.raw["spec"]["template"], new.raw["spec"]["template"])
    raw = {**new.raw, "spec": {**new.raw["spec"], "template": merge_patch(template, patch)}}
    if not patch:
        return replace(new, template=current.template, raw=raw)
    (deployment,) = load_manifest([SourceText(new.source, to_yaml(raw))]).deployments
    return replace(new, template=deployment.template, raw=raw)


def _difference(old: Any, new: Any) -> Any:
    """The JSON merge patch (RFC 7386) that makes `new` of `old`."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    changed = {key: _difference(old.get(key), each) for key, each in new.items() if old.get(key) != each}
    return {**changed, **{key: None for key in old if key not in new}}
