"""The verdict: whether the run is green, and one plain sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, get_args

from msgspec import Struct

from kubeinfer_sim.cluster.records import NotPlacedAtStart, RequestRefused
from kubeinfer_sim.diagnostics import format_path, shown_value
from kubeinfer_sim.errors import expect
from kubeinfer_sim.experiment.figures import Figures, KubeInferFigures, figures
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.manifest.model import Kind
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.methods import WrittenIn
from kubeinfer_sim.metrics import Change, Judged, Judgement, Measures, Outcome
from kubeinfer_sim.metrics.attribution import CauseSummary
from kubeinfer_sim.metrics.availability import Availability
from kubeinfer_sim.metrics.bare_pods import BarePodOutcome
from kubeinfer_sim.metrics.cluster import ClusterMeasures
from kubeinfer_sim.metrics.deployments import DeploymentOutcome
from kubeinfer_sim.metrics.lives import InstanceLife
from kubeinfer_sim.metrics.nodes import DrainRun
from kubeinfer_sim.report import bare_pods
from kubeinfer_sim.report.complaints import complaint
from kubeinfer_sim.report.deployments import opening, sentence
from kubeinfer_sim.report.evictions import without_end
from kubeinfer_sim.report.killed_starts import killed_starts
from kubeinfer_sim.report.objectives import objective_text
from kubeinfer_sim.report.other_causes import dead_pods, other_causes, slow_pods
from kubeinfer_sim.report.pending import preempted_for
from kubeinfer_sim.report.rejections import without_pause
from kubeinfer_sim.report.run_end import due, given_up_since, standstill
from kubeinfer_sim.report.sentences import reset_held, unhealthy
from kubeinfer_sim.report.ways_out import of_draws, to_an_empty_node, to_room
from kubeinfer_sim.report.words import (
    clause,
    count,
    ended,
    for_how_long,
    listed,
    point,
    rounded,
)
from kubeinfer_sim.scenario.actions.names import action_name
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.simulation.run import Run

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.other_changes import OtherChange
    from kubeinfer_sim.experiment.ways_to_finish import WaysToFinish
    from kubeinfer_sim.metrics.demand import Demand
    from kubeinfer_sim.metrics.traffic import TrafficMeasures


#: How an objective came out, with its mark.
JUDGED = {Judgement.HELD: "✔ held", Judgement.MISSED: "✘ missed", Judgement.OPEN: "? open"}


class Verdict(Struct, frozen=True):
    """`holds`: all that was asked for came about and every objective was held."""

    holds: bool
    sentence: str


class Assessment(Struct, frozen=True):
    """A run with its numbers, judged: what every report is made from. See `Figures`.

    Attributes:
        came_about: all that was asked for did, and nothing stands against it, whatever the objectives are.
        ways: what lets a run finish that does not, where it was played again with changes.
    """

    run: Run
    cluster: ClusterMeasures
    kubeinfers: Mapping[str, KubeInferFigures]
    measures: Measures
    outcome: Outcome
    judged: tuple[Judged, ...]
    verdict: Verdict
    came_about: bool
    traffic: TrafficMeasures | None = None
    causes: tuple[CauseSummary, ...] = ()
    availability: Availability | None = None
    demand: Demand | None = None
    ways: WaysToFinish | None = None

    plot_timeline = WrittenIn("report.pictures", "plot_timeline")
    plot_stages = WrittenIn("report.pictures", "plot_stages")
    plot_accelerators = WrittenIn("report.pictures", "plot_accelerators")
    plot_lost_time = WrittenIn("report.pictures", "plot_lost_time")
    _repr_html_ = WrittenIn("report.notebook", "html_of")


def assess(run: Run) -> Assessment:
    """Measure and judge a run whose history was kept."""
    expect(run, (Run,), "assess", "assess(simulate(scenario))")
    return assess_figures(figures(run))


def assess_figures(measured: Figures) -> Assessment:
    """Judge a run that has been measured, as it went on or afterwards."""
    return Assessment(
        measured.run,
        measured.cluster,
        measured.kubeinfers,
        measured.measures,
        measured.outcome,
        measured.judged,
        _verdict(measured),
        measured.came_about,
        measured.traffic,
        measured.causes,
        measured.availability,
        measured.demand,
    )


def verdict_line(assessment: Assessment) -> str:
    """The verdict alone, on one line."""
    return f"{'✔' if assessment.verdict.holds else '✘'} {printable(assessment.verdict.sentence)}"


def npus_of_cluster(scenario: Scenario) -> int:
    """All NPUs the cluster's nodes offer."""
    return sum(accelerator_count(node.allocatable) for node in scenario.nodes)


