"""Pods that their owner hands to a scheduler together."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from msgspec import Struct

from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.records import InstanceRef
from kubeinfer_sim.cluster.scheduler.gang import Gang, GangPod
from kubeinfer_sim.cluster.scheduler.pods import Owner


class InstanceGroup(Struct, frozen=True):
    """The PodGroup that a controller makes for the pods of an instance.

    Attributes:
        number: tells it from others of its name, before and after it.
        created: in ms.
    """

    name: str
    number: int
    created: int
    min_member: int


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

    __slots__ = (
        "annotations",
        "cause",
        "group",
        "instance",
        "owner",
        "pods",
        "preempts",
        "prefer",
        "request",
    )

    def __init__(
        self,
        instance: InstanceRef,
        pods: Sequence[Pod],
        cause: int,
        preempts: bool = False,
        owner: Owner | None = None,
        group: InstanceGroup | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        self.instance = instance
        self.pods = pods
        self.cause = cause
        self.preempts = preempts
        self.owner = owner
        self.group = group
        self.annotations = annotations or {}
        self.prefer: Mapping[Any, str] = {}
        # Of a gang the most important pod counts.
        self.request = Gang(
            id(self),
            tuple([GangPod(pod, pod.template, pod.namespace, owner) for pod in pods]),
            max([pod.template.priority for pod in pods], default=0),
            preempts,
        )

    def leave_out(self, placed: Container[Pod]) -> None:
        """These of its pods are not to be placed any more."""
        self.request.pods = tuple(pod for pod in self.request.pods if pod.key not in placed)
