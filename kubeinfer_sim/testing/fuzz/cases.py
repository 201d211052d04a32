"""A scenario with something more on its time line, and what that breaks."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.errors import SimulatorFault
from kubeinfer_sim.experiment.dispatch import Workers
from kubeinfer_sim.experiment.judging import falls_short
from kubeinfer_sim.experiment.replication import Failure, Replication, Variant
from kubeinfer_sim.experiment.worker import MEMORY, TIMEOUT, Played, play_guarded
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.metrics import Judged, Judgement, Outcome
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.words import rounded
from kubeinfer_sim.scenario.actions.model import Fault
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.units import parse_duration
from kubeinfer_sim.scenario.workloads.manifests import to_yaml

#: A scenario as it is written, with all it is made of.
Document = Mapping[str, Any]


def read(document: Document) -> Scenario:
    """The scenario of a document, by the public reader.

    Raises:
        InputError: something in it is wrong.
    """
    return load_scenario(SourceText("scenario.yaml", to_yaml(dict(document))))


def with_actions(document: Document, actions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The document with more on its time line, each after what is there at its time."""
    spec = copy.deepcopy(dict(document["spec"]))
    line = [*(spec.get("actions") or ()), *actions]
    spec["actions"] = sorted(line, key=lambda each: parse_duration(each["at"]))
    return {**document, "spec": spec}


#: So many faults are read at a time: no file may hold more values than some hundred thousand.
_BATCH = 5_000


def read_faults(document: Document, actions: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """Faults as the public reader reads them; `actions` are in order of time.

    Raises:
        InputError: one of them is wrong.
    """
    spec = {key: value for key, value in document["spec"].items() if key != "objectives"}
    spec["actions"] = [each for each in spec.get("actions") or () if "fault" not in each]
    faults: list[Fault] = []
    for first in range(0, len(actions), _BATCH):
        scenario = read(with_actions({**document, "spec": spec}, actions[first : first + _BATCH]))
        faults += (each for each in scenario.actions if isinstance(each, Fault))
    return faults


def with_faults(scenario: Scenario, faults: Sequence[Fault]) -> Scenario:
    """The scenario with more faults on its time line."""
    return replace(scenario, actions=tuple(sorted((*scenario.actions, *faults), key=lambda each: each.at)))


def check_replay(document: Document, base: Replication, cost: Cost, workers: Workers) -> None:
    """See that a document that was found to cost something comes to the same as it is written.

    It is played here, within the limits of `workers`.

    Raises:
        SimulatorFault: it does not.
    """
    scenario = read(document)
    variant = Variant(scenario.name, scenario)
    again = cost_of(base, play_guarded(variant, scenario.seed, workers.run_timeout, workers.run_memory))
    if again != cost:
        raise SimulatorFault(
            f"what is written comes to something else than what was played: {again}, not {cost}"
        )


class Cost(Struct, frozen=True):
    """What a run comes to beside the one that nothing was added to.

    Attributes:
        breaks: what it misses that the other one holds, in sentences.
        never: it comes to no end of its own, or never finishes.
        lost: instance-ms (and pod-ms of Deployments) more that are lost.
        later: ms by which its slowest change takes longer; None: it has none, or one of them has no end.
        struck: whether all that was added struck something.
        fault: what the simulator or the user's function says of itself, where the run failed; "" where it did not.
    """

    breaks: tuple[str, ...] = ()
    never: bool = False
    lost: int = 0
    later: int | None = None
    struck: bool = True
    fault: str = ""

    @property
    def key(self) -> tuple[bool, bool, int, int, int]:
        """What is worse has a greater one."""
        return bool(self.breaks), self.never, len(self.breaks), self.lost, self.later or 0

    def __str__(self) -> str:
        told = ["never finishes"] if self.never else []
        if self.lost > 0:
            told.append(f"+{rounded(self.lost)} lost")
        elif self.lost < 0 and not self.never:  # what never finishes has not yet lost all that it would
            told.append(f"{rounded(-self.lost)} less lost")
        if self.later:
            told.append(f"{rounded(abs(self.later))} {'later' if self.later > 0 else 'earlier'}")
        return ", ".join(told) or "nothing"


def cost_of(base: Replication, played: Played) -> Cost:
    """What a run comes to beside another one of which nothing is wrong with the simulation."""
    if isinstance(played, Failure):
        if played.why == TIMEOUT:
            return Cost((f"the run does not end: {played.message}",), never=True)
        if played.why == MEMORY:
            return Cost((f"the run needs {played.message}",), never=True)
        return Cost((), fault=f"{played.why}: {played.message}")
    known = {_asked(each) for each in base.judged if each.judgement is Judgement.MISSED}
    breaks = [
        objective_text(each)
        for each in played.judged
        if each.judgement is Judgement.MISSED and _asked(each) not in known
    ]
    if falls_short(played) and not falls_short(base):
        breaks.append("not all that was asked for comes into place")
    struck = played.struck != base.struck and played.faults_missed <= base.faults_missed
    if base.sound and not played.sound and struck:
        breaks.append("something is in vain, refused or without end")
    return Cost(
        tuple(breaks),
        never=played.outcome is Outcome.NEVER and base.outcome is not Outcome.NEVER,
        lost=played.lost_in_all - base.lost_in_all,
        later=_later(base.duration, played.duration),
        struck=struck,
    )


def _asked(judged: Judged) -> tuple[str, str, str]:
    """Which objective it is."""
    return judged.owner, judged.name, judged.level


def _later(before: float | None, after: float | None) -> int | None:
    if before is None or after is None or inf in (before, after):
        return None
    return round(after - before)
