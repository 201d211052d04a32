"""Fields of Volcano's PodGroups and Queues that are taken and change nothing here, or nothing as its chart ships it.

Source: Volcano v1.15.1: installer/helm/chart/volcano/config/volcano-scheduler.conf (actions and plugins that are on),
pkg/scheduler/plugins/capacity (`parent`, `deserved`), nodegroup (`affinity`), pkg/scheduler/actions/allocate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.register.kinds import VOLCANO_S
from kubeinfer_sim.manifest.register.row import given

_BY_PLUGIN = (
    "has no effect as Volcano's chart ships it ({}); with the plugin {} it would have, which is not simulated"
)
_MESSAGES: Mapping[str, Mapping[str, str]] = {
    "PodGroup": {
        "networkTopology": "not simulated: Volcano keeps the pods within a part of the network, and they stay Pending "
        "where it has no room; here any nodes do",
        "subGroupPolicy": "not simulated: Volcano places groups within the group; here minMember alone counts",
        "minTaskMember": "not simulated: Volcano takes so many pods of each task; here minMember alone counts",
    },
    "Queue": {
        "parent": _BY_PLUGIN.format(
            "queues are in no tree, and a parent's capability limits nobody", "capacity"
        ),
        "deserved": _BY_PLUGIN.format("queues share the cluster by weight", "capacity"),
        "affinity": _BY_PLUGIN.format("any node takes pods of any queue", "nodegroup"),
        "extendClusters": "not simulated: Volcano sends the jobs of the queue to other clusters; here they stay",
    },
}


def unsimulated_fields(value: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Where such fields of an object are written, and what is to be said of each."""
    spec = value.get("spec")
    if value.get("apiVersion") != VOLCANO_S or not isinstance(spec, Mapping):
        return
    for name, message in _MESSAGES.get(str(value.get("kind")), {}).items():
        if given(spec.get(name)) and not (name == "parent" and spec[name] == "root"):
            yield ("spec", name), message
