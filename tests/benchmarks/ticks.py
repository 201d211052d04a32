"""The rollout by hand, with an event per check: `python tests/benchmarks/ticks.py [--write] [INSTANCES ...]`. Run by hand.

What one would write with SimPy for the rollout of `rollout.py`: nodes, a controller and pods as processes, and each check
of each probe an event. It knows nothing but this rollout (no faults, kubelets, scores, records), and has to come to the
same end, or the benchmark fails. Both run in one process, in turn.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections import deque
from collections.abc import Generator
from pathlib import Path
from typing import Any

import simpy

sys.path.insert(0, str(Path(__file__).parents[1]))

from common import show, sizes, spread
from measured import PROBES, ROLES, rollout

from kubeinfer_sim.controllers.kubeinfer.records import UpdateCompleted
from kubeinfer_sim.simulation.simulate import simulate

RUNS = 3
#: Of `measured.STAGES`, in seconds.
BIND, PULL, CREATE, RANK_TABLE, LOAD, STOP = 3, 290, 3, 5, 600, 60
PODS = sum(ROLES.values())
Steps = Generator[Any, Any, None]


class Instance:
    """Pods that are ready when all are."""

    def __init__(self) -> None:
        self.waiting = PODS
        self.deleted = False


class Rollout:
    """A fifth more than the instances may exist, and a fifth of them may be missing."""

    def __init__(self, instances: int) -> None:
        self.env = simpy.Environment()
        self.wanted, self.slack = instances, instances // 5
        self.old = [Instance() for _ in range(instances)]
        self.live = self.ready = instances
        self.made = self.made_ready = self.events = 0
        self.done_at = 0
        self.pending: deque[Instance] = deque()
        # Whether the image is there: on the nodes that nothing has run on it is not.
        self.free = [False] * (instances * 44 // 10 - PODS * instances)
        for each in self.old:
            for _ in range(PODS):
                self.watch(each)

    def watch(self, instance: Instance) -> None:
        """A ready pod is checked for readiness and for liveness as long as it lives."""
        for name in ("liveness", "readiness"):
            self.env.process(self.checks(instance, PROBES[name].period_seconds))

    def checks(self, instance: Instance, period: int) -> Steps:
        while not instance.deleted:
            self.events += 1
            yield self.env.timeout(period)

    def step(self) -> None:
        """What the controller does whenever something has changed."""
        while self.made < self.wanted and self.live < self.wanted + self.slack:
            self.made += 1
            self.live += 1
            self.pending.append(Instance())
        while self.old and self.ready > self.wanted - self.slack:
            self.ready -= 1
            self.env.process(self.stop(self.old.pop()))
        while self.pending and len(self.free) >= PODS:
            instance = self.pending.popleft()
            for _ in range(PODS):
                self.env.process(self.start(instance, warm=self.free.pop()))

    def stop(self, instance: Instance) -> Steps:
        instance.deleted = True
        self.events += 1
        yield self.env.timeout(STOP)
        self.live -= 1
        self.free += [True] * PODS
        self.step()

    def start(self, instance: Instance, *, warm: bool) -> Steps:
        self.events += 2
        yield self.env.timeout(BIND)
        loaded = self.env.now + (0 if warm else PULL) + CREATE + RANK_TABLE + LOAD
        while self.env.now < loaded:
            self.events += 1
            yield self.env.timeout(PROBES["startup"].period_seconds)
        for _ in range(PROBES["readiness"].success_threshold - 1):
            self.events += 1
            yield self.env.timeout(PROBES["readiness"].period_seconds)
        self.watch(instance)
        instance.waiting -= 1
        if not instance.waiting:
            self.ready += 1
            self.made_ready += 1
            if self.made_ready == self.wanted:
                self.done_at = self.env.now
            self.step()

    def run(self) -> int:
        """When all is in place, in seconds."""
        self.step()
        while not self.done_at:
            self.env.step()
        return self.done_at


def cpu(run: Any) -> tuple[float, Any]:
    gc.collect()
    begun = time.process_time()
    found = run()
    return time.process_time() - begun, found


def main() -> None:
    lines = [
        "| instances | done at, s | simulator | events | median s | by that of kubeinfer-sim |",
        "|---|---|---|---|---|---|",
    ]
    for instances in sizes([10, 100]):
        made, ours, theirs = rollout(instances), [], []
        for _ in range(RUNS):
            took, run = cpu(lambda made=made: simulate(made, pods=False))
            ours.append(took)
            by_hand = Rollout(instances)
            took, done_at = cpu(by_hand.run)
            theirs.append(took)
            (completed,) = run.history.of(UpdateCompleted)
            if completed.at != 1000 * done_at:
                sys.exit(
                    f"{instances} instances: done at {done_at} s by hand, at {completed.at / 1000} s here"
                )
        ratios = [slow / quick for slow, quick in zip(theirs, ours, strict=True)]
        lines += [
            f"| {instances:,} | {done_at:,} | kubeinfer-sim | {run.fired:,} | {statistics.median(ours):.3f} | 1 |",
            f"| {instances:,} | {done_at:,} | by hand, an event per check | {by_hand.events:,} "
            f"| {statistics.median(theirs):.3f} | {spread(ratios)} |",
        ]
    show("ticks", "\n".join(lines))


if __name__ == "__main__":
    main()
