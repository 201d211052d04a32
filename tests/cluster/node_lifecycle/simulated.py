"""Runs a case of the node lifecycle with the simulator's own modules and records every write."""

from __future__ import annotations

from typing import Any

from cluster.bare_pods import Idle, bare_pod
from cluster.node_lifecycle.traces import Write

from kubeinfer_sim.cluster.api import Api
from kubeinfer_sim.cluster.heartbeat import NEVER, Heartbeat
from kubeinfer_sim.cluster.node import EXCLUDE_LABEL, ZONE_LABEL, Node
from kubeinfer_sim.cluster.nodes.node_lifecycle import NodeLifecycleController, NodeLifecycleSettings
from kubeinfer_sim.cluster.nodes.pod_gc import PodGarbageCollector, PodGcSettings
from kubeinfer_sim.cluster.nodes.status_reports import StatusReporter
from kubeinfer_sim.cluster.nodes.taint_eviction import TaintEvictionController
from kubeinfer_sim.cluster.pod import Pod, PodState
from kubeinfer_sim.cluster.watcher import Watcher
from kubeinfer_sim.engine.clock import Clock, Timer
from kubeinfer_sim.engine.history import NO_CAUSE, History
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import NodeSpec, Taint


class Simulated(Watcher, Idle):
    """The cluster around the controllers: pods that stop when told, kubelets that die and come back.

    It stands for the pods' kubelets as well as for what owns them.
    """

    def __init__(self, case: dict[str, Any], tolerations: dict[str, tuple[Toleration, ...]]) -> None:
        self.case = case
        self.tolerations = tolerations
        self.log: list[Write] = []
        self.emulated = False
        self.rows: dict[str, dict[str, Any]] = {}
        self.stopping: dict[Pod, Timer] = {}
        self.nodes: dict[str, Node] = {}  # those that are gone, too
        self.taints: dict[str, set[Taint]] = {}
        self.clock = Clock()
        self.api = Api(self.clock, History())
        self.api.watch(self)
        for row in case["nodes"] or []:
            self.api.add(self.node(row))
        self.log.clear()
        self.controller = NodeLifecycleController(
            self.clock,
            self.api,
            NodeLifecycleSettings(case["first_tick"], pass_duration=case["pass_ms"]),
        )
        self.reporter = StatusReporter(self.clock, self.api, self)
        taint_eviction = TaintEvictionController(self.clock, self.api)
        pod_gc = PodGarbageCollector(
            self.clock,
            self.api,
            lambda: PodGcSettings(case["podgc_first"], pass_duration=case["podgc_pass_ms"]),
        )
        self.api.watch(self, self.controller, self.reporter, taint_eviction, pod_gc)
        for row in case["pods"] or []:
            self.bind(row)
        self.log.clear()
        for step in case["script"] or []:
            self.clock.at(step["t"], self.act, step)

    def run(self) -> list[Write]:
        self.clock.run(until=self.case["end"] - 1)
        return self.log

    def write(self, kind: str, name: str, value: str, by: str) -> None:
        self.log.append((self.clock.now, kind, name, value, by))

    # Machines

    def node(self, row: dict[str, Any]) -> Node:
        bare = bool(row.get("bare"))
        beat = Heartbeat(
            row.get("lease_phase", 0),
            row.get("status_phase", 0),
            row.get("last_status", 0),
            alive_since=None if row.get("dead_at_start") else NEVER,
        )
        labels = {ZONE_LABEL: row.get("zone", "")}
        if row.get("exclude_disruption"):
            labels[EXCLUDE_LABEL] = ""
        return Node(
            NodeSpec(row["name"], "", {}, labels),
            None if bare else beat,
            ready=None if bare else "True",
            created=self.clock.now,
        )

    def bind(self, row: dict[str, Any]) -> None:
        self.rows[row["name"]] = row
        self.write("pod_new", row["name"], "", "emu")
        pod = bare_pod(self, row["name"], self.tolerations[row["tol"]])
        pod.ready = True
        self.api.bind(pod, self.nodes[row["node"]], running=True)

    def alive(self, node: Node | None) -> bool:
        return node is not None and node.heartbeat is not None and node.heartbeat.alive_since is not None

    def stop(self, pod: Pod) -> None:
        when = self.clock.now + self.rows[pod.ref.role].get("terminate_ms", 0)
        self.stopping[pod] = self.clock.at(when, self.api.gone, pod)

    def freeze(self, name: str) -> None:
        for pod in self.api.pods_on(name):
            timer = self.stopping.pop(pod, None)
            if timer is not None:
                timer.cancel()

    def act(self, step: dict[str, Any]) -> None:
        node = self.api.nodes.get(step.get("node", ""))
        match step["do"]:
            case "create_node":
                self.api.add(self.node(step["new_node"]))
            case "create_pod":
                self.bind(step["pod"])
            case _ if node is None:
                pass
            case "die":
                self.freeze(node.name)
                self.reporter.silent(node)
            case "return" if not self.alive(node):
                self.reporter.back(node, restarted=step.get("mode") == "restart")
                for pod in self.api.pods_on(node.name):
                    if pod.terminating:
                        self.stop(pod)
            case ("ready_false" | "ready_true") as do:
                self.reporter.becomes(node, ready=do == "ready_true")
            case "taint_add":
                self.change_taints(node, [Taint(step["key"], "", step["effect"])], [])
            case "taint_remove":
                self.change_taints(node, [], [Taint(step["key"], "", step["effect"])])
            case ("cordon" | "uncordon") as do:
                self.api.cordon(node, do == "cordon")
            case "delete_node":
                self.freeze(node.name)
                self.api.remove_node(node.name)

    def change_taints(self, node: Node, add: list[Taint], remove: list[Taint]) -> None:
        self.emulated = True
        self.api.change_taints(node, add, remove)
        self.emulated = False  # nothing may have changed

    # The record of what is written

    def node_added(self, node: Node) -> None:
        self.nodes[node.name] = node
        self.taints[node.name] = set()
        self.write("node_new", node.name, "", "emu")

    def node_removed(self, node: Node) -> None:
        self.write("node_gone", node.name, "", "emu")

    def node_ready_changed(self, node: Node) -> None:
        by = "emu" if self.alive(node) and node.ready != "Unknown" else "k8s"
        self.write("ready", node.name, str(node.ready), by)

    def node_spec_changed(self, node: Node) -> None:
        by, self.emulated = "emu" if self.emulated else "k8s", False
        before, after = self.taints[node.name], set(node.taints)
        for taint in after - before:
            self.write("taint+", node.name, f"{taint.key}:{taint.effect}", by)
        for taint in before - after:
            self.write("taint-", node.name, f"{taint.key}:{taint.effect}", by)
        self.taints[node.name] = after

    # What the controllers do to pods

    def pod_unready(self, pod: Pod, reason: str) -> None:
        self.write("pod_ready", pod.ref.role, "False", "k8s")

    def restore_ready(self, pod: Pod) -> None:
        pod.overruled = False
        self.api.ready(pod)
        self.write("pod_ready", pod.ref.role, "True", "emu")

    def evict(self, pod: Pod, reason: str, cause: int, grace: int | None = None) -> None:
        self.write("pod_deleting", pod.ref.role, "", "k8s")
        self.api.delete(pod, reason, NO_CAUSE, grace=grace)

    def pod_terminating(self, pod: Pod, reason: str, cause: int) -> None:
        assert pod.node is not None
        pod.state = PodState.DELETING
        if self.alive(self.api.nodes.get(pod.node.name)):
            self.stop(pod)

    def pod_removed(self, pod: Pod) -> None:
        timer = self.stopping.pop(pod, None)
        if timer is not None:
            timer.cancel()
        self.write("pod_gone", pod.ref.role, "", "k8s")

    def pod_gone(self, pod: Pod) -> None:
        if self.stopping.pop(pod, None) is not None:
            self.write("pod_gone", pod.ref.role, "", "emu")
