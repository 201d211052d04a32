"""Objects that controllers of other objects would take as their own: they match a selector and nobody controls them.

Source: pkg/controller/controller_ref_manager.go (ClaimPods, ClaimReplicaSets). Not simulated: each stays by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.kubernetes.labels import label_selector, matches_all
from kubeinfer_sim.manifest.model import (
    BarePod,
    DaemonSet,
    Deployment,
    KubeInfer,
    PlainWorkload,
    ReplicaSet,
    StatefulSet,
)

#: What becomes of the owner's other pods.
_INSTEAD = {
    "ReplicaSet": "and makes one pod less",
    "StatefulSet": "as the pod of its ordinal",
    "DaemonSet": "as the pod of its node",
    "Deployment": "as a revision of its own, and scales it down",
}


def warn_of_adoption(workloads: Iterable[KubeInfer | PlainWorkload]) -> Iterator[Diagnostic]:
    """Pods and ReplicaSets that something else in their namespace would adopt, those that come later included."""
    each_once = {(each.kind, each.namespace, each.name): each for each in workloads}.values()
    plain = [each for each in each_once if not isinstance(each, KubeInfer)]
    for orphan in plain:
        owner = next((each for each in plain if _adopts(each, orphan)), None)
        if owner is not None:
            message = (
                f"{orphan.kind} {orphan.name} matches the selector of {owner.kind} {owner.name}, which adopts it in a "
                f"cluster {_INSTEAD[owner.kind]}: not simulated, here it stays by itself"
            )
            where = orphan.source or orphan.name
            yield Diagnostic(where, 0, 0, message, severity=Severity.WARNING, code="adopted")


def _adopts(owner: PlainWorkload, orphan: PlainWorkload) -> bool:
    if owner.namespace != orphan.namespace:
        return False
    match owner, orphan:
        case (ReplicaSet() | DaemonSet(), BarePod()):
            labels = orphan.template.labels
        case (StatefulSet(), BarePod()):
            name, _, ordinal = orphan.name.rpartition("-")
            if name != owner.name or not ordinal.isdecimal():
                return False
            labels = orphan.template.labels
        case (Deployment(), ReplicaSet()):
            labels = orphan.labels
        case _:
            return False
    selector = label_selector((owner.raw.get("spec") or {}).get("selector"))
    return bool(selector) and matches_all(selector or (), labels)
