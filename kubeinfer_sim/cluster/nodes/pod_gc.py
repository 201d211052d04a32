"""The pod garbage collector: pods that no kubelet will ever take down.

pkg/controller/podgc/gc_controller.go. Every 20 s it removes, without grace, pods whose node has been gone for
40 s, and terminating pods on nodes that are not ready and carry the `out-of-service` taint (whatever its
effect). A pass is carried out only when a change may have given it something to do. Terminated pods beyond
the threshold of 12,500 are not modelled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from msgspec import Struct

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.node import OUT_OF_SERVICE, Node
from kubeinfer_sim.cluster.nodes.passes import pass_from
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock, Phase


class PodGcSettings(Struct, frozen=True):
    """Milliseconds; the period counts from the end of a pass."""

    first_pass: int = 0
    period: int = 20_000
    pass_duration: int = 10
    quarantine: int = 40_000


class PodGarbageCollector(Watcher):
    """The collector.

    `settings` makes its settings, when there is a first pod to collect: what is drawn of them hangs on nothing before.
    """

    def __init__(self, clock: Clock, api: Api, settings: Callable[[], PodGcSettings] = PodGcSettings) -> None:
        self._clock = clock
        self._api = api
        self._make_settings = settings
        self._suspects: dict[str, None] = {}
        self._missing_since: dict[str, int] = {}
        self._passes: set[int] = set()
        self._last_pass = -1

    @cached_property
    def _settings(self) -> PodGcSettings:
        return self._make_settings()

    def node_removed(self, node: Node) -> None:
        """Its pods are orphans now."""
        self._suspect(node.name)

    def node_ready_changed(self, node: Node) -> None:
        """A node that is out of service may be not ready now."""
        self._suspect_out_of_service(node)

    def node_spec_changed(self, node: Node) -> None:
        """A node may be out of service now."""
        self._suspect_out_of_service(node)

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        """A pod may be terminating on a node that is out of service."""
        if pod.node is not None and pod.node.name in self._api.nodes:
            self._suspect_out_of_service(pod.node)

    def pod_bound(self, pod: Pod) -> None:
        """A pod may be bound to a node that is gone."""
        assert pod.node is not None
        if pod.node.name not in self._api.nodes:
            self._suspect(pod.node.name)

    def _suspect_out_of_service(self, node: Node) -> None:
        if self._out_of_service(node):
            self._suspect(node.name)

    @staticmethod
    def _out_of_service(node: Node) -> bool:
        return node.ready != "True" and any(taint.key == OUT_OF_SERVICE for taint in node.taints)

    def _suspect(self, name: str) -> None:
        self._suspects[name] = None
        self._pass_at(max(self._clock.now, self._last_pass + 1))

    def _pass_at(self, earliest: int) -> None:
        when = pass_from(self._settings, earliest)
        if when not in self._passes:
            self._passes.add(when)
            self._clock.at(when, self._collect, phase=Phase.CONTROLLER)

    def _collect(self) -> None:
        """One pass over the nodes under suspicion."""
        now = self._last_pass = self._clock.now
        self._passes.discard(now)
        suspects, self._suspects = self._suspects, {}
        for name in suspects:
            node = self._api.nodes.get(name)
            pods = self._api.pods_on(name)
            if node is not None:
                self._missing_since.pop(name, None)
                if self._out_of_service(node):
                    self._remove([pod for pod in pods if pod.terminating])
            elif pods:
                since = self._missing_since.setdefault(name, now)
                if now > since + self._settings.quarantine:
                    del self._missing_since[name]
                    self._remove(pods)
                else:
                    self._suspects[name] = None
                    self._pass_at(since + self._settings.quarantine + 1)

    def _remove(self, pods: list[Pod]) -> None:
        for pod in pods:
            assert pod.node is not None
            self._api.remove(pod, "PodGC", pod.node.last)
