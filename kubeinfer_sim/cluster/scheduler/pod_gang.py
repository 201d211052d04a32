"""Pods that their owner hands to a scheduler together."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.records import InstanceRef
from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPod
from kubeinfer_sim.cluster.scheduler.pods import Owner


@dataclass(frozen=True, slots=True)
class InstanceGroup:
    """The PodGroup that a controller makes for the pods of an instance.

    Attributes:
        number: tells it from others of its name, before and after it.
        created: in ms.
    """

    name: str
    number: int
    created: int
    min_member: int


@dataclass(slots=True, eq=False)
class PodGang:
    """Pods of one instance that are placed together.

    Attributes:
        owner: the controller by which kube-scheduler spreads its pods, where there is one.
        preempts: pods of lower priority are evicted where it finds no place.
        group: the PodGroup its controller made; None where it makes none.
        annotations: of the object that made its pods, by which Volcano makes one then.
        prefer: pod -> node to take again if it fits there.
        cause: id of the record that made the gang.
    """

    instance: InstanceRef
    pods: Sequence[Pod]
    cause: int
    preempts: bool = False
    owner: Owner | None = None
    group: InstanceGroup | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    prefer: Mapping[Any, str] = field(default_factory=dict)
    request: Gang = field(init=False)

    def leave_out(self, placed: Container[Pod]) -> None:
        """These of its pods are not to be placed any more."""
        self.request.pods = tuple(pod for pod in self.request.pods if pod.key not in placed)

    def __post_init__(self) -> None:
        # Of a gang the most important pod counts.
        self.request = Gang(
            id(self),
            tuple([GangPod(pod, pod.template, pod.namespace, self.owner) for pod in self.pods]),
            max([pod.template.priority for pod in self.pods], default=0),
            self.preempts,
        )
