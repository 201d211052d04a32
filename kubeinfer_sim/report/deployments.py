"""Deployments, and ReplicaSets without one, in the report: one section each, and their part of the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from kubeinfer_sim.cluster.records import PodRef
from kubeinfer_sim.cluster.stages import SERVING
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.metrics.cause_kinds import TAINT_EVICTION
from kubeinfer_sim.metrics.deployments import DeploymentMeasures, DeploymentOutcome
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.nodes import StrandedPod
from kubeinfer_sim.metrics.steps import Low
from kubeinfer_sim.report.causes import cause_text, first_cause
from kubeinfer_sim.report.complaints import pod_complaint
from kubeinfer_sim.report.lost_time import losses, lost_time_lines
from kubeinfer_sim.report.paragraph import Part, figure_table
from kubeinfer_sim.report.pending import node_verdicts
from kubeinfer_sim.report.sentences import deleted_for
from kubeinfer_sim.report.stranded import stranded as stranded_text
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.ways_out import go_on, to_admission, to_room
from kubeinfer_sim.report.words import count, for_how_long, instance_seconds, point, rounded
from kubeinfer_sim.scenario.units import format_duration

MOST_PODS = 12
#: The row of what was lost, in whose place the report at length has a part.
LOST_TIME = "Lost time"


def sentence(
    measures: DeploymentMeasures,
    *,
    due: str = "",
    how_long: str = "for good",
    stranded: Mapping[PodRef, StrandedPod] | None = None,
) -> str:
    """How the Deployment came out, without a full stop.

    `due` is what will be mended later, `how_long` says how long pods are missing, `stranded` are those on nodes that
    are down.
    """
    on_dead_nodes = stranded or {}
    name = f"{measures.kind} {printable(measures.name)}"
    change, outcome = measures.focus, measures.outcome
    if change is None:
        what = name
    elif change.is_update:
        what = f"the update of {name}"
    elif "created" in change.changed:
        what = f"the creation of {name}"
    else:
        what = f"scaling {name} to {count(change.replicas, 'pod')}"
    match outcome:
        case DeploymentOutcome.UNTOUCHED:
            there = f"{count(measures.desired.last, 'pod')} available"
            if any(pod.was_idle for life in measures.pods for pod in life.pods) and not measures.slowed:
                return f"{name} stays as it is: {there}"
            if measures.slowed:
                return f"{name} stays as it is: {there}, and faults slow {len(measures.slowed):,} of them"
            return f"{name} is not touched: {there}"
        case DeploymentOutcome.DELETED:
            return f"{name} is deleted at {rounded(measures.changes[-1].at)}"
        case DeploymentOutcome.COMPLETES if change is None:
            return f"{name} is complete in the end; {_available(measures)}"
        case DeploymentOutcome.COMPLETES:
            took = rounded((change.duration if change is not None else None) or 0)
            if change is not None and "created" in change.changed:
                again = (
                    f"; {_available(measures)}"
                    if measures.since < change.at or _is_disturbed(measures)
                    else ""
                )
                return f"{name} is available after {took}{again}"
            done = "replaces no pod" if _replaces_nothing(measures) else f"completes in {took}"
            return f"{what} {done}{_kept(measures)}; {_available(measures)}{_held_up(measures)}"
        case DeploymentOutcome.PAUSED:
            # Pods are scaled while it is paused, in proportion: what waits is the template.
            if any(
                each.is_update and not each.completed and not each.superseded for each in measures.changes
            ):
                what = f"the update of {name}"
            held_by = why(measures, on_dead_nodes) if measures.missing else ""
            reason = f"; {held_by}" if held_by else ""
            return (
                f"{what} is paused before it is complete: {_counts(measures)}{reason}{go_on('resuming it')}"
            )
        case DeploymentOutcome.UNFINISHED:
            held = any(
                life.pending is not None
                or life.pods[0].trouble
                or life.pods[0].held
                or life.pods[0].pod in on_dead_nodes
                for life in _stuck(measures)
            )
            held_by = f"{why(measures, on_dead_nodes)}{due}" if measures.refused or held else ""
            reason = f"; {held_by}" if held_by else ""
            if change is None or change.completed is not None:
                wanted = count(measures.desired.last, "pod")
                began_with = first_cause(measures.during.disturbed_by, reason)
                if any(life.unstable for life in measures.pods):
                    missing = f"{measures.missing:,} of {wanted} of {name} missing at the horizon"
                    return f"{missing}{f': {held_by}' if held_by else ''}{began_with}"
                left = f"{measures.available.last:,} of {wanted} of {name} available"
                return f"at the horizon {left}{reason}{began_with}"
            return f"{what} is not finished when the run ends: {_counts(measures)}{reason}"
    reason = why(measures, on_dead_nodes)
    because = f": {reason}" if reason else ""
    if change is None or change.completed is not None:
        missing = f"{measures.missing:,} of {count(measures.desired.last, 'pod')}"
        began_with = first_cause(measures.during.disturbed_by, because)
        return f"{missing} of {name} missing {how_long}{because}{began_with}{due}"
    began_with = first_cause([each.began_with for each in measures.held_up_by if each.missing], because)
    return f"{what} never finishes{because}; {_available(measures)}{began_with}{due}"


def opening(text: str) -> str:
    """The sentence with its first letter large."""
    return text[:1].upper() + text[1:]


def why(measures: DeploymentMeasures, stranded: Mapping[PodRef, StrandedPod]) -> str:
    """Why a Deployment does not get to its end: what its pods lack, or why the API server refuses them."""
    if measures.refused:
        return (
            f"its pods are refused (FailedCreate): {measures.refused.message}{to_admission(measures.refused)}"
        )
    stuck = _stuck(measures)
    own = {life.instance for life in measures.pods}
    there = {pod: each for pod, each in stranded.items() if pod.instance in own}
    dead = stranded_text(there, " is ") if there else ""
    if not stuck or (dead and all(not life.pending and not life.pods[0].trouble for life in stuck)):
        return dead
    first = pod_complaint(stuck[0])
    first = first if len(stuck) == 1 else f"{first} ({count(len(stuck) - 1, 'more pod')} not ready)"
    change, pending = measures.focus, stuck[0].pending
    if pending is not None and change is not None and change.is_update and change.completed is None:
        first += to_room(pending, change.unavailable, "pod")
    return f"{first}; {dead}" if dead else first


def sections(
    deployments: Sequence[DeploymentMeasures], stages_for: Family | None = None
) -> Iterable[tuple[str, list[Part]]]:
    """Title and content of each Deployment's section; with a family of accelerators also the stages of lost time."""
    for measures in deployments:
        yield f"{measures.kind} {printable(measures.name)}", _section(measures, stages_for)


