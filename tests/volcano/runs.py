"""Recorded and simulated runs of `golden_volcano` as milestones: of the pods of each PodGroup, and of the PodGroups.

A gang's pods count as interchangeable, and so do equal nodes: where a gang is said to be is told by how many of its pods
are together, and on nodes of which size.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from e2e.comparing import Reader
from e2e.milestones import Milestones, PodState, PodWatch, Seen
from e2e.played import Watch, play
from e2e.recorded import Case, after
from volcano.cases import groups_of, may_choose_freely, write_case

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.cluster.scheduler.volcano.pod_groups import READY
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.assembly import Simulation
from kubeinfer_sim.simulation.pod_objects import PodAt

#: Of a condition with a message, what comes before that.
_CONDITION = re.compile(r"((?:PodScheduled|DisruptionTarget)=\w+\(\w+\)).*")
_UNSCHEDULABLE = re.compile(r"condition Unschedulable=True\(\w+\) (.*)")
_SCHEDULED = "condition Scheduled=True(tasks in gang are ready to be scheduled)"
#: Lines about containers, and what is told beside the objects.
_NOT_COMPARED = ("container", "event", "cri", "nominated")
#: Which pod was looked at first is chance.
_FIRST = re.compile(r"Origin reason is \S+: ")


class _Lasting:
    """What a PodGroup shows, until it shows something else."""

    def __init__(self, milestones: Milestones) -> None:
        self._milestones = milestones
        self._shown: dict[tuple[str, str], tuple[str, Seen]] = {}

    def shows(self, group: str, aspect: str, what: str, at: int) -> None:
        before = self._shown.get((group, aspect))
        if before is None or before[0] != what:
            if before is not None:
                before[1].ended = at
            self._shown[group, aspect] = what, self._milestones.add(f"pg/{group}", what, at)


class _Nodes:
    """Where the pods of a gang are, once they are all bound that come at about the same time."""

    def __init__(self, milestones: Milestones, sizes: dict[str, int]) -> None:
        self._milestones = milestones
        self._sizes = sizes
        self._at: dict[str, list[tuple[int, str]]] = {}

    def bound(self, group: str, node: str, at: int) -> None:
        self._at.setdefault(group, []).append((at, node))

    def note(self, case: Case) -> None:
        if may_choose_freely(case):
            return
        for group, bound in self._at.items():
            last = bound[-1][0]
            together = Counter(node for at, node in bound if last - at < 1_000)
            shape = sorted((self._sizes.get(node, 0), number) for node, number in together.items())
            text = ", ".join(f"{number} on one of {size}" for size, number in shape)
            self._milestones.add(group, f"nodes: {text}", last)


def _sizes(case: Case) -> dict[str, int]:
    nodes = [*case["nodes"], *(step[2] for step in case["steps"] if step[1] == "addnode")]
    return {each["role"]: each.get("devices", 0) for each in nodes}


def recorded(case: Case, run: str) -> Milestones:
    """The milestones of one of the case's recorded runs."""
    found = Milestones()
    lasting, nodes, groups = _Lasting(found), _Nodes(found, _sizes(case)), groups_of(case)
    watches: dict[str, PodWatch] = {}
    states: dict[str, PodState] = {}
    lines = [line for line in case["runs"][run] if not line[2].startswith(_NOT_COMPARED)]
    for index, (at, subject, what) in enumerate(lines):
        kind, _, name = subject.partition("/")
        if kind == "pg":
            _read_pod_group(lasting, "bare" if name.startswith("podgroup-") else name, what, at)
        elif kind == "node":
            if what.startswith("Ready=Unknown") and found.unknown_at is None:
                found.unknown_at = at
        elif subject.partition("#")[0] in groups:
            group = groups[subject.partition("#")[0]]
            if what == "created":
                watches[subject], states[subject] = PodWatch(found, group, at), PodState()
                continue
            if what.startswith("node="):
                nodes.bound(group, what.removeprefix("node="), at)
            match = _CONDITION.fullmatch(what)
            state = after(states[subject], match[1] if match is not None else what)
            states[subject] = _compared(case, state)
            if index + 1 == len(lines) or lines[index + 1][:2] != [at, subject]:
                watches[subject].changed(states[subject], at)
            if what == "gone":
                watches.pop(subject).gone(at)
    nodes.note(case)
    return found


def _read_pod_group(lasting: _Lasting, name: str, what: str, at: int) -> None:
    if what.startswith("phase "):
        lasting.shows(name, "phase", what, at)
    elif what.startswith(_SCHEDULED):
        lasting.shows(name, "Scheduled", "ready", at)
    elif (match := _UNSCHEDULABLE.fullmatch(what)) is not None:
        lasting.shows(name, "Unschedulable", _FIRST.sub("Origin reason is ", match[1]), at)


def _compared(case: Case, state: PodState) -> PodState:
    """Without what is not compared: containers, and whether a pod that waits would find a place alone.

    Where many pods come at once, how long their kubelets take to start them is the recording machine's load.
    """
    waits = "Unschedulable" if state.waits == "Schedulable" else state.waits
    state = replace(state, containers={}, started=frozenset(), waits=waits)
    return replace(state, phase="Pending", ready=False) if case["kind"] == "latency" else state


class _Watch(Watch):
    def __init__(self, case: Case, milestones: Milestones, simulation: Simulation, origin: int) -> None:
        super().__init__(milestones, simulation, origin)
        self._origin_ms = origin
        self._run = simulation
        self._case = case
        self._groups = groups_of(case)
        self._lasting = _Lasting(milestones)
        self.nodes = _Nodes(milestones, _sizes(case))
        self._seen: set[PodRef] = set()

    def __call__(self, now: int) -> None:
        super().__call__(now)
        at = now + self._origin_ms
        assert self._run.objects is not None
        for pod in self._run.objects.at(now):
            if pod.node and pod.ref not in self._seen:
                self._seen.add(pod.ref)
                self.nodes.bound(self.group(pod.ref), pod.node.removesuffix("-0"), at)
        for group in self._run.cluster.scheduling.pod_groups():
            name = "bare" if group.name.startswith("podgroup-") else group.name
            if group.phase:
                self._lasting.shows(name, "phase", f"phase {group.phase}", at)
            if group.message:
                ready = group.message == READY
                text = "ready" if ready else _FIRST.sub("Origin reason is ", group.message)
                self._lasting.shows(name, "Scheduled" if ready else "Unschedulable", text, at)

    def group(self, ref: PodRef) -> str:
        return self._groups.get(ref.instance.owner, ref.instance.owner)

    def state(self, pod: PodAt) -> PodState:
        return _compared(self._case, super().state(pod))


def played(case: Case, scenario: Scenario, origin: int, seed: int) -> Milestones:
    """The milestones of a simulated run."""
    watches: list[_Watch] = []

    def watch(milestones: Milestones, simulation: Simulation, begun: int) -> _Watch:
        watches.append(_Watch(case, milestones, simulation, begun))
        return watches[-1]

    found = play(scenario, origin, seed, watch)
    watches[0].nodes.note(case)
    return found


NOT_YET = Path(__file__).with_name("not_yet.txt")
READER = Reader(write_case, recorded, played)
