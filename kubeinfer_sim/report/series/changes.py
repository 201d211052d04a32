"""What sets of changes do against the manifest as it is, figure by figure, paired by seed."""

from __future__ import annotations

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.recommending.recommend import Looked, Recommendation
from kubeinfer_sim.report.recommendation import FIGURES, set_name
from kubeinfer_sim.report.series.differences import Against, Differences

#: Sets in a picture at most, the recommended one and those that hold first; figures with a picture.
MOST_SETS, _MOST_FIGURES = 20, 3
_RECOMMENDED = "✔ "


def effects_of_changes(made: Recommendation) -> list[Differences]:
    """Of each figure in which a set differs, those first that tell most."""
    chosen = tuple(step.change for step in made.steps)
    played = [each for each in made.looked if each.changes]
    played.sort(key=lambda each: (each.changes != chosen, each.decision is not Decision.HELD))
    found = []
    for name, (title, unit) in FIGURES.items():
        rows = [_against(each, name, chosen == each.changes) for each in played]
        variants = [each for each in rows if each is not None][:MOST_SETS]
        if any(each.mean for each in variants):
            better = "high" if name in ("held", "inPlace", "minReady", "minAvailable") else "low"
            found.append(Differences(title, unit, better, "as it is", variants))
    return found[:_MOST_FIGURES]


def _against(looked: Looked, figure: str, recommended: bool) -> Against | None:
    for effect in looked.effects:
        if effect.figure == figure:
            name = f"{_RECOMMENDED if recommended else ''}{set_name(looked)}"
            return Against(name, effect.difference.mean, effect.difference.low, effect.difference.high, [])
    return None