def rows_of(measures: DeploymentMeasures) -> list[tuple[str, str | Text]]:
    """Name and text of what there is to say of a Deployment: its change, budgets, what was available, its pods."""
    rows: list[tuple[str, str | Text]] = []
    change = measures.focus
    if change is not None:
        word = "Update" if change.is_update else "Creation" if "created" in change.changed else "Scaling"
        done = change.completed
        if done is not None:
            took = format_duration(done - change.at)
            span = f"from {format_duration(change.at)} to {format_duration(done)}"
            rows.append((word, f"{took}, {span}"))
        else:
            rows.append((word, f"not finished, since {format_duration(change.at)}"))
        if change.is_update:
            low = change.replicas - change.unavailable
            budgets = f"maxUnavailable {change.unavailable:,} (at least {low:,} available)"
            if measures.kind != "StatefulSet":  # its pods keep their names: there is none beside the old one
                most = count(change.replicas + change.surge, "pod")
                budgets = f"maxSurge {change.surge:,} (up to {most}), {budgets}"
            rows.append(("Budgets", budgets))
        if kept := _kept(measures).removeprefix(": "):
            rows.append(("Kept", kept))
    rows.append(("Available", _available(measures)))
    if conditions := _conditions(measures):
        rows.append(("Conditions", conditions))
    if measures.refused:
        rows.append(("Refused", printable(measures.refused.message)))
    if measures.exceeded:
        rows.append(("Deadline", _deadline(measures)))
    gone = sum(life.pods[0].deleting is not None for life in measures.pods if life.pods)
    finished = [life.pods[0] for life in measures.pods if life.pods and life.pods[0].finished is not None]
    failed = sum(pod.rejected for pod in finished)
    rejected = f", {failed:,} of them rejected by their nodes" if failed else ""
    if ended := Counter(pod.reason for pod in finished if not pod.rejected):
        why_ended = printable(", ".join(reason for reason, _ in ended.most_common()))
        rejected += f", {ended.total():,} of them ended for good ({why_ended})"
    restarts = sum(life.container_restarts for life in measures.pods)
    restarted = f", {count(restarts, 'container restart')}" if restarts else ""
    if restarts and (reasons := ", ".join(each for each, _ in measures.ends_of_containers.most_common())):
        restarted += f" ({printable(reasons)})"
    rows.append(("Pods", f"{len(measures.pods):,} in all, {gone:,} of them deleted{rejected}{restarted}"))
    if collected := sum(life.pods[0].deletion == "PodGC" for life in measures.pods if life.pods):
        rows.append(("Collected", f"{count(collected, 'pod')} ({deleted_for('PodGC')}: no such node)"))
    for reason, evicted in measures.evictions.most_common():
        rows.append(("Evicted", f"{count(evicted, 'pod')} ({deleted_for(reason)})"))
    if lost := losses(measures.causes, "pod"):
        rows.append((LOST_TIME, "\n".join(map(printable, lost))))
    return rows


