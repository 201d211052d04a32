"""Why a run is not as it should be, for the message of a test that fails."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from kubeinfer_sim.metrics import Judged, Judgement, Outcome
from kubeinfer_sim.metrics.served import Served, served_pods
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.verdict import Assessment
from kubeinfer_sim.report.why import moment_of, render_why
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.simulation.run import Run

#: Lines of an answer of `why` at most.
MOST_LINES = 30
_WORDS = {Judgement.MISSED: "missed", Judgement.OPEN: "cannot be judged", Judgement.HELD: "held"}


def workloads_of(assessment: Assessment) -> dict[str, Served]:
    """What is ready of each workload: of KubeInfers by their names, of all others by kind and name."""
    kubeinfers: dict[str, Served] = {name: own.measures for name, own in assessment.kubeinfers.items()}
    ended_at = assessment.run.ended_at
    pods = {
        f"{each.kind}/{each.name}": served_pods(each, ended_at) for each in assessment.measures.deployments
    }
    return {**kubeinfers, **pods}


def missed_text(
    assessment: Assessment, judged: Judged | None, file: str = "", options: Sequence[str] = ()
) -> str:
    """What is missed, the verdict, what led to it, and the commands that show it.

    Args:
        assessment: of the run.
        judged: the objective; None: that all which was asked for came about.
        file: of the scenario, for the commands; without one there are none.
        options: what else they need.
    """
    sentence = assessment.verdict.sentence
    goal = sentence if judged is None else f"{_WORDS[judged.judgement]}: {objective_text(judged)}"
    at = worst_moment(assessment, judged)
    lines = [goal, *([] if judged is None else [sentence]), "", f"why, at {format_duration(at)}:"]
    lines += [f"  {line}".rstrip() for line in why_text(assessment.run, at).splitlines()]
    if file:
        common = [file, *options, "--seed", str(assessment.run.seed)]
        lines += ["", shlex.join(["kubeinfer-sim", "run", *common])]
        lines.append(shlex.join(["kubeinfer-sim", "why", *common, "--at", format_duration(at)]))
    return "\n".join(lines)


def worst_moment(assessment: Assessment, judged: Judged | None) -> int:
    """When it is worst, ms: when fewest are ready, or at the end where something never comes about."""
    there = workloads_of(assessment)
    own = there.get(judged.owner) if judged is not None else None
    meant = list(there.values()) if own is None else [own]
    ends = judged is None or judged.name in ("completes", "completesWithin", "noStall")
    if not meant or (ends and assessment.outcome is not Outcome.COMPLETES):
        return assessment.run.ended_at
    lost = [(each.desired.at(each.whole.min_ready.at) - each.whole.min_ready.value, each) for each in meant]
    return max(lost, key=lambda each: each[0])[1].whole.min_ready.at


def why_text(run: Run, at: int) -> str:
    """What `why` says of a time, its first lines."""
    lines = render_why(run, moment_of(run, f"{at}ms", None), None).splitlines()
    more = [f"… and {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return "\n".join([*lines[:MOST_LINES], *more])