def culprits(measures: Measures) -> list[InstanceLife]:
    """The instances that keep the run from its end: those of the stall that lasts, or all not ready.

    Those come last that wait for a place behind others: what the scheduler says of these is the reason for them, too.
    """
    missing = [life for life in measures.instances if life.state != "gone" and not life.is_lasting]
    stall = measures.open_stall
    if stall is not None:
        stuck = {ref.uid for ref in stall.instances}
        stalled = [life for life in measures.instances if life.instance.uid in stuck]
        # Meanwhile they may have come to wait like the others.
        missing = missing if stalled and all(map(_waits_in_silence, stalled)) else stalled
    return sorted(missing, key=_waits_in_silence)


def _waits_in_silence(life: InstanceLife) -> bool:
    return life.state == "pending" and life.pending is None and not life.unstable


def _verdict(measured: Figures) -> Verdict:
    judged, outcome = measured.judged, measured.outcome
    missed = [each for each in judged if each.judgement is not Judgement.HELD]
    if measured.run.end == "loop":
        return Verdict(False, f"{standstill(measured.run)}.")
    vain, unchanged = vain_lines(measured.cluster), _unchanged_lines(measured.cluster)
    endless = [
        *filter(None, (without_pause(measured.cluster.rejections), without_end(measured.cluster.evictions)))
    ]
    killed = measured.cluster.killed_starts if outcome is Outcome.COMPLETES else ()
    start = another_start(measured.cluster.unplaced)
    holds = measured.came_about and not missed
    several = len(measured.kubeinfers) > 1
    own = (
        _sentence_of_several(measured)
        if several
        else _sentence(measured.run, measured.measures, next(iter(measured.kubeinfers.values()), None))
    )
    if own.startswith(_NOTHING_HAPPENED) and measured.other_changes:
        own = f"The update restarts nothing; {_other_changes(measured.other_changes)}"
    drains = [text for text in _drains(measured) if _lower(text) not in _lower(own)]
    if drains and own.startswith((_NOTHING_HAPPENED, _NO_FAULT)):
        own, drains = opening(drains[0]), drains[1:]
    if own.startswith((_NOTHING_HAPPENED, _NO_FAULT)) and unchanged:
        own = f"{own}; {unchanged[0]}{_and_more(unchanged)}"
    sentence = "; ".join(filter(None, (own, *drains, *endless, preempted_for(measured.cluster.preemptions))))
    if outcome in (Outcome.NEVER, Outcome.UNFINISHED):
        sentence = "; ".join([sentence, *_held_resets(measured.cluster)])
    if dead := dead_pods(measured.cluster.instances, measured.traffic):
        sentence = f"{sentence}, but {dead}"
    if killed:
        sentence = f"{sentence}, but {killed_starts(killed)}"
    finished = outcome is Outcome.COMPLETES or measured.came_about
    if missed and finished:
        first = missed[0]
        word = "missed" if first.judgement is Judgement.MISSED else "open"
        which = objective_text(first)
        sentence = f"{sentence}, but {len(missed)} of {count(len(judged), 'objective')} {word}: {which}"
    elif others := [
        each for each in missed if each.judgement is Judgement.MISSED and not _is_of_the_end(each)
    ]:
        of = f"{len(others)} of {count(len(judged), 'objective')}"
        sentence = f"{sentence}; {of} missed besides: {objective_text(others[0])}"
    if start:
        sentence = f"{sentence}, but {start}"
    if vain:
        sentence = f"{sentence}, but {vain[0]}{_and_more(vain)}"
    return Verdict(holds, ended(sentence))


def _other_changes(made: Sequence[OtherChange]) -> str:
    """`PodDisruptionBudget prod/b changes (minAvailable 1 → 2) (and 1 more)`."""
    first = made[0]
    fields = [
        f"{format_path(each.path[each.path[0] == 'spec' :])} {shown_value(each.old)} → {shown_value(each.new)}"
        for each in first.changes
    ]
    told = f" ({fields[0]}{_and_more(fields)})" if fields else ""
    return f"{first.what}{told}{_and_more(made)}"


def another_start(unplaced: Sequence[NotPlacedAtStart]) -> str:
    """Of a run that does not begin as the user's cluster is: `the start is another: no place for chat-0, which …`."""
    if not unplaced:
        return ""
    first, why = unplaced[0], clause(unplaced[0].proof)
    more = _and_more(unplaced)
    why = f", which {why}" if why.startswith("needs") else f": {why}"
    return (
        f"it does not begin as your cluster is: no place for {first.instance.name}{more}{why}; "
        f"give the nodes it runs on, or initial: empty{of_draws(first.drawn_by)}"
    )