def reasons_of(measures: DeploymentMeasures) -> list[str]:
    """What each of its pods lacks that is not ready at the end."""
    return [pod_complaint(life) for life in _stuck(measures)]


def _section(measures: DeploymentMeasures, stages_for: Family | None) -> list[Part]:
    rows = rows_of(measures)
    in_short = [row for row in rows if row[0] != LOST_TIME]
    blocks = figure_table(rows if stages_for is None else in_short)
    if stages_for is not None and len(in_short) < len(rows):
        blocks.append(Text(LOST_TIME, "dim"))
        blocks += lost_time_lines(measures.causes, stages_for, "pod")
    for life in _stuck(measures)[:MOST_PODS]:
        blocks.append(Text(printable(pod_complaint(life))))
        if life.pending is not None and life.pending.message:
            blocks.append(Text(f"  the scheduler: {printable(life.pending.message)}", style="dim"))
            blocks += [Text(f"    {printable(text)}", style="dim") for text in node_verdicts(life.pending)]
    return blocks


def _conditions(measures: DeploymentMeasures) -> str:
    """`Available=False since 5m, ReplicaFailure=True (FailedCreate) since 1m`: those it has, as kubectl names them."""
    if not measures.conditions or measures.kind not in ("Deployment", "ReplicaSet"):
        return ""
    last, said = measures.conditions[-1], []
    if measures.kind == "Deployment":  # a ReplicaSet has none but the last
        said.append((f"Available={last.available}", measures.condition_since(lambda each: each.available)))
        if last.reason:
            since = measures.condition_since(lambda each: (each.progressing, each.reason))
            said.append((f"Progressing={last.progressing} ({last.reason})", since))
    if last.failure:
        since = measures.condition_since(lambda each: each.failure)
        said.append((f"ReplicaFailure=True ({last.failure})", since))
    alike = groupby(said, key=lambda each: each[1])
    return ", ".join(
        f"{', '.join(text for text, _ in group)} since {format_duration(since)}" for since, group in alike
    )


def _deadline(measures: DeploymentMeasures) -> Text:
    times = measures.exceeded
    since, until = times[0]
    end = "until the end" if until is None else f"until {format_duration(until)}"
    text = f"ProgressDeadlineExceeded from {format_duration(since)} {end}"
    if len(times) > 1:
        last = times[-1][1]
        again = (
            "the last time until the end" if last is None else f"the last time until {format_duration(last)}"
        )
        text += f", {len(times):,} times, {again}"
    return Text(f"{text}; it stops nothing", "red" if times[-1][1] is None else "yellow")


def _stuck(measures: DeploymentMeasures) -> list[InstanceLife]:
    """The pods that are not ready at the end; where there are none, those that are deleted and stay.

    Those that can tell why come first.
    """
    if measures.holds:
        return []
    there = [life for life in measures.pods if life.pods and life.pods[0].gone is None]
    pods = [
        life
        for life in there
        if life.pods[0].deleting is None
        and (life.pods[0].stage != SERVING or life.unstable)
        # To its ReplicaSet a pod that has failed is no more; a DaemonSet's back-off keeps it in the way.
        and (life.pods[0].finished is None or measures.kind == "DaemonSet")
    ]
    # One that a taint evicts is replaced at once: a ReplicaSet does not wait for it.
    waits_for_all = measures.kind in ("StatefulSet", "DaemonSet")
    going = [
        life
        for life in there
        if life.pods[0].deleting is not None
        and (waits_for_all or life.pods[0].deletion != TAINT_EVICTION or life.pods[0].held)
    ]
    return sorted(pods, key=lambda life: life.pending is None and not life.pods[0].trouble) or going


