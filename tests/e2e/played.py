"""A written scenario, read as any user's and played: its milestones as a watch on the API server would see them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from e2e.milestones import ConditionWatch, Milestones, PodState, PodWatch
from e2e.scenarios import Written, as_files

from kubeinfer_sim.cluster.records import DrainEnded, DrainHeld, NodeReadyChanged
from kubeinfer_sim.controllers.deployment.records import DeploymentStatus
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.pod_objects import PodAt
from kubeinfer_sim.simulation.simulate import Simulation

#: The pods are looked at whenever something happens, and this often in between: kubectl's words change without that.
LOOK_EVERY = 1_000


def load(written: Written, folder: Path) -> Scenario:
    """The scenario, from files.

    Raises:
        InputError: what is wrong with it.
    """
    for name, text in as_files(written).items():
        (folder / name).write_text(text, encoding="utf-8")
    return load_scenario(str(folder / "scenario.yaml"))


def play(scenario: Scenario, origin: int, seed: int) -> Milestones:
    """The milestones of one run, in the recording's time."""
    found = Milestones()
    simulation = Simulation(scenario, seed)
    end = scenario.horizon or 0
    # ref -> its watch; the template's revisions in the order in which they came are rs1, rs2 …
    watches: dict[object, PodWatch] = {}
    revisions: dict[str, str] = {}
    simulation.run(until=0)
    for now in chain([0], _moments(simulation, end)):
        at = now + origin
        there = {each.ref: each for each in simulation.objects.at(now)}
        of_pods = {pod.ref: pod.revision for pod in simulation.owners.pods()}
        for ref, pod in there.items():
            if ref not in watches:
                group = revisions.setdefault(of_pods[ref], f"rs{len(revisions) + 1}")
                watches[ref] = PodWatch(found, group, at)
            watches[ref].changed(_state(pod), at)
        for ref in [each for each in watches if each not in there]:
            watches.pop(ref).gone(at)
    _read_history(found, simulation, origin)
    return found


def _moments(simulation: Simulation, end: int) -> Iterator[int]:
    """Lets time pass up to each moment in turn."""
    now = 0
    while now < end:
        due = simulation.clock.next_at()
        now = min(now + LOOK_EVERY, end if due is None else max(due, now), end)
        simulation.clock.run(now)
        yield now


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
        phase=pod.phase,
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
    for record in simulation.history:
        at = record.at + origin
        match record:
            case DeploymentStatus():
                group = f"deploy/{record.deployment}"
                watch = deployments.setdefault(group, ConditionWatch(found, group))
                watch.changed(_conditions(record), at)
            case DrainHeld():
                found.add("answers", f"drain of {record.node.removesuffix('-0')} is held", at)
            case DrainEnded():
                found.add("answers", f"drain of {record.node.removesuffix('-0')} ends", at)
            case NodeReadyChanged(ready="Unknown") if found.unknown_at is None:
                found.unknown_at = at


def _conditions(record: DeploymentStatus) -> list[str]:
    available = "True(MinimumReplicasAvailable)" if record.available else "False(MinimumReplicasUnavailable)"
    progressing = [f"Progressing={record.progressing}({record.reason})"] if record.progressing else []
    return [f"Available={available}", *progressing]
