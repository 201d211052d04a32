"""A written scenario, read as any user's and played: its milestones as a watch on the API server would see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest import mock

from e2e.milestones import ConditionWatch, Milestones, PodState, PodWatch
from e2e.scenarios import Written, as_files

from kubeinfer_sim.cluster.records import (
    DrainEnded,
    DrainGoesOn,
    DrainHeld,
    NodeReadyChanged,
    PodDeleting,
    PodRef,
    PodRemoved,
)
from kubeinfer_sim.controllers.deployment.records import DeploymentStatus
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.assembly import Simulation, assemble
from kubeinfer_sim.simulation.pod_facts import DISRUPTIONS
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.simulate import play as play_out

#: The pods are looked at whenever something happens, and this often in between: kubectl's words change without that.
LOOK_EVERY = 1_000
#: What the cases call what people do, where a scenario has another word.
_VERBS = {"rollback": "undo", "pause": "pause", "resume": "resume", "creation": "create"}


def load(written: Written, folder: Path) -> Scenario:
    """The scenario, from files.

    Raises:
        InputError: what is wrong with it.
    """
    for name, text in as_files(written).items():
        (folder / name).write_text(text, encoding="utf-8")
    return load_scenario(str(folder / "scenario.yaml"))


def play(
    scenario: Scenario,
    origin: int,
    seed: int,
    watch: Callable[[Milestones, Simulation, int], Callable[[int], None]] | None = None,
) -> Milestones:
    """The milestones of one run, in the recording's time; `watch` makes what looks at it after each event."""
    found = Milestones()
    simulation = assemble(scenario, seed)
    look = (watch or Watch)(found, simulation, origin)
    with mock.patch.object(simulation.env.clock, "run", _in_steps(simulation.env.clock, look)):
        play_out(simulation)
    _read_history(found, simulation, origin)
    return found


def _in_steps(clock: Clock, look: Callable[[int], None]) -> Callable[..., bool]:
    """`clock.run`, with a look after all that happens in an instant, and every second."""
    go_on = clock.run

    def run(until: int, **pauses: int) -> bool:
        now = clock.now
        while now < until:
            due = clock.next_at()
            now = min(now + LOOK_EVERY, until, until if due is None else max(due, now))
            if not go_on(now, **pauses):
                return False
            look(now)
        return True

    return run


class Watch:
    """A watch on the pods' objects."""

    def __init__(self, milestones: Milestones, simulation: Simulation, origin: int) -> None:
        self._milestones = milestones
        self._simulation = simulation
        self._origin = origin
        self._watches: dict[object, PodWatch] = {}
        # Pods that were disrupted, in the reason's words; those that go at once are never seen with it.
        self._disruptions: dict[PodRef, str] = {}
        simulation.env.history.subscribe(self._deleted)
        # The Deployments' pod templates in the order in which they came are rs1, rs2 …
        self._replica_sets: dict[tuple[str, str], str] = {}

    def __call__(self, now: int) -> None:
        at = now + self._origin
        assert self._simulation.objects is not None
        there = {each.ref: each for each in self._simulation.objects.at(now)}
        for ref, pod in there.items():
            if ref not in self._watches:
                self._watches[ref] = PodWatch(self._milestones, self.group(ref), at)
            self._watches[ref].changed(self.state(pod), at)
        for ref in [each for each in self._watches if each not in there]:
            self._watches.pop(ref).gone(at, self._disruptions.get(ref, ""))

    def _deleted(self, record: Record) -> None:
        if isinstance(record, PodDeleting) and record.reason in DISRUPTIONS:
            self._disruptions[record.pod] = DISRUPTIONS[record.reason][0]
        elif isinstance(record, PodRemoved) and record.reason == "PodGC":
            self._disruptions.setdefault(record.pod, "DeletionByPodGC")

    def state(self, pod: PodAt) -> PodState:
        """What is compared of a pod."""
        return _state(pod)

    def group(self, ref: PodRef) -> str:
        """As `recorded.group_of`: the ReplicaSet of a Deployment's pod, else the owner's name (a bare pod's own)."""
        owner = ref.instance.owner
        if ref.instance.kind != "Deployment":
            return owner
        pod = next(each for each in self._simulation.workloads.pods() if each.ref == ref)
        return self._replica_sets.setdefault((owner, pod.revision), f"rs{len(self._replica_sets) + 1}")


def _state(pod: PodAt) -> PodState:
    conditions = {each.condition.type: each.condition for each in pod.conditions}
    place = conditions.get("PodScheduled")
    disruption = conditions.get("DisruptionTarget")
    ready = conditions.get("Ready")
    containers = {}
    for each in pod.containers:
        state, reason = each.status.state, each.reason
        text = {
            "waiting": f"waiting({reason})",
            "terminated": f"terminated({reason},{each.status.exit_code})",
        }.get(state, state)
        containers[each.name] = text, each.restarts
    return PodState(
        phase=" ".join(filter(None, (pod.phase, pod.reason))),
        scheduled=bool(pod.node),
        ready=ready is not None and ready.status,
        waits=place.reason if place is not None and not place.status else "",
        deleted=pod.deleting is not None,
        disruption=disruption.reason if disruption is not None else "",
        containers=containers,
        started=frozenset(each.name for each in pod.containers if each.status.started),
    )


def _read_history(found: Milestones, simulation: Simulation, origin: int) -> None:
    deployments: dict[str, ConditionWatch] = {}
    evictions: dict[int, list[str]] = {}
    held: dict[str, str] = {}  # what kubectl said last of each drain that is held
    for record in simulation.env.history:
        at = record.at + origin
        match record:
            case DeploymentStatus(kind="Deployment"):
                group = f"deploy/{record.deployment}"
                watch = deployments.setdefault(group, ConditionWatch(found, group))
                watch.changed(_conditions(record), at)
            case DrainHeld():
                if held.get(record.node) == record.detail:
                    continue  # other pods are lacking; kubectl says the same
                held[record.node] = record.detail
                found.add("answers", f"drain of {record.node.removesuffix('-0')} is held", at)
            case DrainGoesOn():
                held.pop(record.node, None)
            case DrainEnded():
                found.add("answers", f"drain of {record.node.removesuffix('-0')} ends", at)
            case NodeReadyChanged(ready="Unknown") if found.unknown_at is None:
                found.unknown_at = at
            case _ if type(record).__name__ == "EvictionAnswered":
                evictions.setdefault(at, []).append(str(int(record.code)))  # type: ignore[attr-defined]
            case _ if type(record).__name__ == "RequestRefused":
                verb = _VERBS.get(record.what, "patch")  # type: ignore[attr-defined]
                found.add("answers", f"{verb} is refused", at)
    for at, codes in evictions.items():
        found.add("answers", f"evict: {' '.join(sorted(codes))}", at)


def _conditions(record: DeploymentStatus) -> list[str]:
    available = "True(MinimumReplicasAvailable)" if record.available else "False(MinimumReplicasUnavailable)"
    progressing = [f"Progressing={record.progressing}({record.reason})"] if record.progressing else []
    failure = [f"ReplicaFailure=True({record.failure})"] if record.failure else []
    return [f"Available={available}", *progressing, *failure]