def vain_lines(cluster: ClusterMeasures) -> list[str]:
    """What was refused, and what struck nothing.

    `the rollback of Deployment/web at 2m is refused: error: no rollout history found for deployment "web"`;
    `the crash at 2h strikes nothing: no pod matched; there are instances 1 to 4`.
    """
    alike: dict[tuple[int, str, str], list[str]] = {}
    for each in cluster.refusals:
        if isinstance(each, RequestRefused):
            alike.setdefault((each.at, each.what, each.message), []).append(each.object)
        else:
            message = f"{clause(each.message)}{unhealthy(each.unhealthy)}"
            alike.setdefault((each.at, "eviction", message), []).append(f"Pod/{each.pod.name}")
    refused = [
        f"the {what} of {objects[0]}{_and_more(objects)} at {point(at)} is refused: {message}"
        for (at, what, message), objects in alike.items()
    ]
    struck = [
        f"the {action_name(each.action)} at {point(each.action.at)} strikes nothing: {each.there}"
        for each in cluster.idle.unmatched
    ]
    return refused + struck


def idle_lines(cluster: ClusterMeasures) -> list[str]:
    """What there is to warn of: what was in vain, and what left all as it was."""
    return vain_lines(cluster) + _unchanged_lines(cluster)


def _unchanged_lines(cluster: ClusterMeasures) -> list[str]:
    """What left all as it was: `the cordon at 2h changes nothing: cordoned already`."""
    return [
        f"the {action_name(each.action)} at {point(each.action.at)} changes nothing: {each.why}"
        for each in cluster.idle.unchanged
    ]


def _and_more(told: Sequence[object]) -> str:
    """What to say of all but the first."""
    return f" (and {len(told) - 1:,} more)" if len(told) > 1 else ""


def _drains(measured: Figures) -> list[str]:
    """The drains that have not emptied their nodes, and what each waits for."""
    return [_drain(measured.run, each) for each in measured.cluster.drains if each.in_vain]


def _drain(run: Run, drain: DrainRun) -> str:
    """`the drain of node-0 never ends: cannot evict chat-0: the disruption budget …`."""
    if drain.ended is not None:
        return f"the drain of {drain.node} fails: {clause(drain.complaint)}"
    way_out = to_an_empty_node(pods_help=drain.pods_help) if drain.held else ""
    how = "is not done at the horizon" if run.end == "horizon" else "never ends"
    return f"the drain of {drain.node} {how}: {clause(drain.complaint)}{unhealthy(drain.unhealthy)}{way_out}"


def _held_resets(cluster: ClusterMeasures) -> list[str]:
    """Who holds up the reset of an NPU to the end: `npu3 of node-0 waits for its ring: chat-1-serve-0 still runs …`."""
    held = [each.held for each in cluster.npu_outages if each.held is not None]
    if not held:
        return []
    more = f" (and {count(len(held) - 1, 'more reset')} like it)" if len(held) > 1 else ""
    return [f"{reset_held(held[0])}{more}; draining {held[0].node} would let it go on"]


_NOTHING_HAPPENED = "Nothing happened"
_NO_FAULT = "No fault disturbed what is running"


def _undisturbed(run: Run) -> str:
    if run.scenario.may_pass_undisturbed:
        return _NO_FAULT
    return f"{_NOTHING_HAPPENED}: what is running is neither changed nor disturbed"


def _sentence_of_several(measured: Figures) -> str:
    """How each KubeInfer and each Deployment that was touched came out, under its name; what fails first."""
    parts = [
        (
            own.measures.outcome is Outcome.COMPLETES,
            f"{name}: {_lower(_own_sentence(measured.run, own))}",
        )
        for name, own in measured.kubeinfers.items()
        if own.measures.outcome is not Outcome.NOTHING
    ]
    parts += _others(measured.run, measured.measures)
    if not parts:
        return _undisturbed(measured.run)
    parts.sort(key=lambda part: part[0])
    text = "; ".join(text for _, text in parts)
    return f"T{text[1:]}" if text.startswith("the ") else text  # else it begins with a name


def _others(run: Run, measures: Measures) -> list[tuple[bool, str]]:
    """Whether each other workload that was touched came to its end, and how."""
    deployments = [
        (each.holds, sentence(each, due=_due(run), how_long=_how_long(run), stranded=measures.stranded))
        for each in measures.deployments
        if each.outcome is not DeploymentOutcome.UNTOUCHED
    ]
    pods = [
        (each.holds, bare_pods.sentence(each))
        for each in measures.bare_pods
        if each.outcome is not BarePodOutcome.UNTOUCHED
    ]
    return deployments + pods


