"""Why a gang waits, in Volcano's words.

Source: pkg/scheduler/api/job_info.go (FitError, TaskSchedulingReason), unschedule_info.go (FitErrors.Error),
plugins/gang/gang.go (OnSessionClose).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from kubeinfer_sim.cluster.records import Awaited
from kubeinfer_sim.cluster.scheduler import messages
from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.pods import Pod
from kubeinfer_sim.cluster.scheduler.volcano.job import HeldBack, Job, Task, TaskStatus
from kubeinfer_sim.cluster.scheduler.volcano.queues import Shortage


class Fate(Struct, frozen=True):
    """What a cycle made of a pod: the node it would get, now or once that is free, or why it fits on none."""

    kind: Literal["allocated", "pipelined", "unfit"]
    text: str


def misfits(index: NodeIndex, choice: NodeChoice, pod: Pod) -> str:
    """`0/4 nodes are unavailable: 1 node(s) were unschedulable, 3 Insufficient huawei.com/ascend-1980.`"""
    from kubeinfer_sim.cluster.scheduler.explain import verdicts

    counts: Counter[str] = Counter()
    for reasons, names in verdicts(index, choice, pod):
        for reason in reasons:
            counts[reason] += len(names)
    return f"0/{len(index.nodes)} nodes are unavailable: {messages.counted(counts)}."


class Wait(Struct, frozen=True):
    """What a gang waits for, in words of ours."""

    text: str
    awaits: Awaited


class Verdict(Struct, frozen=True):
    """What a cycle makes of a job that waits.

    Attributes:
        fates: of the pods that were tried, by key.
        held_back: why its PodGroup is not looked at at all; None where it is.
        origin: the first pod that fits on no node, and why; "" where nothing tells.
        ready: with the places that the next cycle gives it, it has as many pods as it needs.
        shortage: what its queue may have too little of for the pods that it still needs.
        promised_to: the PodGroups that are promised the places it would have.
    """

    job: Job
    fates: Mapping[Hashable, Fate]
    held_back: HeldBack | None
    origin: str
    ready: bool
    shortage: Shortage | None
    promised_to: tuple[str, ...]

    def waits(self, pods: Iterable[Hashable]) -> list[Wait]:
        """All that some of its pods wait for and the nodes do not tell."""
        job, group = self.job, self.job.group
        assert group is not None
        waits: list[Wait] = []
        if self.held_back is not None:
            message, figures, by_queue = self.held_back
            text = f"PodGroup {group.name} is held back by its minResources: {message} ({figures})"
            waits.append(Wait(text, "capability" if by_queue else "minResources"))
        if not job.valid:
            there = job.ready + job.counts[TaskStatus.PENDING]
            takes = f"PodGroup {group.name} takes {_count(group.min_member, 'pod')} and has {there}"
            waits.append(Wait(takes, "pods"))
        if self.shortage is not None and (self.held_back is None or not self.held_back.by_queue):
            waits.append(Wait(self.shortage.text(group.name), self.shortage.awaits))
        if waits:
            return waits
        later = sum(each.kind == "pipelined" for each in self.fates.values())
        if self._promised and later:
            some = "" if later == len(self.fates) else f"{later} of them "
            pods = "a pod that terminates" if later == 1 else "pods that terminate"
            text = f"it is promised {_count(len(self.fates), 'place')}, {some}of {pods}"
            return [Wait(text, "promise")]
        if self.ready and all(pod in self.fates and self.fates[pod].kind == "allocated" for pod in pods):
            return [Wait("Volcano's next cycle gives it its places", "cycle")]
        if self.promised_to:
            return [Wait(f"the places for it are promised to {_named(self.promised_to)}", "promised")]
        return []

    @property
    def pod_group(self) -> str:
        """The message of the PodGroup's condition: `2/2 tasks in gang unschedulable: pod group is not ready, …`."""
        group = self.job.group
        assert group is not None
        schedulable = sum(each.kind == "allocated" for each in self.fates.values())
        short = group.min_member - self.job.ready - schedulable
        return f"{short}/{len(self.job.tasks)} tasks in gang unschedulable: {self._reasons}"

    @property
    def _reasons(self) -> str:
        job = self.job
        assert job.group is not None
        promised = self._promised
        counts = {status.value: number for status, number in job.counts.items() if number}
        if promised:
            kinds = Counter(each.kind.capitalize() for each in self.fates.values())
            counts["Pending"] = counts.get("Pending", 0) - sum(kinds.values())
            counts |= kinds
        counts["minAvailable"] = job.group.min_member
        state = "pod group is ready" if job.ready >= job.group.min_member else "pod group is not ready"
        text = f"{state}, {_histogram(counts)}"
        waiting = [task for task in job.tasks.values() if task.status is TaskStatus.PENDING]
        if waiting and not promised:
            text += f"; Pending: {_histogram(Counter(map(self.reason, waiting)))}"
        return f"{text}. Origin reason is {self.origin}" if self.origin else text

    @property
    def _promised(self) -> bool:
        """Whether all it needs was found, some of it on places that are yet to be released."""
        job = self.job
        found = sum(each.kind != "unfit" for each in self.fates.values())
        return job.group is not None and job.ready + found >= job.group.min_member

    def reason(self, task: Task) -> Literal["Schedulable", "Unschedulable"]:
        """The reason of the pod's condition PodScheduled."""
        fate = self.fates.get(task.pod.key)
        return "Schedulable" if fate is not None and fate.kind == "allocated" else "Unschedulable"

    def message(self, task: Task, where: str) -> str:
        """The message of that condition; `where`: the pod's namespace and name."""
        fate = self.fates.get(task.pod.key)
        if fate is None:
            return self._reasons
        if fate.kind == "unfit":
            return fate.text
        once = "resource is released and " if fate.kind == "pipelined" else ""
        return f"Pod {where} can possibly be assigned to {fate.text}, once {once}minAvailable is satisfied"


def _histogram(counts: Mapping[str, int]) -> str:
    return ", ".join(sorted(f"{number} {name}" for name, number in counts.items() if number))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _named(groups: Sequence[str]) -> str:
    more = f" and {len(groups) - 1} more" if len(groups) > 1 else ""
    return f"PodGroup {groups[0]}{more}"
