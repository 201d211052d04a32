"""Silent faults: a node on which single pods fail again and again, though nobody sees anything wrong with its hardware.

MindCluster, off by default (assumption silentFaults): of jobs with 16 and more NPUs on whole nodes, exactly one pod
failed, no hardware fault was seen within 30 s, and that three times in three hours on one node: it takes nothing new
for 48 h.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field

from kubeinfer_sim.cluster.environment import Environment
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.pod import Pod
from kubeinfer_sim.controllers.kubeinfer.instance import Instance
from kubeinfer_sim.controllers.kubeinfer.records import SilentFaultSuspected
from kubeinfer_sim.manifest.accelerators import accelerator_count

#: NPUs a job has at least; ms in which nothing else of it must fail; so many failures within so many ms; ms out.
LEAST_NPUS, ALONE = 16, 30_000
TIMES, WITHIN, LASTS = 3, 3 * 3_600_000, 48 * 3_600_000


class _Failures(Struct):
    """Of one incarnation of an instance: the places that failed, and whether hardware did."""

    places: set[tuple[str, int]] = field(default_factory=set)
    hardware: bool = False


class SilentFaults:
    """Counts failures of single pods by node; does nothing where the switch is off."""

    def __init__(self, env: Environment, *, on: bool) -> None:
        self._clock = env.clock
        self._history = env.history
        self._api = env.api
        self._on = on
        self._failures: dict[tuple[int, int], _Failures] = {}
        self._times: dict[Node, deque[int]] = {}

    def pod_failed(self, instance: Instance, pod: Pod, cause: int) -> None:
        """A pod of it has failed by itself, as far as anybody sees."""
        if pod.node is None or not self._looks_at(instance):
            return
        key = instance.ref.uid, instance.incarnation
        if key not in self._failures:
            self._failures[key] = _Failures()
            self._clock.after(ALONE, self._look, key, pod.node, cause)
        self._failures[key].places.add(pod.ref.place)

    def hardware_fault(self, instance: Instance) -> None:
        """The platform sees a hardware fault of it: no silent one."""
        key = instance.ref.uid, instance.incarnation
        if self._looks_at(instance):
            if key not in self._failures:
                self._failures[key] = _Failures()
                self._clock.after(ALONE, self._forget, key)
            self._failures[key].hardware = True

    def _looks_at(self, instance: Instance) -> bool:
        """Whether failures of it are counted: it has many NPUs, and whole nodes of them."""
        if not self._on:
            return False
        npus = sum(pod.npus for pod in instance.pods)
        return npus >= LEAST_NPUS and all(
            pod.node is not None and pod.npus == accelerator_count(pod.node.spec.allocatable)
            for pod in instance.pods
        )

    def _forget(self, key: tuple[int, int]) -> None:
        self._failures.pop(key, None)

    def _look(self, key: tuple[int, int], node: Node, cause: int) -> None:
        """What failed within 30 s is known now."""
        failures, now = self._failures.pop(key), self._clock.now
        if failures.hardware or len(failures.places) > 1:
            return
        times = self._times.setdefault(node, deque())
        times.append(now)
        while times[0] < now - WITHIN:
            times.popleft()
        if len(times) >= TIMES and not node.unschedulable:
            told = self._history.append(
                SilentFaultSuspected(now, cause, node.name, len(times), WITHIN, LASTS)
            )
            times.clear()
            self._api.cordon(node, True, told)
            self._clock.after(LASTS, self._api.cordon, node, False, told)
