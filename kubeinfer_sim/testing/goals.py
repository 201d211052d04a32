"""What a scenario asks for, one thing after the other, known before it is played."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from msgspec import Struct

from kubeinfer_sim.metrics import Judged
from kubeinfer_sim.scenario.model import Objectives, Scenario


class Goal(Struct, frozen=True):
    """One objective.

    Attributes:
        name: what it is called when it is judged: `minReadyInstances`, `longestOutage`.
        level: of `availability` and `longestOutage`, how many are to be ready.
        owner: whose instances or pods.
        probability: in which part of all runs it must hold; None: in every one.
    """

    name: str
    level: str = ""
    owner: str = ""
    probability: Fraction | None = None

    def is_judged_by(self, judged: Judged) -> bool:
        """Whether this is how it came out; where there is one workload alone its name is not told."""
        return (judged.name, judged.level) == (self.name, self.level) and judged.owner in ("", self.owner)


def goals_of(scenario: Scenario) -> dict[str, Goal]:
    """The objectives of a scenario, by what tells them apart: `completes`, `availability[budget]`."""
    goals: list[Goal] = []
    for each in scenario.kubeinfers:
        goals += _goals(scenario.objectives.of(each.name), each.name)
    for kind, name, objectives in scenario.objectives.objects:
        goals += _goals(objectives, name if kind == "KubeInfer" else f"{kind}/{name}")
    several = len({each.owner for each in goals}) > 1
    named: dict[str, Goal] = {}
    for goal in goals:
        marks = [*filter(None, (goal.level, goal.owner if several else ""))]
        named.setdefault(f"{goal.name}[{', '.join(marks)}]" if marks else goal.name, goal)
    return named


#: The objectives that stand by themselves, with their fields.
_SINGLE = {
    "minReadyInstances": "min_ready_instances",
    "completes": "completes",
    "completesWithin": "completes_within",
    "maxLostInstanceSeconds": "max_lost_instance_seconds",
    "noStall": "no_stall",
    "minCapacity": "min_capacity",
    "maxUnserved": "max_unserved",
    "maxOverload": "max_overload",
}


def _goals(objectives: Objectives, owner: str) -> Iterator[Goal]:
    for name, field in _SINGLE.items():
        if getattr(objectives, field) not in (None, False):
            yield Goal(name, owner=owner, probability=objectives.probabilities.get(name))
    for each in objectives.availability:
        for name, wanted in (("availability", each.at_least), ("longestOutage", each.longest_outage)):
            if wanted is not None:
                yield Goal(name, each.level.name, owner, each.probability)
