"""The pods of KubeInfers by their places, for faults that strike one pod again and again."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.manifest.model import KINDS_WITH_ROLES
from kubeinfer_sim.scenario.actions.model import Target

#: Ordinal of the instance, role, replica.
Place = tuple[int, str, int]


class PodsByPlace(Watcher):
    """Those that are bound and not gone."""

    def __init__(self) -> None:
        self._at: dict[Place, dict[Pod, None]] = {}

    def pod_bound(self, pod: Pod) -> None:
        """The pod is bound to its node."""
        if pod.ref.instance.has_roles:
            self._at.setdefault(_place(pod), {})[pod] = None

    def pod_gone(self, pod: Pod) -> None:
        """Its object is gone."""
        self._at.get(_place(pod), {}).pop(pod, None)

    def find(self, target: Target) -> Iterable[Pod] | None:
        """Those that a target of just one place may mean; None: it means another place, or more than one."""
        if target.kind not in KINDS_WITH_ROLES or not (
            len(target.instances) == len(target.roles) == len(target.pods) == 1
        ):
            return None
        return self._at.get((target.instances[0], target.roles[0], target.pods[0]), ())


def _place(pod: Pod) -> Place:
    return pod.ref.instance.ordinal, pod.ref.role, pod.ref.replica
