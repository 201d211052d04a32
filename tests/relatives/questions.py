"""Rules of the closed controller as questions to a run, recorded or simulated.

An answer is a few words, or None where the run does not put the question. Each question names the rule of the semantics
page it is about (a number of its section 2, or section 3), and the assumption that decides it where it is a switch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from relatives.lives import Group, Life, Place, Run
from relatives.recorded import Case, place_of

#: What comes so soon after something, in ms, came at once; what a controller knows of may be so old.
AT_ONCE, STALE = 2_500, 500
#: What is counted as one moment.
TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; `switch`: the assumption that decides it."""

    rule: str
    text: str
    ask: Callable[[Run, Case], str | None]
    switch: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a case does to the object, in ms: `templates` and `scales` (before and after), and which pods are struck."""

    replicas: int
    surge: int
    unavailable: int
    templates: tuple[int, ...]
    scales: tuple[tuple[int, int, int], ...]
    struck: tuple[tuple[int, str, Place], ...]


def facts_of(case: Case) -> Facts:
    """Read from its steps."""
    spec: dict[str, Any] = case["steps"][0][2]["spec"]
    budget = (spec.get("rolloutStrategy") or {}).get("rollingUpdateConfiguration") or {}
    replicas = spec.get("replicas", 1)
    templates, scales, struck = [], [], []
    for at_s, verb, *arguments in case["steps"][1:]:
        at = round(at_s * 1000)
        if verb == "merge":
            patch = arguments[2].get("spec", {})
            if patch.keys() & {"template", "leaderWorkerTemplate"}:
                templates.append(at)
            if "replicas" in patch:
                scales.append((at, replicas, patch["replicas"]))
                replicas = patch["replicas"]
        elif verb in ("exitpod", "unready", "delete"):
            name = arguments[-1] if verb == "delete" else arguments[0]
            back = verb == "unready" and arguments[1:] == [False]
            if (place := place_of(name)) is not None and not back:
                struck.append((at, verb, place))
    surge, unavailable = budget.get("maxSurge", 0), budget.get("maxUnavailable", 1)
    return Facts(
        spec.get("replicas", 1),
        surge if isinstance(surge, int) else 0,
        unavailable if isinstance(unavailable, int) else 1,
        tuple(templates),
        tuple(scales),
        tuple(struck),
    )


def order_of(run: Run, case: Case) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ordinals of groups in the order in which they are deleted, and in which they are made after the beginning.

    Those of one moment are in the order of their ordinals.
    """
    groups, end = run.groups, case["end_s"] * 1000
    deleted = [(each.deleted, each.ordinal) for each in groups if each.deleted is not None]
    made = [(each.created, each.ordinal) for each in groups if each.created > _beginning(run)]
    return _in_moments(deleted, end), _in_moments(made, end)


def _in_moments(times: list[tuple[int, int]], end: int) -> tuple[int, ...]:
    return tuple(each for moment in _moments(times, end) for each in sorted(moment))


def _moments(times: list[tuple[int, int]], end: int) -> list[list[int]]:
    """What is in one moment, moment after moment; what comes just before the end need not have been seen."""
    moments: list[list[int]] = []
    last = -TOGETHER
    for at, ordinal in sorted(each for each in times if each[0] < end - AT_ONCE):
        if at - last >= TOGETHER:
            moments.append([])
        moments[-1].append(ordinal)
        last = at
    return moments


def _beginning(run: Run) -> int:
    """Until when the groups were made that there are at first."""
    return run.lives[0].created + AT_ONCE


# -- updates ----------------------------------------------------------------------------------------------------


def _made_in_update(run: Run, case: Case) -> list[Group]:
    facts = facts_of(case)
    if not facts.templates:
        return []
    return [each for each in run.groups if each.created >= facts.templates[0]]


def _ordinals(run: Run, case: Case) -> str | None:
    """Its own, whose pods may not all be gone, counts as free.

    The next above all also counts what was there a moment ago, which a controller may not have heard of.
    """
    lowest, above = "the lowest that is free", "the next above all there are"
    policies = {lowest, above}
    groups = run.groups
    for new in _made_in_update(run, case):
        others = [each for each in groups if each.ordinal != new.ordinal and each.created <= new.created]
        now, lately = (
            {each.ordinal for each in others if each.gone is None or each.gone > new.created - ago}
            for ago in (0, STALE)
        )
        if new.ordinal != next(each for each in range(len(now) + 1) if each not in now):
            policies.discard(lowest)
        if new.ordinal not in (max(now, default=-1) + 1, max(lately, default=-1) + 1):
            policies.discard(above)
    return policies.pop() if len(policies) == 1 else None


