"""A slow, obviously right node lifecycle: every lease, status check, monitor pass and taint loop is run.

It follows the sources of the three controllers line by line (pkg/controller/nodelifecycle,
pkg/controller/tainteviction, pkg/controller/podgc of 1.36) and emulates the kubelets around them, as the
recorded traces describe their own emulation. Shares nothing with the simulator but the matching of a taint
and a toleration, and the token bucket.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

from kubeinfer_sim.cluster.rate_limit import TokenBucket
from kubeinfer_sim.manifest.kubernetes.selectors import tolerates
from kubeinfer_sim.manifest.model import Toleration
from kubeinfer_sim.scenario.cluster.model import Taint

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
UNSCHEDULABLE, OUT_OF_SERVICE = "node.kubernetes.io/unschedulable", "node.kubernetes.io/out-of-service"
MANAGED = (NOT_READY, UNREACHABLE, UNSCHEDULABLE)

Tolerations = dict[str, tuple[Toleration, ...]]


@dataclass
class RefNode:
    name: str
    zone: str
    excluded: bool
    bare: bool
    created: int
    lease_phase: int
    status_phase: int
    last_post: int
    alive: bool
    ready: str | None = "True"
    own: str = "True"
    lease: int | None = None
    heartbeat: int = -1
    taints: set[tuple[str, str]] = field(default_factory=set)
    cordoned: bool = False
    came_back: int = -1


@dataclass
class RefPod:
    name: str
    node: str
    tol: str
    terminate_ms: int
    ready: bool = True
    deleting: int | None = None
    stopping: int | None = None


@dataclass
class Health:
    probe: int
    status: str | None
    heartbeat: int
    lease: int | None


class Zone:
    """The queue of nodes waiting for their NoExecute taint."""

    def __init__(self, now: int) -> None:
        self.queue: dict[str, None] = {}
        self.limiter: TokenBucket | None = TokenBucket(0.1, 1, now)

    def swap(self, qps: float, now: int) -> None:
        # client-go's "never" limiter calls its rate 1
        if (1.0 if self.limiter is None else self.limiter.qps) == qps:
            return
        new = TokenBucket(qps, 1, now) if qps > 0 else None
        if not self.accept(now) and new is not None:
            new.try_accept(now)
        self.limiter = new

    def accept(self, now: int) -> bool:
        return self.limiter is not None and self.limiter.try_accept(now)


class Reference:
    """Runs one case and records every write."""

    def __init__(
        self,
        case: dict[str, Any],
        tolerations: Tolerations,
        *,
        grace: int = 50_000,
        startup_grace: int = 60_000,
    ) -> None:
        self.case = case
        self.tolerations = tolerations
        self.grace, self.startup_grace = grace, startup_grace
        self.now = 0
        self.nodes: dict[str, RefNode] = {}
        self.pods: dict[str, RefPod] = {}
        self.log: list[tuple[int, str, str, str, str]] = []
        self.known: set[str] = set()
        self.health: dict[str, Health] = {}
        self.zones: dict[str, Zone] = {}
        self.zone_states: dict[str, str] = {}
        self.timers: dict[str, tuple[int, int]] = {}
        self.no_execute: dict[str, set[tuple[str, str]]] = {}
        self.missing: dict[str, int] = {}
        for row in case["nodes"] or []:
            self.add_node(row, at_start=True)
        for row in case["pods"] or []:
            self.add_pod(row, at_start=True)

    # The clockwork

    def run(self) -> list[tuple[int, str, str, str, str]]:
        case, end = self.case, self.case["end"]
        heap: list[tuple[int, int, int, Any]] = []
        for index, step in enumerate(case["script"] or []):
            heap.append((step["t"], 0, index, step))
        heapq.heapify(heap)
        heapq.heappush(heap, (case["first_tick"], 3, 0, self.monitor_pass))
        heapq.heappush(heap, (0, 4, 0, self.taint_loop))
        heapq.heappush(heap, (case["podgc_first"], 5, 0, self.gc_pass))
        periods = {3: 5000 + case["pass_ms"], 4: 100, 5: 20_000 + case["podgc_pass_ms"]}
        while heap:
            due = min((t for t in (self.next_kubelet(), self.next_pod()) if t is not None), default=None)
            when = heap[0][0] if due is None else min(heap[0][0], due)
            if when >= end:
                break
            self.now = when
            while heap and heap[0][0] == when and heap[0][1] == 0:
                self.act(heapq.heappop(heap)[3])
            self.kubelets()
            self.pod_timers()
            while heap and heap[0][0] == when:
                _, order, _, step = heapq.heappop(heap)
                step()
                heapq.heappush(heap, (when + periods[order], order, 0, step))
        return self.log

    def write(self, kind: str, name: str, value: str, by: str) -> None:
        self.log.append((self.now, kind, name, value, by))

    # The emulated machines

    def next_kubelet(self) -> int | None:
        times = []
        for node in self.nodes.values():
            if node.alive and not node.bare:
                times += [
                    self.now + 1 + (phase - self.now - 1) % 10_000
                    for phase in (node.lease_phase, node.status_phase)
                ]
        return min(times, default=None)

    def next_pod(self) -> int | None:
        times = [fire for _, fire in self.timers.values() if fire > self.now]
        times += [pod.stopping for pod in self.pods.values() if pod.stopping is not None]
        return min(times, default=None)

    def kubelets(self) -> None:
        for node in self.nodes.values():
            if not node.alive or node.bare:
                continue
            if (self.now - node.lease_phase) % 10_000 == 0:
                node.lease = self.now
            if (self.now - node.status_phase) % 10_000 == 0:
                self.status_check(node)

    def status_check(self, node: RefNode) -> None:
        if node.ready != node.own or self.now - node.last_post >= 300_000:
            node.last_post = node.heartbeat = self.now
            self.set_ready(node, node.own, "emu")
        if node.own == "True":
            for pod in self.pods.values():
                if pod.node == node.name and not pod.ready and pod.deleting is None:
                    pod.ready = True
                    self.write("pod_ready", pod.name, "True", "emu")

    def act(self, step: dict[str, Any]) -> None:
        node = self.nodes.get(step.get("node", ""))
        match step["do"]:
            case "create_node":
                self.add_node(step["new_node"])
            case "create_pod":
                self.add_pod(step["pod"])
            case _ if node is None:
                pass
            case "die":
                node.alive = False
                for pod in self.pods.values():
                    if pod.node == node.name:
                        pod.stopping = None
            case "return" if not node.alive:
                node.alive = True
                if step.get("mode") == "restart":
                    node.lease_phase = node.status_phase = self.now
                for pod in self.pods.values():
                    if pod.node == node.name and pod.deleting is not None:
                        pod.stopping = self.now + pod.terminate_ms
            case ("ready_false" | "ready_true") as do:
                node.own = "False" if do == "ready_false" else "True"
                if node.alive:
                    self.status_check(node)
            case "taint_add":
                self.set_taints(node, {(step["key"], step["effect"])}, set(), "emu")
            case "taint_remove":
                self.set_taints(node, set(), {(step["key"], step["effect"])}, "emu")
            case ("cordon" | "uncordon") as do:
                node.cordoned = do == "cordon"
                self.node_event(node)
            case "delete_node":
                del self.nodes[node.name]
                self.no_execute.pop(node.name, None)
                self.write("node_gone", node.name, "", "emu")
                for pod in self.pods.values():
                    if pod.node == node.name:
                        pod.stopping = None

    def add_node(self, row: dict[str, Any], *, at_start: bool = False) -> None:
        bare = bool(row.get("bare"))
        node = RefNode(
            row["name"],
            row.get("zone", ""),
            bool(row.get("exclude_disruption")),
            bare,
            self.now,
            row.get("lease_phase", 0),
            row.get("status_phase", 0),
            row.get("last_status", 0),
            not row.get("dead_at_start"),
            None if bare else "True",
            lease=None if bare else -1,
        )
        self.nodes[node.name] = node
        if not at_start:
            self.write("node_new", node.name, "", "emu")

    def add_pod(self, row: dict[str, Any], *, at_start: bool = False) -> None:
        pod = RefPod(row["name"], row["node"], row["tol"], row.get("terminate_ms", 0))
        self.pods[pod.name] = pod
        if at_start:
            return
        self.write("pod_new", pod.name, "", "emu")
        health = self.health.get(pod.node)
        if pod.node in self.nodes and health is not None and health.status in ("False", "Unknown"):
            self.mark_not_ready(pod)
        if pod.node in self.no_execute:
            self.process_pod(pod, self.no_execute[pod.node])

    def delete_pod(self, pod: RefPod) -> None:
        if pod.deleting is None:
            pod.deleting = self.now
            self.write("pod_deleting", pod.name, "", "k8s")
            node = self.nodes.get(pod.node)
            if node is not None and node.alive:
                pod.stopping = self.now + pod.terminate_ms

    def pod_timers(self) -> None:
        for pod in list(self.pods.values()):
            if pod.stopping is not None and pod.stopping <= self.now:
                self.remove_pod(pod, "emu")
        for name, (_, fire) in list(self.timers.items()):
            if fire <= self.now:
                del self.timers[name]
                self.delete_pod(self.pods[name])

    def remove_pod(self, pod: RefPod, by: str) -> None:
        del self.pods[pod.name]
        self.timers.pop(pod.name, None)
        self.write("pod_gone", pod.name, "", by)

    # Writes to a node, and what watches them

    def set_ready(self, node: RefNode, value: str, by: str) -> None:
        if node.ready != value:
            node.ready = value
            self.write("ready", node.name, value, by)
            self.node_event(node)

    def set_taints(
        self, node: RefNode, add: set[tuple[str, str]], remove: set[tuple[str, str]], by: str
    ) -> None:
        changed = False
        for taint in sorted(add - node.taints):
            node.taints.add(taint)
            self.write("taint+", node.name, ":".join(taint), by)
            changed = True
        for taint in sorted(remove & node.taints):
            node.taints.remove(taint)
            self.write("taint-", node.name, ":".join(taint), by)
            changed = True
        if changed:
            self.node_event(node)

    def node_event(self, node: RefNode) -> None:
        wanted = set()
        if node.ready == "False":
            wanted.add((NOT_READY, "NoSchedule"))
        if node.ready == "Unknown":
            wanted.add((UNREACHABLE, "NoSchedule"))
        if node.cordoned:
            wanted.add((UNSCHEDULABLE, "NoSchedule"))
        managed = {(key, "NoSchedule") for key in MANAGED}
        if node.taints & managed != wanted:
            self.set_taints(node, wanted, managed - wanted, "k8s")
            return
        taints = {taint for taint in node.taints if taint[1] == "NoExecute"}
        if taints == self.no_execute.get(node.name, set()):
            return
        if not taints:
            del self.no_execute[node.name]
        else:
            self.no_execute[node.name] = taints
        for pod in [pod for pod in self.pods.values() if pod.node == node.name]:
            if taints:
                self.process_pod(pod, taints)
            else:
                self.timers.pop(pod.name, None)

    def process_pod(self, pod: RefPod, taints: set[tuple[str, str]]) -> None:
        used: list[Toleration] = []
        for key, effect in taints:
            matching = [t for t in self.tolerations[pod.tol] if tolerates(t, Taint(key, "", effect))]
            if not matching:
                self.timers.pop(pod.name, None)
                self.delete_pod(pod)
                return
            used += matching
        seconds = [t.toleration_seconds for t in used if t.toleration_seconds is not None]
        if not seconds:
            self.timers.pop(pod.name, None)
            return
        delay = max(0, min(seconds)) * 1000
        if pod.name in self.timers:
            if self.timers[pod.name][0] < self.now:
                return
            del self.timers[pod.name]
        if pod.deleting is not None:
            return
        if delay == 0:
            self.delete_pod(pod)
        else:
            self.timers[pod.name] = (self.now, self.now + delay)

    # node lifecycle controller

    def monitor_pass(self) -> None:
        for name, node in self.nodes.items():
            if node.zone not in self.zones:
                self.zones[node.zone] = Zone(self.now)
                self.zone_states.setdefault(node.zone, "Initial")
            if name not in self.known:
                self.known.add(name)
                self.mark_reachable(node)
        self.known &= set(self.nodes)
        conditions: dict[str, list[str | None]] = {}
        for node in list(self.nodes.values()):
            observed, current = self.update_health(node)
            if not node.excluded:
                conditions.setdefault(node.zone, []).append(current)
            if current is None:
                continue
            self.taint_based_eviction(node, current)
            if current != "True" and observed == "True":
                for pod in self.pods.values():
                    if pod.node == node.name:
                        self.mark_not_ready(pod)
        self.handle_disruption(conditions)

    def update_health(self, node: RefNode) -> tuple[str, str | None]:
        health = self.health.get(node.name)
        if node.ready is None:
            observed, grace = "Unknown", self.startup_grace
            if health is None:
                health = Health(node.created // 1000 * 1000, None, node.heartbeat, None)
        else:
            observed, grace = node.ready, self.grace
            if health is None:
                health = Health(self.now, node.ready, node.heartbeat, None)
        saved = health.lease
        if (health.status is None) != (node.ready is None) or health.heartbeat != node.heartbeat:
            # The new record has no lease, so the next pass takes the old lease for a renewal.
            health = Health(self.now, node.ready, node.heartbeat, None)
        if node.lease is not None and (saved is None or saved < node.lease):
            health.lease, health.probe = node.lease, self.now
        self.health[node.name] = health
        if self.now > health.probe + grace and node.ready != "Unknown":
            self.set_ready(node, "Unknown", "k8s")
            health.status = "Unknown"
        return observed, node.ready

    def taint_based_eviction(self, node: RefNode, current: str) -> None:
        if current == "True":
            self.mark_reachable(node)
            return
        add, opposite = (NOT_READY, UNREACHABLE) if current == "False" else (UNREACHABLE, NOT_READY)
        if (opposite, "NoExecute") in node.taints:
            self.set_taints(node, {(add, "NoExecute")}, {(opposite, "NoExecute")}, "k8s")
        elif (add, "NoExecute") not in node.taints:
            self.zones[node.zone].queue[node.name] = None

    def mark_reachable(self, node: RefNode) -> None:
        self.set_taints(node, set(), {(UNREACHABLE, "NoExecute"), (NOT_READY, "NoExecute")}, "k8s")
        self.zones[node.zone].queue.pop(node.name, None)

    def mark_not_ready(self, pod: RefPod) -> None:
        if pod.ready:
            pod.ready = False
            self.write("pod_ready", pod.name, "False", "k8s")

    def handle_disruption(self, conditions: dict[str, list[str | None]]) -> None:
        new = {}
        for zone, found in conditions.items():
            ready = sum(c == "True" for c in found)
            not_ready = len(found) - ready
            if ready == 0:
                new[zone] = "Full"
            elif not_ready > 2 and not_ready / len(found) >= 0.55:
                new[zone] = "Partial"
            else:
                new[zone] = "Normal"
            self.zone_states.setdefault(zone, "Initial")
        all_are = all(state == "Full" for state in new.values())
        self.zone_states = {zone: s for zone, s in self.zone_states.items() if zone in conditions}
        all_were = all(state == "Full" for state in self.zone_states.values())
        if all_are and all_were:
            return
        if all_are:
            for node in self.nodes.values():
                self.mark_reachable(node)
            for zone in self.zone_states:
                self.zones[zone].swap(0, self.now)
                self.zone_states[zone] = "Full"
            return
        if all_were:
            for name in self.nodes:
                self.health[name].probe = self.now
        for zone, state in new.items():
            if all_were or self.zone_states[zone] != state:
                large = len(conditions[zone]) > 50
                self.zones[zone].swap(0.1 if state != "Partial" else 0.01 if large else 0, self.now)
                self.zone_states[zone] = state

    def taint_loop(self) -> None:
        for zone in self.zones.values():
            for name in list(zone.queue):
                if not zone.accept(self.now):
                    break
                del zone.queue[name]
                node = self.nodes.get(name)
                if node is None or node.ready in (None, "True"):
                    continue
                add, opposite = (
                    (NOT_READY, UNREACHABLE) if node.ready == "False" else (UNREACHABLE, NOT_READY)
                )
                self.set_taints(node, {(add, "NoExecute")}, {(opposite, "NoExecute")}, "k8s")

    # pod garbage collector

    def gc_pass(self) -> None:
        for pod in list(self.pods.values()):
            node = self.nodes.get(pod.node)
            out = node is not None and any(key == OUT_OF_SERVICE for key, _ in node.taints)
            if pod.deleting is not None and out and node is not None and node.ready != "True":
                self.remove_pod(pod, "k8s")
        for pod in self.pods.values():
            if pod.node not in self.nodes:
                self.missing.setdefault(pod.node, self.now + 40_000)
        for name, due in list(self.missing.items()):
            if due < self.now:
                del self.missing[name]
                if name not in self.nodes:
                    for pod in [pod for pod in self.pods.values() if pod.node == name]:
                        self.remove_pod(pod, "k8s")
