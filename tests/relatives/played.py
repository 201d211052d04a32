"""A case written as a KubeInfer's scenario, read as any user's and played: the lives of its pods."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from relatives.lives import Life, Place, Run

from kubeinfer_sim.cluster.records import (
    PodCreated,
    PodDeleting,
    PodGone,
    PodNotReady,
    PodReady,
    PodRef,
    PodRemoved,
)
from kubeinfer_sim.controllers.kubeinfer.records import InstanceCreated
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.simulation.simulate import simulate


def play(scenario: Scenario, origin: int, seed: int, **assumed: Any) -> Run:
    """One run under these assumptions beside those the scenario has, in the recording's time."""
    run = simulate(replace(scenario, seed=seed, assumptions=replace(scenario.assumptions, **assumed)))
    lives: dict[PodRef, Life] = {}
    revisions: dict[int, str] = {}
    names: dict[str, str] = {}
    for record in run.history:
        at = record.at + origin
        match record:
            case InstanceCreated():
                revisions[record.instance.uid] = names.setdefault(record.revision, f"rev{len(names) + 1}")
            case PodCreated():
                ref = record.pod
                place = Place(ref.instance.ordinal, ref.role, ref.replica)
                lives[ref] = Life(place, revisions[ref.instance.uid], at)
            case PodReady():
                lives[record.pod].ready.append(at)
            case PodNotReady() if lives[record.pod].deleted is None:
                lives[record.pod].unready.append(at)
            case PodDeleting():
                lives[record.pod].deleted = at
            case PodGone() | PodRemoved():
                lives[record.pod].gone = at
                lives[record.pod].deleted = lives[record.pod].deleted or at
            case _:
                pass
    return Run(list(lives.values()))
