"""Which pods a Service sends traffic to, and when.

Two components decide: the EndpointSlice controller turns a pod's state into three conditions
(staging/src/k8s.io/endpointslice/utils.go), kube-proxy on each node picks among the endpoints by them
(pkg/proxy/topology.go). Deleting a pod makes its endpoint not ready at once, whatever its readiness probe
says; a Service without any ready endpoint falls back to those that still serve while they terminate.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class EndpointConditions(Struct, frozen=True):
    """The conditions of an endpoint; `ready` is what a Service uses as long as it has any."""

    ready: bool
    serving: bool
    terminating: bool


def conditions(
    *, pod_ready: bool, pod_terminating: bool, publish_not_ready_addresses: bool = False
) -> EndpointConditions:
    """The conditions of a pod's endpoint (podToEndpoint).

    Args:
        pod_ready: the pod's Ready condition.
        pod_terminating: it has a deletion timestamp.
        publish_not_ready_addresses: the Service's field: its endpoints always count as ready.
    """
    return EndpointConditions(
        publish_not_ready_addresses or (pod_ready and not pod_terminating), pod_ready, pod_terminating
    )


class ProxyDelay(Struct, frozen=True):
    """How long a change takes until the nodes' proxies act on it; milliseconds.

    Attributes:
        controller: pod change -> EndpointSlice written and seen by the proxies.
        min_sync_period: shortest time between two rewrites of a node's rules: 1 s with iptables and nftables,
            none with ipvs (pkg/proxy/apis/config/v1alpha1/defaults.go).
    """

    controller: int = 100
    min_sync_period: int = 1_000

    def effective(self, changes: Iterable[int]) -> list[int]:
        """When a proxy's rules follow each of the changes of a Service, given in order of time.

        The first change after a quiet time is followed at once, later ones wait for the period to pass and
        are then followed together (pkg/util/async/bounded_frequency_runner.go, with a burst of one).
        """
        result: list[int] = []
        last: int | None = None
        for change in changes:
            seen = change + self.controller
            if last is None or seen > last:
                last = seen if last is None else max(seen, last + self.min_sync_period)
            result.append(last)
        return result
