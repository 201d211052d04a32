"""Plays a case of `golden_deployment` against the simulator's own controllers and records what shows.

Around them stands what the traces' emulation had: pods that get a node at once (or while there are slots),
are Running and Ready after their load time, and are gone some time after they are deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import field
from msgspec.structs import astuple, replace

from kubeinfer_sim.controllers.deployment.controller import DeploymentController
from kubeinfer_sim.controllers.deployment.replica_pod import ReplicaPod
from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.engine.clock import Clock, Phase
from kubeinfer_sim.manifest.kubernetes.intstr import parse_int_or_percent
from kubeinfer_sim.manifest.model import Container, Deployment, PodTemplate, RollingUpdate

Row = list[Any]


def template(revision: int) -> PodTemplate:
    return PodTemplate(containers=(Container("c", "image"),), raw={"revision": revision})


def deployment(spec: dict[str, Any], replicas: int) -> Deployment:
    budgets = RollingUpdate()
    if spec["strategy"] == "RollingUpdate":
        budgets = RollingUpdate(
            parse_int_or_percent(spec["maxSurge"]), parse_int_or_percent(spec["maxUnavailable"])
        )
    return Deployment(
        "web",
        template(1),
        replicas=replicas,
        strategy=spec["strategy"],
        rolling_update=budgets,
        min_ready_seconds=spec["minReadySeconds"],
        progress_deadline_seconds=spec["progressDeadlineSeconds"],
        revision_history_limit=spec["revisionHistoryLimit"],
    )


class EmulatedPod(ReplicaPod):
    """A pod and the times the trace tells of it."""

    replica_set: ReplicaSet | None = None
    load: int | None = None
    times: list[int | None] = field(default_factory=list)
    flapped: bool = False

    @property
    def revision(self) -> int:
        assert self.replica_set is not None
        return int(self.replica_set.spec.template.raw["revision"])


class Simulated:
    """The API, scheduler and kubelets of one case."""

    def __init__(
        self, case: dict[str, Any], controller: type[DeploymentController] = DeploymentController
    ) -> None:
        self.case = case
        self.clock = Clock()
        self.pods: list[EmulatedPod] = []
        self.with_node = 0
        self.made: dict[int, int] = {}
        self.rows: list[Row] = []
        self.round: tuple[int, ReplicaSet, int] | None = None
        self.downs: list[tuple[int, int, int, list[int]]] = []
        create = case["actions"][0]
        assert (create["op"], create["t_ms"]) == ("create", 0)
        #: Sizes given to ReplicaSets, pods made and deleted, in order.
        self.deeds: list[tuple[int, str, int, int]] = []
        self.controller = controller(
            self.clock, self, deployment(case["spec"], create["replicas"]), scaled=self.scaled
        )
        self.controller.start()
        for action in case["actions"][1:]:
            self.clock.at(action["t_ms"], self.act, action, phase=Phase.ACTION)

    def run(self) -> Simulated:
        end = self.case["end_t_ms"]
        while (due := self.clock.next_at()) is not None and due <= end:
            self.clock.run(due)
            row = self.row()
            if not self.rows or row != self.rows[-1][1:]:
                self.rows.append([due, *row])
        return self

    def row(self) -> Row:
        sets = []
        for each in self.controller.replica_sets:
            revision = each.spec.template.raw["revision"]
            numbers = [each.replicas, each.active, each.ready, each.status.available, each.terminating]
            sets.append([revision, *numbers])
        status = self.controller.status
        available = None if status.available is None else "FT"[status.available]
        condition = status.progressing
        progressing = condition and f"{condition.status[0]}:{condition.reason}"
        return [sorted(sets), [*astuple(status.counts)], available, progressing]

    # What the script does

    def act(self, action: dict[str, Any]) -> None:
        spec = self.controller.spec
        match action["op"]:
            case "template":
                spec = replace(spec, template=template(action["rev"]))
            case "scale":
                spec = replace(spec, replicas=action["replicas"])
            case "set":
                spec = replace(spec, template=template(action["rev"]), replicas=action["replicas"])
            case "pause" | "resume" as op:
                spec = replace(spec, paused=op == "pause")
            case "unready":
                for pod in self.chosen(action, [pod for pod in self.pods if pod.ready]):
                    pod.flapped = True
                    self.controller.pod_unready(pod.replica_set, pod)
            case "ready":
                for pod in self.chosen(action, [pod for pod in self.pods if pod.flapped]):
                    pod.flapped = False
                    self.controller.pod_ready(pod.replica_set, pod)
        self.controller.apply(spec)

    @staticmethod
    def chosen(action: dict[str, Any], pods: list[EmulatedPod]) -> list[EmulatedPod]:
        pods = [pod for pod in pods if pod.revision == action["rev"] and not pod.deleting]
        if "index" not in action:
            return pods
        return [pods[index] for index in action["index"] if -len(pods) <= index < len(pods)]

    def scaled(self, replica_set: ReplicaSet, before: int) -> None:
        self.deeds.append((self.clock.now, "scaled", replica_set.number, replica_set.replicas))

    # PodControl

    def create(self, replica_set: ReplicaSet) -> ReplicaPod:
        now = self.clock.now
        pod = EmulatedPod(len(self.pods) + 1, now - now % 1000)
        pod.replica_set = replica_set
        self.deeds.append((now, "created", replica_set.number, pod.number))
        index = self.made[pod.revision] = self.made.get(pod.revision, -1) + 1
        loads = self.case["env"]["load_s"][str(pod.revision)]
        load = loads[index % len(loads)] if isinstance(loads, list) else loads
        pod.load = None if load == "never" else round(load * 1000)
        pod.times = [now, None, None, None, None]
        self.pods.append(pod)
        self.clock.after(0, self.schedule, phase=Phase.SCHEDULER)
        return pod

    def refresh(self, pods: Iterable[ReplicaPod]) -> None:
        """The emulated pods are always up to date."""

    def delete(self, pod: ReplicaPod) -> None:
        assert isinstance(pod, EmulatedPod)
        now = self.clock.now
        self.deeds.append((now, "deleted", pod.replica_set.number, pod.number))
        round_ = (now, pod.replica_set, pod.replica_set.replicas)
        if round_ != self.round:
            self.round = round_
            self.downs.append((now, pod.revision, pod.replica_set.active + 1, []))
        self.downs[-1][3].append(pod.number)
        pod.times[3] = now
        delay = round(self.case["env"]["terminate_s"] * 1000) if pod.node else 0
        self.clock.after(delay, self.gone, pod)

    def schedule(self) -> None:
        slots = self.case["env"]["slots"]
        for pod in self.pods:
            if slots is not None and self.with_node >= slots:
                return
            if not pod.node and not pod.deleting:
                pod.node = f"node-{pod.number}"
                pod.times[1] = self.clock.now
                self.with_node += 1
                if pod.load is not None:
                    self.clock.after(pod.load, self.ready, pod)

    def ready(self, pod: EmulatedPod) -> None:
        if pod.times[4] is None and not pod.deleting:
            pod.phase = "Running"
            pod.times[2] = self.clock.now
            self.controller.pod_ready(pod.replica_set, pod)

    def gone(self, pod: EmulatedPod) -> None:
        pod.times[4] = self.clock.now
        self.controller.pod_gone(pod.replica_set, pod)
        if pod.node:
            self.with_node -= 1
            self.clock.after(0, self.schedule, phase=Phase.SCHEDULER)