def _surge(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    made = [each for each in _made_in_update(run, case) if each.created < facts.templates[0] + AT_ONCE]
    surge = [each for each in made if each.ordinal >= facts.replicas and each.ready_at(run.size) is not None]
    if not surge or facts.scales:
        return None
    return "goes again" if any(each.deleted is not None for each in surge) else "stays"


def _at_once(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    if not facts.templates or facts.unavailable + facts.surge < 2 or not facts.unavailable:
        return None
    ready = [at for each in _made_in_update(run, case) if (at := each.ready_at(run.size)) is not None]
    first = min(ready, default=None)
    if first is None:
        return None
    gone = [each for each in run.groups if each.deleted is not None and each.deleted < first - AT_ONCE]
    return "as many as the budget lets" if len(gone) >= facts.unavailable else "one, all new ones ready"


def _victims(run: Run, case: Case) -> str | None:
    groups = [each for each in run.groups if each.created < _beginning(run)]
    facts = facts_of(case)
    if not facts.templates or facts.scales or facts.struck:
        return None
    deleted = [(each.deleted, each.ordinal) for each in groups if each.deleted is not None]
    order = _moments(deleted, case["end_s"] * 1000)
    if len(order) < 2:
        return None
    falls = all(max(later) < min(earlier) for earlier, later in pairwise(order))
    return "the highest ordinal first" if falls else "in another order"


def _left_ready(run: Run, case: Case) -> str | None:
    """At each deletion of an update."""
    facts = facts_of(case)
    if not facts.templates or facts.struck:
        return None
    for each in run.groups:
        if each.deleted is None or each.deleted < facts.templates[0]:
            continue
        wanted = next(
            (after for at, _, after in reversed(facts.scales) if at <= each.deleted), facts.replicas
        )
        there: dict[int, int] = {}
        for life in run.lives:
            if life.is_ready(each.deleted + 1):
                there[life.place.ordinal] = there.get(life.place.ordinal, 0) + 1
        if sum(ready >= run.size for ready in there.values()) < wanted - facts.unavailable:
            return "fewer"
    return "replicas - maxUnavailable"


def _successor(run: Run, case: Case) -> str | None:
    groups = run.groups
    pairs = [
        (old, new)
        for new in _made_in_update(run, case)
        for old in groups
        if old.ordinal == new.ordinal and old.created < new.created and old.deleted is not None
    ]
    facts = facts_of(case)
    if not pairs:
        made = [each for each in _made_in_update(run, case) if each.ordinal >= facts.replicas]
        if not made or facts.surge or facts.scales:
            return None
        gone = sorted(each.gone for each in groups if each.gone is not None)
        waits = all(len([at for at in gone if at <= new.created + STALE]) > i for i, new in enumerate(made))
        return "when its last pod is gone" if waits else "beside pods of the old one"
    beside = any(old.gone is None or old.gone > new.created for old, new in pairs)
    return "beside pods of the old one" if beside else "when its last pod is gone"


def _middle(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    if len(facts.templates) < 2:
        return None
    first, second = facts.templates[:2]
    groups = run.groups
    newest = max(groups, key=lambda each: each.created)
    for each in groups:
        ready = each.ready_at(run.size)
        under_way = first < each.created < second - STALE and (ready is None or ready > second + STALE)
        if not under_way or each.revision == newest.revision or each.deleted is None:
            continue
        if ready is not None and ready < each.deleted:
            return "is finished first"
        return "goes at once" if each.deleted < second + AT_ONCE else "goes later"
    return None


def _unready_old(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    unready = [(at, place) for at, verb, place in facts.struck if verb == "unready"]
    if not facts.templates or not unready or unready[0][0] > facts.templates[0]:
        return None
    start = facts.templates[0]
    group = next(each for each in run.groups if each.ordinal == unready[0][1].ordinal)
    if group.deleted is None:
        return "blocks the update"
    if group.deleted < start + AT_ONCE:
        return "goes at once"
    well = any(life.is_ready(group.deleted - 1) for life in group.pods if life.place == unready[0][1])
    return "is waited for" if well else "goes after a grace"


def _never_ready(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    if not facts.templates:
        return None
    until = facts.templates[1] if len(facts.templates) > 1 else case["end_s"] * 1000
    made = [each for each in _made_in_update(run, case) if each.created < until]
    if not made or until - made[0].created < 15_000 or any(each.ready_at(run.size) for each in made):
        return None
    within = len(made) <= facts.surge + facts.unavailable
    return "stops within the budget" if within else "goes on"


def _rollback(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    first = run.lives[0].revision
    if len(facts.templates) < 2:
        return None
    back = facts.templates[1]
    groups = run.groups
    if any(each.created > back and each.revision != first for each in groups):
        return None
    there = [each for each in groups if each.revision == first and each.created < back]
    there = [each for each in there if each.deleted is None or each.deleted > back]
    again = all(each.deleted is None for each in there)
    return "they are current again" if again else "they are replaced"


def _scale_out(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    out = [at for at, before, after in facts.scales if after > before]
    if not out or not facts.templates or facts.templates[0] > out[0]:
        return None
    newest = max(run.groups, key=lambda each: each.created).revision
    made = [each for each in run.groups if out[0] <= each.created < out[0] + AT_ONCE]
    if not made:
        return "later"
    return "at once, on the newest" if {each.revision for each in made} == {newest} else "on the old"


def _scale_in(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    in_ = [at for at, before, after in facts.scales if after < before]
    if not in_:
        return None
    at = in_[0]
    there = [each for each in run.groups if each.created < at and (each.gone is None or each.gone > at)]
    went = {each.ordinal for each in there if each.deleted is not None and each.deleted < at + AT_ONCE}
    stayed = {each.ordinal for each in there} - went
    if not went or not stayed:
        return None
    return "the highest ordinals" if min(went) > max(stayed) else "old ones before new ones"


def _old_failure(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    for at, verb, place in facts.struck:
        if verb == "unready" or not facts.templates or at < facts.templates[0]:
            continue
        struck = _group_at(run, place, at)
        if struck is None or struck.revision != run.lives[0].revision:
            continue
        again = [each for each in run.groups if each.created > at and each.revision == struck.revision]
        return "is rebuilt on its revision" if again else "is replaced by a new one"
    return None


# -- recovery ---------------------------------------------------------------------------------------------------


def _group_at(run: Run, place: Place, at: int) -> Group | None:
    there = [each for each in run.groups if each.ordinal == place.ordinal and each.created <= at]
    return there[-1] if there else None


def _failures(run: Run, case: Case) -> Iterator[tuple[Life, Group, list[Life]]]:
    """Each pod that exits or is deleted outside an update, its group, and the others of that at the time."""
    facts = facts_of(case)
    for at, verb, place in facts.struck:
        group = _group_at(run, place, at)
        if verb == "unready" or facts.templates or group is None:
            continue
        there = [life for life in group.pods if life.there(at)]
        struck = next((life for life in there if life.place == place), None)
        if struck is not None:
            yield struck, group, [life for life in there if life is not struck]


def _termination(run: Run, case: Case) -> str | None:
    for struck, _, others in _failures(run, case):
        going = [life.deleted for life in others if life.deleted is not None]
        if struck.deleted is None or not going:
            continue
        first = struck.gone is not None and min(going) >= struck.gone - TOGETHER // 10
        return "the failed pod first" if first else "all at once"
    return None


def _successors(run: Run, case: Case) -> Iterator[tuple[list[Life], list[Life]]]:
    """Of each failure that took others along: what went, and what was made for it."""
    for struck, _, others in _failures(run, case):
        went = [struck, *(life for life in others if life.deleted is not None)]
        if struck.deleted is None or len(went) < 2:
            continue
        made = [life for life in run.lives if life.created > struck.deleted][: len(went)]
        if made:
            yield went, made


def _made_again(run: Run, case: Case) -> str | None:
    for went, made in _successors(run, case):
        gone = [life.gone for life in went if life.gone is not None]
        beside = len(gone) < len(went) or min(life.created for life in made) < max(gone)
        return "beside pods that go" if beside else "when the last is gone"
    return None


def _identity(run: Run, case: Case) -> str | None:
    for went, made in _successors(run, case):
        same = {life.place.ordinal for life in went} == {life.place.ordinal for life in made}
        return "its own" if same else "the next above all there are"
    return None


def _start_crash(run: Run, case: Case) -> str | None:
    for at, verb, place in facts_of(case).struck:
        group = _group_at(run, place, at)
        life = None if group is None else next((each for each in group.pods if each.place == place), None)
        if verb != "exitpod" or life is None or (life.ready and life.ready[0] < at):
            continue
        return "rebuilt, as later" if life.deleted is not None else "left to the kubelet"
    return None


def _two_failures(run: Run, case: Case) -> str | None:
    struck = facts_of(case).struck
    if (
        len(struck) < 2
        or struck[1][0] - struck[0][0] > TOGETHER
        or struck[0][2].ordinal != struck[1][2].ordinal
    ):
        return None
    later = [each for each in run.groups if each.created > struck[0][0]]
    return "one rebuild" if len(later) == 1 else f"{len(later)} rebuilds"


def _readiness(run: Run, case: Case) -> str | None:
    facts = facts_of(case)
    if facts.templates or not any(verb == "unready" for _, verb, _ in facts.struck):
        return None
    return "nothing is deleted" if all(life.deleted is None for life in run.lives) else "it is rebuilt"


def _alone(run: Run, case: Case) -> str | None:
    """Where no group is rebuilt."""
    for struck, _, others in _failures(run, case):
        if any(life.deleted is not None for life in others):
            return "all of its group, too" if _policy(case) == "None" else None
        if struck.deleted is None:
            return "the kubelet restarts it"
        again = [life for life in run.lives if life.created > struck.deleted]
        return "it alone is made again" if again else "it is not made again"
    return None


def _policy(case: Case) -> str:
    spec = case["steps"][0][2]["spec"]
    return str(spec.get("recoveryPolicy") or spec.get("leaderWorkerTemplate", {}).get("restartPolicy", ""))


def _back_off(run: Run, case: Case) -> str | None:
    """Of a group that fails twice, long after another."""
    facts = facts_of(case)
    exits = [(at, place) for at, verb, place in facts.struck if verb == "exitpod"]
    if facts.templates or len(exits) < 2 or exits[1][0] - exits[0][0] < 4 * TOGETHER:
        return None
    failed = _group_at(run, exits[1][1], exits[1][0])
    if failed is None or failed.gone is None or failed.created < exits[0][0]:
        return None
    again = [each for each in run.groups if each.created > exits[1][0]]
    return "none" if again and again[0].created - failed.gone < AT_ONCE else "30 s"


QUESTIONS = (
    Question("2", "the successor of an old instance is made", _successor, "replacement"),
    Question("3", "a new instance takes the ordinal", _ordinals, "ordinals"),
    Question("3", "a surge instance, when the update is done,", _surge, "ordinals"),
    Question("4", "an old instance that is not ready", _unready_old, "unreadyOld"),
    Question("5", "of ready old instances are replaced at a time", _at_once, "replacedAtOnce"),
    Question("5", "of ready old instances goes", _victims),
    Question("5", "ready instances that an update leaves are at least", _left_ready),
    Question("8", "an update to what never gets ready", _never_ready),
    Question("9", "of the revision in between, what is not ready", _middle, "middleRevision"),
    Question("9", "instances of the template that is wanted again:", _rollback),
    Question("10", "scaling out in an update makes instances", _scale_out),
    Question("10", "scaling in takes", _scale_in, "scaleIn"),
    Question("11", "an old instance that fails in an update", _old_failure, "oldInstanceFailure"),
    Question("section 3", "an instance or role is taken down:", _termination, "groupTermination"),
    Question("section 3", "its pods are made again", _made_again),
    Question("section 3", "a rebuilt instance has the ordinal", _identity),
    Question("section 3", "two pods that fail within a second cause", _two_failures),
    Question("section 3", "a crash before the first Ready is", _start_crash, "startupCrash"),
    Question("section 3", "between two rebuilds the back-off is", _back_off, "backoff"),
    Question("section 3", "when a pod loses readiness", _readiness),
    Question("section 3", "of a pod that fails, where it is left alone:", _alone),
)