def _available(measures: DeploymentMeasures) -> str:
    low = measures.low
    wanted = measures.desired.between(measures.since, measures.until)
    of = f" of {wanted[0]:,}" if len(wanted) == 1 else f" (asked for: {wanted[0]:,} to {wanted[-1]:,})"
    if low.value == 0 and wanted[-1]:
        text = f"no pod is available {_for_how_long(measures, low, measures.until)}"
    else:
        since = f" from {point(measures.since)} on" if 0 < measures.since == measures.owed_from else ""
        text = f"at least {low.value:,}{of} pod{'' if wanted[-1] == 1 else 's'} available{since}"
    return f"{text}{_disturbed(measures)}{_at_other_times(measures)}"


def _replaces_nothing(measures: DeploymentMeasures) -> bool:
    """Whether all pods that are there have an earlier template than the one that was asked for last."""
    if measures.focus is None or not measures.focus.leaves:
        return False
    kept, there = measures.kept
    return 0 < there == kept


def _kept(measures: DeploymentMeasures) -> str:
    """`: 2 of 3 pods keep the template they had (partition 2)`: what an update leaves as it is."""
    change = measures.focus
    if change is None or not change.is_update or not change.leaves:
        return ""
    kept, there = measures.kept
    if not kept:
        return ""
    waits = "" if change.leaves.startswith("partition") else " until somebody deletes them"
    verb = "keeps" if there == 1 else "keep"
    return f": {kept:,} of {count(there, 'pod')} {verb} the template they had{waits} ({change.leaves})"


def _is_disturbed(measures: DeploymentMeasures) -> bool:
    """Whether anything but its own changes took pods away while they were owed."""
    times = (measures.earlier, measures.during, measures.later)
    return any(fewest.disturbed_by for fewest in times if fewest is not None)


def _at_other_times(measures: DeploymentMeasures) -> str:
    """`; before that only 2 for 9m50s (…); later none for 5m4s (…)`: apart from the changes the sentence is about."""
    text = ""
    for when, fewest in (("before that", measures.earlier), ("later", measures.later)):
        if fewest is None:
            continue
        low = fewest.low
        later = when == "later" and low.value < min(measures.low.value, measures.desired.at(low.at))
        if fewest.disturbed_by or later:
            few = f"only {low.value:,}" if low.value else "none"
            causes = f" ({_causes(fewest.disturbed_by)})" if fewest.disturbed_by else ""
            until = measures.since if when == "before that" else None
            text += f"; {when} {few} {_for_how_long(measures, low, until)}{causes}"
    return text


def _for_how_long(measures: DeploymentMeasures, low: Low, until: int | None) -> str:
    """`for 5m4s`; of so few that they are never more again `from 2h on`, or `for 1h in all, and to the end`.

    `until`: the end of the time that is looked at, in ms (None: the run's).
    """
    last_at, last = measures.available.points[-1] if measures.available.points else (0, 0)
    ends = until is None or last_at <= until
    settled = measures.outcome is DeploymentOutcome.NEVER and not any(life.unstable for life in measures.pods)
    if not (settled and ends and last == low.value and low.lasting):
        return for_how_long(low.lasting)
    if low.at == last_at:
        return f"from {point(last_at)} on"
    return f"for {rounded(low.lasting)} in all, and to the end"


def _disturbed(measures: DeploymentMeasures) -> str:
    """What else than its own changes took pods away: `, fewer than the 2 that its strategy keeps (… at 3m)`."""
    change, during = measures.focus, measures.during
    if not during.disturbed_by:
        return ""
    kept = f", fewer than the {during.kept:,} that its strategy keeps"
    fewer = kept if change is not None and change.is_update and during.low.value else ""
    return f"{fewer} ({_causes(during.disturbed_by)})"


def _held_up(measures: DeploymentMeasures) -> str:
    """`; 1,275 pod-seconds lost besides (image fault of repo/vllm:v2 at 1s)`: what held its pods up."""
    lost = sum(each.total for each in measures.held_up_by)
    causes = [each.began_with for each in measures.held_up_by if each.began_with is not None]
    return f"; {instance_seconds(lost, 'pod')} lost besides ({_causes(causes)})" if lost else ""


def _causes(causes: Sequence[Record]) -> str:
    """`chat-0 ended (Error) at 3m and 2 more causes`"""
    more = f" and {count(len(causes) - 1, 'more cause')}" if len(causes) > 1 else ""
    return f"{cause_text(causes[0], held=True)}{more}"


def _counts(measures: DeploymentMeasures) -> str:
    updated, wanted = measures.updated.last, measures.desired.last
    return f"{updated:,} of {count(wanted, 'pod')} updated, {measures.lasting:,} available"