def _lower(text: str) -> str:
    """A sentence that goes on after another; kinds are names."""
    return text if text.partition(" ")[0] in get_args(Kind) else text[:1].lower() + text[1:]


def _sentence(run: Run, measures: Measures, only: KubeInferFigures | None) -> str:
    """How the KubeInfer came out, then each other workload that was touched; the one that fails first."""
    told = _others(run, measures)
    told.sort(key=lambda each: each[0])
    parts = [text for _, text in told]
    if only is not None and measures.desired.points and not (parts and measures.outcome is Outcome.NOTHING):
        own = _own_sentence(run, only)
        parts.insert(0 if measures.outcome is not Outcome.COMPLETES or not told or told[0][0] else 1, own)
    if not parts and measures.outcome is Outcome.COMPLETES:
        parts = [sentence(each) for each in measures.deployments]
        parts += [bare_pods.sentence(each) for each in measures.bare_pods]
    if not parts:
        return _undisturbed(run)
    return opening("; ".join([parts[0], *map(_lower, parts[1:])]))


def _own_sentence(run: Run, own: KubeInferFigures) -> str:
    """How one KubeInfer came out, and what else than its own changes had a part in that."""
    measures = own.measures
    text = _SENTENCES[measures.outcome](run, measures)
    others = other_causes(text, measures, focus(measures), own.causes)
    return f"{text}{others}{slow_pods(own.availability)}"


def _is_of_the_end(judged: Judged) -> bool:
    """Whether it asks for what a sentence on a run that does not finish says anyway."""
    return judged.name in ("completes", "completesWithin", "noStall")


def _completes(run: Run, measures: Measures) -> str:
    change = focus(measures)
    if change is None:
        low = measures.whole.min_ready.value
        wanted = measures.desired.last
        disturbed = any(life.concerning or life.container_restarts for life in measures.instances)
        if low >= measures.desired.highest() and not disturbed:
            return f"{_all(wanted, 'stay')} ready throughout"
        return f"{_all(wanted, 'are')} ready in the end; {_in_service(measures, whole=True)}"
    took = rounded(change.duration or 0)
    if change.is_update:
        newest = sum(c.is_update for c in measures.changes)
        which = f"The last of {newest} updates" if newest > 1 else "The update"
        return f"{which} completes in {took}; {_in_service(measures)}"
    if "created" in change.changed:
        return f"{_all(change.replicas, 'are')} ready after {took}"
    if change.is_deletion:
        return f"The KubeInfer is deleted at {point(change.at)}; its last pod is gone after {took}"
    scaling = f"Scaling to {count(change.replicas, 'instance')} completes in {took}"
    return f"{scaling}; {_in_service(measures)}" if change.replicas else scaling


def _never(run: Run, measures: Measures) -> str:
    change = focus(measures)
    if measures.aborted is not None and not measures.losing and change is not None:
        back = f"is aborted at {rounded(change.at)} ({measures.aborted.aborted})"
        return f"The update {back} and the old revision serves on; {_left(run, measures)}"
    what = _subject(change)
    why = given_up_since(run) if run.end == "quiet" else ""
    stuck = culprits(measures)
    if stuck:
        why = complaint(stuck[0], measures.stranded)
        if len(stuck) > 1:
            why += f" ({count(len(stuck) - 1, 'more instance')} like it)"
        if stuck[0].pending is not None and change is not None and change.is_update:
            why += to_room(stuck[0].pending, change.unavailable, "instance")
    drain = next((each for each in measures.drains if each.in_vain), None)
    if drain is not None and not measures.losing and (change is None or change.completed is not None):
        return opening(_drain(run, drain))
    if change is None and not measures.losing:
        return f"{what} never settles: {why}{_due(run)}"
    if change is None or (change.completed is not None and measures.losing):
        missing = f"{measures.losing:,} of {count(measures.desired.last, 'instance')}"
        return f"{missing} missing {_how_long(run)}: {why}{_due(run)}"
    if change.completed is not None:
        return f"{what} completes in {rounded(change.duration or 0)}, but it never settles: {why}"
    return f"{what} never finishes: {why}; {_left(run, measures)}{_due(run)}"


