"""What a pod can do, and what can be done to it."""

from __future__ import annotations

from collections import Counter, defaultdict

from kubeinfer_sim.cluster.records import (
    ContainerDied,
    ContainerKilling,
    ContainersRunning,
    GangScheduled,
    PodBound,
    PodCreated,
    PodDeleting,
    PodFinished,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    PodStopping,
)
from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.ever import Whose, templates_ever, whose
from kubeinfer_sim.testing.invariants.invariant import Finished, Report
from kubeinfer_sim.testing.invariants.pods_there import PodsThere


class NoHalfGang:
    """INV-03: pods of an instance that are made together get their places in one instant.

    With `minMember` at least so many of them, and the others when there is room.
    """

    number = "INV-03"
    statement = "no half gang holds places: what is made together and still wanted is placed together"
    reason = "a half gang computes nothing, and keeps others from the accelerators it holds"
    caught = "a gang is placed when one of its pods is"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._least = scenario.assumptions.min_member
        self._placed: Counter[tuple[int, int]] = Counter()
        # By their generation: a pod that is replaced alone is a gang by itself.
        self._waiting: defaultdict[tuple[int, int], dict[PodRef, PodCreated]] = defaultdict(dict)

    def handlers(self) -> Handlers:
        """Pods that come, get places, and are given up while they wait."""
        return {
            PodCreated: self._created,
            GangScheduled: self._scheduled,
            PodDeleting: self._left,
            PodGone: self._left,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _created(self, record: PodCreated) -> None:
        if record.pod.instance.has_roles:
            self._waiting[record.pod.instance.uid, record.pod.generation][record.pod] = record

    def _left(self, record: PodDeleting | PodGone) -> None:
        self._waiting[record.pod.instance.uid, record.pod.generation].pop(record.pod, None)

    def _scheduled(self, record: GangScheduled) -> None:
        placed = {pod for pod, _ in record.nodes}
        for generation in {pod.generation for pod in placed}:
            key = record.instance.uid, generation
            together = self._waiting[key]
            self._placed[key] += sum(pod.generation == generation for pod in placed)
            left = [each for pod, each in together.items() if pod not in placed]
            for pod in placed:
                together.pop(pod, None)
            if left and (self._least is None or self._placed[key] < self._least):
                names = ", ".join(each.pod.name for each in left)
                self._report(f"{names} came with them and got no place", record, *left)


class OneNode:
    """INV-04: a pod gets one node, once, and keeps it."""

    number = "INV-04"
    statement = "a pod is on at most one node, and stays there"
    reason = "the API server lets spec.nodeName be written once (pkg/registry/core/pod/storage, BindingREST)"
    caught = "every pod is bound to the first node"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._placed: dict[PodRef, tuple[str, Record]] = {}
        self._bound: dict[PodRef, tuple[str, Record]] = {}

    def handlers(self) -> Handlers:
        """Places and bindings."""
        return {GangScheduled: self._scheduled, PodBound: self._binding, PodGone: self._gone}

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _scheduled(self, record: GangScheduled) -> None:
        for pod, node in record.nodes:
            if pod in self._placed:
                self._report(f"{pod.name} gets {node} and had a place", self._placed[pod][1], record)
            self._placed[pod] = node, record

    def _binding(self, record: PodBound) -> None:
        # Said once more when a kubelet that was away begins with the pod.
        before = self._bound.get(record.pod) or self._placed.get(record.pod)
        if before is not None and before[0] != record.node:
            self._report(
                f"{record.pod.name} is bound to {record.node} and had {before[0]}", before[1], record
            )
        self._bound[record.pod] = record.node, record

    def _gone(self, record: PodGone) -> None:
        self._placed.pop(record.pod, None)
        self._bound.pop(record.pod, None)


class NothingDeadIsStopped:
    """INV-05: only a container that runs is killed, or dies, or is waited for when its pod is deleted."""

    number = "INV-05"
    statement = "no container is killed, dies or is stopped that does not run"
    reason = "a kubelet has nothing to kill there (pkg/kubelet/kuberuntime, computePodActions)"
    caught = "a container that is dead ends once more"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        #: The death after which a container has not been started again.
        self._dead: defaultdict[PodRef, dict[str, Record]] = defaultdict(dict)
        #: The containers that a pod may have, sidecars apart.
        self._containers: defaultdict[Whose, set[str]] = defaultdict(set)
        for _, key, template in templates_ever(scenario):
            self._containers[key].update(each.name for each in template.containers)

    def handlers(self) -> Handlers:
        """Containers that start, are killed and die, and pods that are stopped."""
        return {
            ContainersRunning: self._running,
            ContainerKilling: self._killing,
            ContainerDied: self._died,
            PodDeleting: self._stopping,
            PodStopping: self._stopping,
            PodGone: self._gone,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _running(self, record: ContainersRunning) -> None:
        if record.container:
            self._dead[record.pod].pop(record.container, None)
        else:
            self._dead.pop(record.pod, None)

    def _killing(self, record: ContainerKilling) -> None:
        if (dead := self._dead[record.pod].get(record.container)) is not None:
            self._report(f"{record.container} of {record.pod.name} is killed, and is dead", dead, record)

    def _died(self, record: ContainerDied) -> None:
        # Init containers are started without a record of their own, as are those whose postStart hook fails.
        if record.init or record.reason == "PostStartHookError":
            return
        if (dead := self._dead[record.pod].get(record.container)) is not None:
            self._report(f"{record.container} of {record.pod.name} dies twice", dead, record)
        self._dead[record.pod][record.container] = record

    def _stopping(self, record: PodDeleting | PodStopping) -> None:
        containers, dead = self._containers.get(whose(record.pod)), self._dead[record.pod]
        kinds = {stage.name.kind for stage in record.stages}
        if containers and containers <= dead.keys() and kinds & {StageKind.PRE_STOP, StageKind.EXIT}:
            self._report(f"{record.pod.name} is stopped, and its containers are dead", *dead.values(), record)

    def _gone(self, record: PodGone) -> None:
        self._dead.pop(record.pod, None)


class NothingAfterTheEnd:
    """INV-06: a pod is made once, and nothing becomes of it after it is gone; Ready comes and goes in turns."""

    number = "INV-06"
    statement = "a pod is made once and gone once, and is Ready and not Ready in turns between"
    reason = "numbers count these records: one too many, and a sum is wrong for ever"
    caught = "nobody writes that a pod is not ready"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._pods = PodsThere()
        self._over: dict[PodRef, Record] = {}

    def handlers(self) -> Handlers:
        """What says that a pod is there, Ready, or over."""
        return {
            **self._pods.handlers(),
            PodCreated: self._created,
            PodReady: self._became_ready,
            PodNotReady: self._not_ready,
            PodFinished: self._finished,
            PodDeleting: self._must_be_there,
            PodGone: self._gone,
        }

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _created(self, record: PodCreated) -> None:
        if (before := self._pods.there.get(record.pod)) is not None:
            self._report(f"{record.pod.name} is made twice", before, record)
        self._pods.created(record)

    def _must_be_there(self, record: PodDeleting | PodReady | PodNotReady | PodFinished | PodGone) -> None:
        if record.pod not in self._pods.there:
            self._report(f"{record.pod.name} does not exist", record)

    def _became_ready(self, record: PodReady) -> None:
        self._must_be_there(record)
        before = self._pods.ready.get(record.pod) or self._over.get(record.pod)
        if before is not None:
            self._report(f"{record.pod.name} becomes Ready and cannot", before, record)
        self._pods.became_ready(record)

    def _not_ready(self, record: PodNotReady) -> None:
        self._must_be_there(record)
        if record.pod not in self._pods.ready:
            self._report(f"{record.pod.name} becomes not Ready and was not", record)
        self._pods.not_ready(record)

    def _finished(self, record: PodFinished) -> None:
        self._must_be_there(record)
        if (before := self._over.get(record.pod)) is not None:
            self._report(f"{record.pod.name} is finished twice", before, record)
        self._over[record.pod] = record

    def _gone(self, record: PodGone) -> None:
        self._must_be_there(record)
        self._pods.gone(record)
        self._over.pop(record.pod, None)


class NoNameTwice:
    """INV-17: no pod is made under the name of one of its workload that is still there."""

    number = "INV-17"
    statement = "no name of a pod is used again while the pod that has it is there"
    reason = (
        "the API server refuses a second object of one name; a new pod has to wait for the old one to be gone"
    )
    caught = "nobody writes that a pod is gone"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._there: dict[tuple[str, str, str], PodCreated] = {}

    def handlers(self) -> Handlers:
        """Pods that come and go."""
        return {PodCreated: self._created, PodGone: self._gone}

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _created(self, record: PodCreated) -> None:
        key = self._key(record.pod)
        if (before := self._there.get(key)) is not None and before.pod != record.pod:
            self._report(f"{record.pod.name} is made, and the one before is there", before, record)
        self._there[key] = record

    def _gone(self, record: PodGone) -> None:
        before = self._there.get(self._key(record.pod))
        if before is not None and before.pod == record.pod:
            del self._there[self._key(record.pod)]

    @staticmethod
    def _key(pod: PodRef) -> tuple[str, str, str]:
        return pod.instance.kind, pod.instance.owner, pod.name
