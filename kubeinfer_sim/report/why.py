"""`why` for people: what the state is at one time, what led to it, and what will end it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kubeinfer_sim.cluster.records import SetUpContinued
from kubeinfer_sim.cluster.stages import StageName
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.accelerators import Family
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.manifest.wrapping import wrap
from kubeinfer_sim.metrics.moment import (
    InstanceMoment,
    Moment,
    PodMoment,
    Which,
    instances_ever,
    look,
)
from kubeinfer_sim.metrics.under_way import Lasting
from kubeinfer_sim.report.moment import (
    ending_sentence,
    failures_between,
    headline,
    lasting_sentence,
    pods_sentence,
    refused_sentence,
    state_sentence,
)
from kubeinfer_sim.report.run_end import why_it_ended
from kubeinfer_sim.report.sentences import sentence
from kubeinfer_sim.report.words import (
    configured,
    count,
    ended,
    listed,
    ordinals,
    plain,
    point,
)
from kubeinfer_sim.scenario.units import format_duration, parse_duration
from kubeinfer_sim.simulation.run import Run

#: Instances told in full when none is asked for; steps of a chain; pods of an instance.
MOST_INSTANCES, MOST_STEPS, MOST_PODS = 4, 16, 4


def instance_meant(run: Run, instance: int | str | None) -> Which | None:
    """Which instances are meant by an ordinal, or a name (`chat-1`); None: all.

    Raises:
        UsageError: the run has no such instance at any time.
    """
    if instance is None:
        return None
    owner, _, number = str(instance).rpartition("-")
    if not number.isdecimal() or len(number) > 9:
        raise UsageError(f"--instance {instance}: expected an ordinal, or a name such as chat-1")
    which, ever = Which(owner, int(number)), instances_ever(run.history)
    if not any(map(which.means, ever)):
        of = [ref for ref in ever if owner in ("", ref.owner)]
        there = ordinals(sorted({ref.ordinal for ref in of}))
        known = f"there are {there}" if of else "the run has no instances of a KubeInfer"
        if owner and not of and ever:
            known = f"the KubeInfers are {listed(list(dict.fromkeys(ref.owner for ref in ever)))}"
        what = (
            "no instance has this ordinal at any time"
            if not owner
            else "there is no such instance at any time"
        )
        raise UsageError(f"--instance {instance}: {what}; {known}")
    return which


def time_meant(at: str) -> int:
    """The time the user named, in ms.

    Raises:
        UsageError: it is no duration with its unit.
    """
    try:
        return parse_duration(at)
    except ValueError as error:
        raise UsageError(f"--at: {error}") from None


def moment_of(run: Run, at: str, instance: int | str | None) -> Moment:
    """The run at a time the user named.

    Args:
        run: a finished simulation.
        at: a duration from the start, with its unit: `2h13m`.
        instance: an ordinal or a name, None for all.

    Raises:
        UsageError: no time within the run, an instance that never exists, or a run without its history.
    """
    if not run.history.keep:
        raise UsageError("why reads the history: it needs a run simulated with keep=True")
    when = time_meant(at)
    if when > run.ended_at and not run.over:  # where it is over, all stays as it is
        end = format_duration(run.ended_at)
        more = "--horizon makes it longer" if run.end == "horizon" else f"--at {end} is how it stays"
        raise UsageError(f"--at {at}: the run ends at {end} ({why_it_ended(run)}); {more}")
    return look(run.history, when, run.ended_at, only=instance_meant(run, instance))


def render_why(
    run: Run, moment: Moment, instance: int | str | None, *, width: int = 80, unicode: bool = True
) -> str:
    """The answer as text, lines at most `width` columns wide.

    Args:
        run: the simulation.
        moment: what `moment_of` found in it.
        instance: the ordinal or the name that was asked for, None for all.
        width: columns of the terminal.
        unicode: False replaces everything drawn beyond ASCII.
    """
    lines: list[str] = []
    told = list(_lines(run, moment, instance_meant(run, instance)))
    times = max((len(text.partition("\t")[0]) for _, text in told if "\t" in text), default=0)
    if facts := configured(run.scenario.configuration):
        told += [(0, ""), (0, facts)]
    for indent, text in told:
        lines += _wrapped(text, indent, width, max(times, 8)) if text else [""]
    answer = "\n".join(lines).rstrip("\n") + "\n"
    return answer if unicode else plain(answer)


def _wrapped(text: str, indent: int, width: int, times: int) -> list[str]:
    """A paragraph; of a step (time, tab, sentence) the sentence hangs beside its time, `times` columns wide."""
    time, tab, rest = text.partition("\t")
    text, rest = printable(time), printable(rest)
    first, later = " " * indent, " " * indent
    if tab:
        first, later, text = f"{first}{time:<{times}} ", f"{later}{'':<{times + 1}}", rest
    return wrap(text, width, first=first, later=later)


def _lines(run: Run, moment: Moment, only: Which | None) -> Iterator[tuple[int, str]]:
    family = run.scenario.accelerator_family
    yield 0, headline(moment)
    if moment.quiet:
        yield 0, _nothing_yet(moment, family)
    if moment.under_way:
        yield 0, ""
        yield 0, "Under way"
        yield from ((2, _lasting(run, each)) for each in moment.under_way)
    if moment.refused:
        yield 0, ""
        yield 0, "Refused"
        yield from ((2, text) for text in _steps(moment.refused, family))
    if only is not None:
        if not moment.instances:
            yield 0, _absent(run, moment, only)
        for each in moment.instances:
            yield 0, ""
            yield from _told(run, moment, each, family)
        return
    waiting = [each for each in moment.instances if each.state != "ready" or each.given_up]
    waiting.sort(key=lambda each: _badness(each, run.ended_at))
    for each in waiting[:MOST_INSTANCES]:
        yield 0, ""
        yield from _told(run, moment, each, family)
    if rest := waiting[MOST_INSTANCES:]:
        yield 0, ""
        yield 0, f"… and {len(rest):,} more: {listed([each.instance.name for each in rest], 8)}"
    for told in moment.deployments:
        if told.refused is not None:
            yield 0, ""
            yield 0, refused_sentence(told, told.refused)
    if (missing := _not_created(moment)) > 0:
        yield 0, ""
        verb = "does" if missing == 1 else "do"
        yield (
            0,
            f"{count(missing, 'instance')} that {'is' if missing == 1 else 'are'} wanted {verb} not exist.",
        )
    yield from _ready(moment, heading=bool(waiting))


def _lasting(run: Run, each: Lasting) -> str:
    return f"{point(each.since)}\t{lasting_sentence(run, each)}"


def _nothing_yet(moment: Moment, family: Family) -> str:
    if moment.first is None:
        return "Nothing has happened by then, and nothing will: what ran at the start runs on."
    when = point(moment.first.at)
    return ended(
        f"Nothing has happened by then; the first thing is at {when}: {sentence(moment.first, family)}"
    )


def _badness(each: InstanceMoment, ended_at: int) -> tuple[int, int, int]:
    """Those whose service is missing first, and of them those that are missing longest from here on."""
    left = ended_at + 1 if each.ending == "never" or each.ended_at is None else each.ended_at
    order = {"terminating": 1, "ready": 2}  # ready, but not whole
    return (order.get(each.state, 0), -left, each.since)


def _not_created(moment: Moment) -> int:
    there = [each for each in moment.instances if each.instance.has_roles]
    return moment.wanted - sum(each.state != "terminating" for each in there)


def _ready(moment: Moment, *, heading: bool) -> Iterator[tuple[int, str]]:
    """One line for all that became ready at the same time."""
    groups: dict[tuple[str, str, int], list[int]] = {}
    for each in moment.instances:
        if each.state == "ready" and not each.given_up:
            ref = each.instance
            groups.setdefault((ref.kind, ref.owner, each.since), []).append(ref.ordinal)
    if groups:
        yield 0, ""
        yield 0, "Ready"
    shown = list(groups.items())
    for (kind, owner, since), numbers in shown[:MOST_STEPS]:
        if kind == "Pod":
            who = f"Pod {owner}"
        else:
            pods = "pods" if len(numbers) > 1 else "pod"
            who = f"{owner if kind == 'KubeInfer' else f'{kind} {owner}, {pods}'} {_short(ordinals(numbers))}"
        yield 2, f"{who}: since {point(since)}"
    if len(shown) > MOST_STEPS:
        rest = sum(len(numbers) for _, numbers in shown[MOST_STEPS:])
        yield 2, f"… and {rest:,} more"


def _short(numbers: str) -> str:
    return numbers if len(numbers) <= 40 else f"{numbers[:36].rpartition(',')[0]} …"


def _told(run: Run, moment: Moment, each: InstanceMoment, family: Family) -> Iterator[tuple[int, str]]:
    """One instance: its state, its pods, what led to it and what ends it."""
    yield 0, ended(state_sentence(each, moment.at))
    groups: dict[tuple[StageName, int, str], list[PodMoment]] = {}
    for pod in each.pods:
        groups.setdefault((pod.stage, pod.since, pod.regime), []).append(pod)
    for pods in list(groups.values())[:MOST_PODS]:
        yield 2, f"{pods_sentence(pods)}"
    if len(groups) > MOST_PODS:
        yield 2, f"… and {sum(len(pods) for pods in list(groups.values())[MOST_PODS:]):,} more pods"
    if each.state != "ready" or each.given_up:
        yield 2, "Why"
        yield from ((4, text) for text in _steps(each.causes, family, each.failures_before))
    yield 2, f"{ending_sentence(run, moment, each)}"
    yield from ((4, text) for text in _steps(each.following, family, each.failures_before))


def _steps(
    records: Sequence[Record], family: Family, failures_before: Mapping[int, Sequence[Record]] | None = None
) -> Iterator[str]:
    """The time and the sentence of each; in the middle of a long chain steps are left out.

    `failures_before`: those before a step that are no steps of the chain.
    """
    head, latest = MOST_STEPS // 2 - 1, ""
    records = [each for each in records if not _is_silent(each)]
    for place, record in enumerate(records):
        left_out = len(records) - MOST_STEPS
        if left_out > 0 and head <= place < head + left_out:
            if place == head:
                yield f"…\t{count(left_out, 'step')} in between"
            continue
        if failures := (failures_before or {}).get(record.id):
            yield f"…\t{failures_between(failures, family)}"
        told = f"{point(record.at)}\t{sentence(record, family)}"
        if told != latest:  # what a scheduler says again at once, in the same words
            yield told
        latest = told


def _is_silent(record: Record) -> bool:
    """Whether it says only that a set-up goes on; what follows says with what."""
    return isinstance(record, SetUpContinued) and not (record.container or record.stages)


def _absent(run: Run, moment: Moment, only: Which) -> str:
    """No such instance at the time: not yet, or not any more."""
    name = next(ref.name for ref in instances_ever(run.history) if only.means(ref))
    family = run.scenario.accelerator_family
    about = [
        record
        for record in run.history
        if (ref := getattr(record, "instance", None)) is not None and only.means(ref)
    ]
    before = [record for record in about if record.at <= moment.at]
    after = [record for record in about if record.at > moment.at]
    text = ""
    if before:
        text = ended(
            f"{name} does not exist any more; {point(before[-1].at)}: {sentence(before[-1], family)}"
        )
    if after:
        text = f"{text} " if text else f"{name} does not exist yet; "
        text += ended(f"{point(after[0].at)}: {sentence(after[0], family)}")
    return text