def _unfinished(run: Run, measures: Measures) -> str:
    change = focus(measures)
    horizon = format_duration(measures.ended_at)
    ready, wanted = measures.ready.last, measures.desired.last
    if change is None or change.completed is not None:
        if any(life.unstable for life in measures.instances):
            missing = (
                f"{measures.losing:,} of {count(wanted, 'instance')} missing at the horizon of {horizon}"
            )
            why = _held_up(run, measures).removeprefix("; ")
            return f"{missing}: {why}" if why else missing
        text = f"At the horizon of {horizon} {ready:,} of {count(wanted, 'instance')} ready"
        return text + _held_up(run, measures)
    text = f"{_subject(change)} is not finished at the horizon of {horizon}"
    if change.is_update:
        new = measures.by_revision[change.revision].last
        return f"{text}: {new:,} of {count(wanted, 'instance')} new and ready{_held_up(run, measures)}"
    return f"{text}: {ready:,} of {count(wanted, 'instance')} ready{_held_up(run, measures)}"


def _held_up(run: Run, measures: Measures) -> str:
    """`; chat-0 does not become ready, restarted 36 times: …`; nothing of those that are merely on their way."""
    stuck = [
        life
        for life in culprits(measures)
        if life.pending is not None
        or life.failed
        or life.restarts
        or life.container_restarts
        or any(pod.pod in measures.stranded or pod.held or (pod.stays and pod.trouble) for pod in life.pods)
    ]
    if not stuck:
        return ""
    more = f" ({count(len(stuck) - 1, 'more instance')} like it)" if len(stuck) > 1 else ""
    return f"; {complaint(stuck[0], measures.stranded)}{more}{_due(run)}"


def _nothing(run: Run, measures: Measures) -> str:
    later = [change for change in measures.changes if "created" not in change.changed]
    if measures.desired.highest() == 0:
        return f"{_NOTHING_HAPPENED}: there are no instances (replicas: 0)"
    if not later and run.scenario.may_pass_undisturbed:
        return _NO_FAULT
    if not later:
        return f"{_NOTHING_HAPPENED}: the scenario neither changes nor disturbs what is running"
    changed = [name for name in later[-1].changed if name != "nothing"]
    if changed:
        return f"{_NOTHING_HAPPENED}: only {listed(changed)} changed, so no instance is touched"
    return f"{_NOTHING_HAPPENED}: what is applied is what is running (the role templates are the same)"


_SENTENCES = {
    Outcome.COMPLETES: _completes,
    Outcome.NEVER: _never,
    Outcome.UNFINISHED: _unfinished,
    Outcome.NOTHING: _nothing,
}


def focus(measures: Measures) -> Change | None:
    """The change the run is about: the newest update if it ends the run, else the last that moves instances.

    None when what ran at the start was only disturbed (a drain, a failing health check).
    """
    last, update = measures.last_material, measures.update
    if update is None or last is None or update.superseded is not None:
        pass
    elif update.completed in (None, last.completed):
        return update
    if last is not None and "created" in last.changed and last.duration == 0:
        return None
    return last


def _subject(change: Change | None) -> str:
    if change is None:
        return "The KubeInfer"
    if change.is_update:
        return "The update"
    if "created" in change.changed:
        return "The deployment"
    return "The deletion" if change.is_deletion else f"Scaling to {count(change.replicas, 'instance')}"


def _in_service(measures: Measures, *, whole: bool = False) -> str:
    """`at least 2 of 2 instances stay ready`."""
    service = measures.whole if whole else measures.service
    low = service.min_ready
    wanted = measures.desired.between(service.since, service.until)
    of = f" of {wanted[0]:,}" if len(wanted) == 1 else ""
    if low.value == 0:
        return f"no instance is ready {for_how_long(low.lasting)}"
    plural = "s stay" if (wanted[0] if of else low.value) != 1 else " stays"
    return f"at least {low.value:,}{of} instance{plural} ready"


def _left(run: Run, measures: Measures) -> str:
    if measures.losing:
        return f"{measures.losing:,} of {count(measures.desired.last, 'instance')} missing {_how_long(run)}"
    return _in_service(measures)


def _how_long(run: Run) -> str:
    """What is missing is missing for good, unless something is due that may bring it back."""
    if not run.due:
        return "for good"
    return {"quiet": "when the run is given up", "settled": "in the end"}.get(run.end, "at the horizon")


def _due(run: Run) -> str:
    """`; still due: the repair of node-0/npu1 at 2d`, of a run that ended before that."""
    return f"; still due: {due(run)}" if run.due else ""


def _all(number: int, verb: str) -> str:
    """`All 4 instances are`, `Both instances are`, `The instance is`."""
    if number == 1:
        return f"The instance {'is' if verb == 'are' else verb + 's'}"
    return f"{'Both' if number == 2 else f'All {number:,}'} instances {verb}"
