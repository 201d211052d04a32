"""The three numbers of one run that matter: how long it takes, how few were ready, how much time was lost."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from kubeinfer_sim.metrics import Low, Outcome
from kubeinfer_sim.metrics.changes import AppliedSpec
from kubeinfer_sim.metrics.deployments import DeploymentChange, DeploymentOutcome
from kubeinfer_sim.report.html.page import Number
from kubeinfer_sim.report.key_figures import change_title
from kubeinfer_sim.report.run_end import ending
from kubeinfer_sim.report.verdict import Assessment, focus
from kubeinfer_sim.report.words import instance_seconds, point, rounded


class _Workload(NamedTuple):
    """What a workload came to: what is counted, its change, the fewest ready of how many wanted; time in ms."""

    name: str
    noun: str
    change: AppliedSpec | None
    title: str
    never: bool
    low: Low
    wanted: int
    lost: int


def numbers_of_run(assessment: Assessment) -> list[Number]:
    """Of several workloads that which took longest, that with the smallest part ready, and what all lost."""
    workloads = _workloads(assessment)
    if not workloads:
        return [Number("Ends", rounded(assessment.run.ended_at), ending(assessment.run))]
    of = {each.name: f"{each.name}: " if len(workloads) > 1 else "" for each in workloads}
    numbers = []
    took = [
        _took(each.title, each.change, of[each.name], never=each.never) for each in workloads if each.change
    ]
    if took:
        numbers.append(max(took, key=lambda each: each[0])[1])
    else:
        numbers.append(Number("Ends", rounded(assessment.run.ended_at), ending(assessment.run)))
    fewest = min(workloads, key=lambda each: each.low.value / max(each.wanted, 1))
    if fewest.wanted:
        least = f"{fewest.low.value:,} of {fewest.wanted:,}"
        whole = fewest.low.value >= fewest.wanted
        when = (
            "throughout"
            if whole
            else f"first at {point(fewest.low.at)}, for {rounded(fewest.low.lasting)} in all"
        )
        numbers.append(Number(f"Fewest {fewest.noun}s ready", least, f"{of[fewest.name]}{when}"))
    numbers.append(_lost(workloads))
    return numbers


def _workloads(assessment: Assessment) -> list[_Workload]:
    told = []
    for name, own in assessment.kubeinfers.items():
        measures, whole = own.measures, own.measures.whole
        change = focus(measures)
        title = "" if change is None else change_title(change)
        never = measures.outcome is Outcome.NEVER
        wanted = measures.desired.at(whole.min_ready.at)
        told.append(_Workload(name, "instance", change, title, never, whole.min_ready, wanted, whole.lost))
    for each in assessment.cluster.deployments:
        asked = each.focus
        title = "" if asked is None else _title(asked)
        never = each.outcome is DeploymentOutcome.NEVER
        lost = sum(cause.total for cause in each.causes)
        low = min(
            (part.low for part in (each.earlier, each.during, each.later) if part is not None), key=_lowest
        )
        wanted = each.desired.at(low.at)
        told.append(_Workload(f"{each.kind} {each.name}", "pod", asked, title, never, low, wanted, lost))
    return told


def _lowest(low: Low) -> tuple[int, int]:
    return low.value, low.at


def _title(change: DeploymentChange) -> str:
    if change.is_update:
        return "Update"
    return "Deployment" if "created" in change.changed else "Scaling"


def _took(title: str, change: AppliedSpec, of: str, *, never: bool) -> tuple[float, Number]:
    """How long a change takes, endless where it is not in place, and that in words."""
    names = {"Update": "The update takes", "Scaling": "Scaling takes", "Deletion": "The deletion takes"}
    name = names.get(title, "Ready after")
    if change.duration is not None:
        span = f"from {point(change.at)} to {point(change.at + change.duration)}"
        return change.duration, Number(name, rounded(change.duration), f"{of}{span}")
    word = "never finishes" if never else "not finished"
    return inf, Number(name, word, f"{of}since {point(change.at)}")


def _lost(workloads: list[_Workload]) -> Number:
    lost = {noun: sum(each.lost for each in workloads if each.noun == noun) for noun in ("instance", "pod")}
    nouns = [noun for noun in lost if any(each.noun == noun for each in workloads)]
    noun = max(nouns, key=lambda each: lost[each])
    if not lost[noun]:
        return Number("Time lost", "none", "all that was owed was ready")
    notes = [instance_seconds(lost[each], each) for each in nouns if lost[each]]
    return Number(f"{noun.capitalize()} time lost", rounded(lost[noun]), "; ".join(notes))
