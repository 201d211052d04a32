"""Runs a case of the node lifecycle with the simulator's own modules and records every write."""

from __future__ import annotations

from typing import Any

from cluster.node_lifecycle.traces import Write

from kubeinfer_sim.cluster.api_nodes import BoundPod, NodeApi, NodeObject, Watcher
from kubeinfer_sim.cluster.nodes.heartbeat import NEVER, Heartbeat, StatusReporter
from kubeinfer_sim.cluster.nodes.node_lifecycle import NodeLifecycleController, NodeLifecycleSettings
from kubeinfer_sim.cluster.nodes.pod_gc import PodGarbageCollector, PodGcSettings
from kubeinfer_sim.cluster.nodes.taint_eviction import TaintEvictionController
from kubeinfer_sim.engine.clock import Clock, Timer
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.model import Taint


class Simulated(Watcher):
    """The cluster around the controllers: pods that stop when told, kubelets that die and come back."""

    def __init__(self, case: dict[str, Any], tolerations: dict[str, tuple[Toleration, ...]]) -> None:
        self.case = case
        self.tolerations = tolerations
        self.log: list[Write] = []
        self.emulated = False
        self.ready: dict[str, bool] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.stopping: dict[BoundPod, Timer] = {}
        self.taints: dict[str, set[Taint]] = {}
        self.clock = Clock()
        self.api = NodeApi()
        self.api.watchers.append(self)
        for row in case["nodes"] or []:
            self.api.add(self.node(row))
        self.log.clear()
        self.controller = NodeLifecycleController(
            self.clock,
            self.api,
            self,
            NodeLifecycleSettings(case["first_tick"], pass_duration=case["pass_ms"]),
        )
        self.reporter = StatusReporter(self.clock, self.api, self)
        TaintEvictionController(self.clock, self.api, self)
        PodGarbageCollector(
            self.clock,
            self.api,
            self,
            PodGcSettings(case["podgc_first"], pass_duration=case["podgc_pass_ms"]),
        )
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

    def node(self, row: dict[str, Any]) -> NodeObject:
        bare = bool(row.get("bare"))
        beat = Heartbeat(
            row.get("lease_phase", 0),
            row.get("status_phase", 0),
            row.get("last_status", 0),
            alive_since=None if row.get("dead_at_start") else NEVER,
        )
        return NodeObject(
            row["name"],
            row.get("zone", ""),
            None if bare else beat,
            not row.get("exclude_disruption"),
            None if bare else "True",
            created=self.clock.now,
        )

    def bind(self, row: dict[str, Any]) -> None:
        self.rows[row["name"]] = row
        self.ready[row["name"]] = True
        self.write("pod_new", row["name"], "", "emu")
        self.api.bind(BoundPod(row["name"], row["node"], self.tolerations[row["tol"]]))

    def alive(self, node: NodeObject | None) -> bool:
        return node is not None and node.heartbeat is not None and node.heartbeat.alive_since is not None

    def stop(self, pod: BoundPod) -> None:
        when = self.clock.now + self.rows[str(pod.key)].get("terminate_ms", 0)
        self.stopping[pod] = self.clock.at(when, self.gone, pod, "emu")

    def gone(self, pod: BoundPod, by: str) -> None:
        self.stopping.pop(pod, None)
        self.write("pod_gone", str(pod.key), "", by)
        self.api.forget(pod)

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
                self.controller.silent(node)
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
                self.api.remove(node.name)

    def change_taints(self, node: NodeObject, add: list[Taint], remove: list[Taint]) -> None:
        self.emulated = True
        self.api.change_taints(node, add, remove)
        self.emulated = False  # nothing may have changed

    # The record of what is written

    def node_added(self, node: NodeObject) -> None:
        self.taints[node.name] = set()
        self.write("node_new", node.name, "", "emu")

    def node_removed(self, node: NodeObject) -> None:
        self.write("node_gone", node.name, "", "emu")

    def ready_changed(self, node: NodeObject) -> None:
        by = "emu" if self.alive(node) and node.ready != "Unknown" else "k8s"
        self.write("ready", node.name, str(node.ready), by)

    def spec_changed(self, node: NodeObject) -> None:
        by, self.emulated = "emu" if self.emulated else "k8s", False
        before, after = self.taints[node.name], set(node.taints)
        for taint in after - before:
            self.write("taint+", node.name, f"{taint.key}:{taint.effect}", by)
        for taint in before - after:
            self.write("taint-", node.name, f"{taint.key}:{taint.effect}", by)
        self.taints[node.name] = after

    # What the controllers do to pods

    def mark_not_ready(self, pod: BoundPod) -> None:
        if self.ready[str(pod.key)]:
            self.ready[str(pod.key)] = False
            self.write("pod_ready", str(pod.key), "False", "k8s")
            self.reporter.overwritten(pod)

    def restore_ready(self, pod: BoundPod) -> None:
        self.ready[str(pod.key)] = True
        self.write("pod_ready", str(pod.key), "True", "emu")

    def delete(self, pod: BoundPod) -> None:
        if not pod.terminating:
            self.write("pod_deleting", str(pod.key), "", "k8s")
            self.api.terminate(pod)
            if self.alive(self.api.nodes.get(pod.node)):
                self.stop(pod)

    def remove(self, pod: BoundPod) -> None:
        timer = self.stopping.pop(pod, None)
        if timer is not None:
            timer.cancel()
        self.gone(pod, "k8s")
