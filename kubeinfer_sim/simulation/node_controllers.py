"""What has nodes fail, and the controllers that find out, for runs in which a node can be lost or is tainted."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.cluster import Cluster
from kubeinfer_sim.cluster.devices.manager import Devices
from kubeinfer_sim.cluster.node_failures import NodeFailures
from kubeinfer_sim.cluster.nodes.node_lifecycle import NodeLifecycleController, NodeLifecycleSettings
from kubeinfer_sim.cluster.nodes.status_reports import StatusReporter
from kubeinfer_sim.cluster.nodes.taint_eviction import TaintEvictionController
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.scenario.model import Scenario


def node_failures(
    cluster: Cluster, scenario: Scenario, devices: Devices | None
) -> tuple[NodeFailures | None, Sequence[Watcher], TaintEvictionController]:
    """What has nodes fail, the controllers that find out, and of these the one that evicts.

    When their loops began is drawn, since nobody knows. A taint that evicts pods may also be there from the start, with
    no node failing.
    """
    env = cluster.env
    clock, api = env.clock, env.api
    evictions = TaintEvictionController(clock, api)
    if not scenario.loses_nodes:
        return None, (evictions,), evictions
    lifecycle = NodeLifecycleSettings(
        first_pass=int(env.streams.named("node-lifecycle/first-pass").random() * 5_000),
        grace=scenario.node_lifecycle.grace,
    )
    reporter = StatusReporter(clock, api, cluster.kubelet)
    controllers = (NodeLifecycleController(clock, api, lifecycle.for_long), reporter, evictions)
    assert devices is not None
    return NodeFailures(env, cluster.kubelet, reporter, devices), controllers, evictions
