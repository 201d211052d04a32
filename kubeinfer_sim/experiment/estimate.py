"""What a run will cost, before it is played: from counts of what it asks for, and the speed of this machine now.

What a life or a fault costs in function calls is measured (`docs/benchmarks.md`) and held by a test; how long a call
takes is measured on the spot, against a reference loop. It is right within a factor of two where what happens is what
is asked for: a crash loop, or pods that wait for room again and again, cost more. One kind of crash loop is counted,
for every fault of an accelerator may begin one: pods that nobody deletes (of Deployments and their like) start again
and again on one that is only reset when they are gone. So are pods for which there are not enough accelerators: they
cost less, for they never start, and a run that never finishes is played again with what might let it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from math import expm1

from msgspec import Struct

from kubeinfer_sim.experiment.size import LIFE_WORK, MOST_WORK, Size, share_with_room, size_of
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.manifest.model import Deployment, PodTemplate, ReplicaSet, StatefulSet
from kubeinfer_sim.scenario.actions.model import Apply, Create, Scale
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.faults.levels import ASCEND_LEVELS
from kubeinfer_sim.scenario.faults.model import FaultProcess
from kubeinfer_sim.scenario.model import Scenario

#: Function calls for the life of a pod, with constant and with drawn stages; for its figures and part of the result.
_LIFE = {"instance": 285, "pod": 345}
_LIFE_DRAWN = {"instance": 425, "pod": 640}
_FIGURES = 170
#: Placing a pod by Volcano's rules costs so many more.
_VOLCANO = 400
#: A pod that is created and waits for ever, of an instance and alone, with its figures; of Volcano's so many more.
_WAITS, _WAITS_FOR_VOLCANO = {"instance": 105, "pod": 60}, 115
#: What is tried to have a run finish that does not: so many runs like it; as many more where `_SPARE` more places are
#: enough for it, since the least is looked for; and so many of those pods alone that have room. One timer or record
#: takes so many calls with all that is made of it.
_LIKE_IT, _FOR_THE_LEAST, _OF_THE_PLACED, _WORK = 2, 6, 9, 45
_SPARE = 64
#: A start in vain, from one to the next; and how long the kubelet waits with the next one, ms, where it came to its end
#: within `_SOON` of the last.
_LOOP, _BACK_OFF, _SOON = 480, 300_000, 600_000
#: What a fault, or an action that is none, costs beside the pods that come anew.
_DISTURBANCE, _NODE, _RUN = 2_000, 34, 3_500
#: Bytes of a life with its records, of its part of a result that tells of all pods, of a fault, of a node; and of a
#: process that has played nothing.
_LIFE_BYTES, _TOLD_BYTES, _FAULT_BYTES, _NODE_BYTES, _PROCESS_BYTES = 5_000, 8_000, 4_000, 1_500, 75_000_000
#: Bytes of what a run of many comes to: held by the command, sent by a worker, kept in a store; more for each kind of
#: fault.
_HELD_BYTES, _SENT_BYTES, _STORED_BYTES = 3_600, 700, 1_200
_HELD_KIND_BYTES, _SENT_KIND_BYTES, _STORED_KIND_BYTES = 630, 175, 200
#: So many times as long as a reference call takes a call of the simulation, which does more.
_OF_REFERENCE = 3.0
_TURNS, _CALLS = 5, 20_000
#: A call takes the longer the more is held in memory: measured from 10,000 lives of pods (1) to 200,000 (1.6 to 1.9).
_SLOWER_FROM, _SLOWER_BY = 10_000, 0.15
#: Draws from which the mean time from one fault to the next is taken.
_DRAWS = 200


class Estimate(Struct, frozen=True):
    """What one run will cost.

    Attributes:
        size: what it asks for.
        faults: how many are expected of its fault processes.
        lives: of pods, with those that faults have rebuilt.
        calls: function calls, with those of its figures and result.
        ways: function calls more of a run that is alone, and finds no room for all pods: to find what lets it finish.
        bytes: of memory, at most.
        kinds: of faults that may strike, of which each run of many tells.
    """

    size: Size
    faults: float
    lives: float
    calls: float
    ways: float
    bytes: float
    kinds: int

    @property
    def bytes_held(self) -> int:
        """Of memory, for what a run comes to that is one of many."""
        return _HELD_BYTES + self.kinds * _HELD_KIND_BYTES

    @property
    def bytes_sent(self) -> int:
        """By a worker, likewise."""
        return _SENT_BYTES + self.kinds * _SENT_KIND_BYTES

    @property
    def bytes_stored(self) -> int:
        """Of a store, likewise."""
        return _STORED_BYTES + self.kinds * _STORED_KIND_BYTES

    def seconds(self, per_call: float, *, alone: bool = False) -> float:
        """Of processor time, at so many for a call of a small run (`seconds_per_call`); `alone`: not one of many."""
        slower: float = max(1.0, self.lives / _SLOWER_FROM) ** _SLOWER_BY
        return (self.calls + (self.ways if alone else 0)) * per_call * slower


def estimate(scenario: Scenario, *, pods_told: bool = False) -> Estimate:
    """What a run of this scenario will cost; `pods_told`: in its result each pod is."""
    size = size_of(scenario)
    of_instances = size.pods_of_instances
    life = _LIFE if scenario.timings.constant else _LIFE_DRAWN
    one = (
        (of_instances * life["instance"] + (size.pods - of_instances) * life["pod"]) / size.pods
        if size.pods
        else 0
    )
    one += _FIGURES + (_VOLCANO if scenario.uses_volcano else 0)
    placed = share_with_room(scenario)
    faults = sum(_expected(each, scenario, size) for each in _processes(scenario))
    disturbances = faults + sum(not isinstance(each, Apply | Create | Scale) for each in scenario.actions)
    # Each has the pods of an instance rebuilt.
    rebuilt = disturbances * (of_instances / size.instances if size.instances else 1)
    lives, nodes = size.pods + rebuilt, len(scenario.nodes)
    started = size.pods * placed + rebuilt
    waits = _waits(scenario, size) * (1 - placed)
    waiting = size.pods * (1 - placed)
    calls = _RUN + started * one + waits + disturbances * _DISTURBANCE + nodes * _NODE
    told = _TOLD_BYTES if pods_told else 0
    return Estimate(
        size,
        faults,
        lives,
        calls + _starts_in_vain(scenario, size) * _LOOP,
        0 if placed == 1 else _ways(size, calls, started, waiting, one),
        _PROCESS_BYTES + size.pods * told + lives * _LIFE_BYTES + faults * _FAULT_BYTES + nodes * _NODE_BYTES,
        len({part.kind for each in _processes(scenario) for part in each.mix}),
    )


def _waits(scenario: Scenario, size: Size) -> float:
    """The calls of all pods, if all waited for ever."""
    alone = size.pods - size.pods_of_instances
    volcano = size.pods * _WAITS_FOR_VOLCANO if scenario.uses_volcano else 0
    return size.pods_of_instances * _WAITS["instance"] + alone * _WAITS["pod"] + volcano


def _ways(size: Size, calls: float, started: float, waiting: float, one: float) -> float:
    """The search for what lets a run finish that takes so many calls, of which a pod that starts takes `one`.

    It ends when it has cost what it may, and of very large runs nothing is played (`ways_to_finish`).
    """
    if 4 * LIFE_WORK * size.pods > MOST_WORK:
        return 0
    alike = _LIKE_IT + (_FOR_THE_LEAST if waiting <= _SPARE else 0)
    tried = alike * (calls + min(waiting, _SPARE) * one) + _OF_THE_PLACED * (_RUN + started * one)
    return min(tried, 2 * MOST_WORK * _WORK)


def _starts_in_vain(scenario: Scenario, size: Size) -> float:
    """How many starts on broken accelerators are expected of pods that nobody deletes."""
    horizon = scenario.horizon
    of_nodes = sum(accelerator_count(node.allocatable) for node in scenario.nodes)
    pods = [each for each in scenario.workloads if isinstance(each, Deployment | ReplicaSet | StatefulSet)]
    if not horizon or not of_nodes or not pods:
        return 0.0
    lasting = sum(_expected(each, scenario, size) * _lasting(each) for each in _processes(scenario))
    rate = lasting / of_nodes / horizon  # of one accelerator, for each ms
    starts = 0.0
    for each in pods:
        struck = rate * each.template.accelerators
        period = _until_next_start(each.template)
        if struck and period is not None:
            broken = horizon + expm1(-struck * horizon) / struck
            starts += each.replicas * broken / period
    return starts


def _lasting(process: FaultProcess) -> float:
    """Which part of its faults stop an engine for as long as somebody holds the accelerator."""
    if process.clears_after is not None:
        return 0.0
    parts = [(part, KINDS[part.kind]) for part in process.mix]
    lasting = sum(
        part.weight
        for part, kind in parts
        if kind.strikes == "npu"
        and kind.lasts is None
        and ASCEND_LEVELS[part.level or kind.level].npu == "reset"
        and (part.symptom or kind.symptom) in ("crash", "hang", "unhealthy")
    )
    return lasting / sum(part.weight for part, _ in parts)


def _until_next_start(template: PodTemplate) -> int | None:
    """From one start of its engine to the next, ms, where none comes up; None: no probe ends one."""
    engine = template.engine
    probe = engine.startup_probe or engine.liveness_probe
    if probe is None:
        return None
    window = 1000 * (probe.initial_delay_seconds + probe.failure_threshold * probe.period_seconds)
    return window + (_BACK_OFF if window < _SOON else 0)


def seconds_per_call() -> float:
    """How long a function call of the simulation takes here and now: by the fastest turn of a reference loop."""
    return _OF_REFERENCE * min(_turn() for _ in range(_TURNS)) / _CALLS


class _Counter:
    """What the reference loop does over and over: a call, some attributes, an entry of a mapping."""

    def __init__(self) -> None:
        self._count = 0
        self._seen: dict[int, int] = {}

    def see(self, number: int) -> None:
        self._count += 1
        self._seen[number & 1023] = self._count


def _turn() -> float:
    see = _Counter().see
    begun = time.process_time()
    for number in range(_CALLS):
        see(number)
    return time.process_time() - begun


def _processes(scenario: Scenario) -> Iterator[FaultProcess]:
    return iter(() if scenario.faults is None else scenario.faults.processes)


def _expected(process: FaultProcess, scenario: Scenario, size: Size) -> float:
    """How many faults of a process there will be; of a run without a horizon none are counted."""
    struck = 1
    if process.per == "npu":
        struck = sum(accelerator_count(node.allocatable) for node in scenario.nodes)
    elif process.per == "node":
        struck = len(scenario.nodes)
    elif process.per == "pod":
        struck = size.pods
    elif process.per == "domain":
        struck = len({node.labels.get(process.domain) for node in scenario.nodes} - {None})
    source = random.Random(0)
    drawn = [each for each in (process.every.sample(source) for _ in range(_DRAWS)) if each]
    return struck * (scenario.horizon or 0) * len(drawn) / sum(drawn) if drawn else 0.0
