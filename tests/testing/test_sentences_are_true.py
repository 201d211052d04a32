"""Every kind of sentence, from runs of scenarios at random: what it says is in the history.

Each figure and each name of a sentence is one of its record, in one of the forms in which reports write it; and what
a record claims of others (restarts, probes, images, readiness) is counted anew from the records before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import pytest
from msgspec import Struct
from testing.generated import generated

from kubeinfer_sim.cluster import records as cluster
from kubeinfer_sim.cluster.records import InstanceRef, PodRef
from kubeinfer_sim.cluster.stages import StageName
from kubeinfer_sim.controllers.kubeinfer import records as controllers
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.report.sentences import deleted_for, sentence
from kubeinfer_sim.report.terminal import render
from kubeinfer_sim.report.verdict import assess
from kubeinfer_sim.report.why import moment_of, render_why
from kubeinfer_sim.report.words import ordinals, point, rounded
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.units import format_duration, format_size
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

#: A word that tells something: it has a figure in it.
FIGURE = re.compile(r"[^\s,;:()]*\d[^\s,;:()]*")
#: What no sentence may have, however it was put together.
MISPRINTS = {
    "a doubled stop": re.compile(r"(?<!\.)\.\.(?!\.)|\.[;,]|;;|,,|: :|;\s*\."),
    "one of several": re.compile(
        r"(?<![\w.,/-])1 (?:pods|instances|times|nodes|containers|NPUs|runs|faults|events)\b"
    ),
    "a thing of ours": re.compile(r"Ref\(|StageName|StageKind|<[A-Z]\w+\.|\bNone\b"),
    "half past or 30 seconds": re.compile(r"\d+h\d+\.\d+s"),
}


def flattened(value: object) -> Iterator[object]:
    """All that a record holds, down to its words and numbers."""
    if isinstance(value, PodRef | InstanceRef | StageName):
        yield str(value)
        yield getattr(value, "name", "")
        yield from (str(part) for part in (value if isinstance(value, tuple) else ()))
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            if name not in ("id", "cause", "root"):
                yield from flattened(getattr(value, name))
    elif isinstance(value, tuple | list | set | frozenset):
        yield len(value)
        numbers = [each for each in value if isinstance(each, int)]
        yield ordinals(numbers)
        durations = [each.duration for each in value if isinstance(getattr(each, "duration", None), int)]
        yield sum(durations)
        for each in value:
            yield from flattened(each)
    elif isinstance(value, dict):
        yield from flattened(tuple(value.items()))
    else:
        yield value


def told(record: Record) -> set[str]:
    """All words in which a sentence about this record may tell a figure or a name of it."""
    words: set[str] = set()
    # What a record works out of its parts counts as one.
    derived = [
        getattr(record, name) for name, each in vars(type(record)).items() if isinstance(each, property)
    ]
    for value in (*flattened(record), *derived):
        forms = [str(value)]
        if isinstance(value, int) and not isinstance(value, bool):
            forms += [
                f"npu{value}",
                f"{value:,}",
                rounded(abs(value)),
                point(abs(value)),
                format_duration(value),
            ]
            forms += [format_size(value)] if value > 0 else []
        if isinstance(value, str):
            forms += [deleted_for(value)]
            if value in KINDS:
                forms.append(KINDS[value].what)
        for form in forms:
            words.update(FIGURE.findall(form))
            words.add(form)
    return words


#: What a record claims of what was before it: type -> a check given the run, the place of the record, and it.
CLAIMS: dict[type[Record], Callable[[Run, list[Record], Any], None]] = {}


def claim(kind: type[Record]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def put(check: Callable[..., None]) -> Callable[..., None]:
        CLAIMS[kind] = check
        return check

    return put


@claim(cluster.ContainerKilling)
def failures_have_had_the_time(run: Run, before: list[Record], record: cluster.ContainerKilling) -> None:
    """So many calls so far apart fit between the pod's creation and the verdict."""
    found = re.fullmatch(r"([\d,]+) failures? in a row, one every ([\d.]+) s", record.detail)
    if found is None:
        assert re.fullmatch(r"1 failure|[\d,]+ failures in a row within \S+", record.detail), record.detail
        return
    calls, spacing = int(found[1].replace(",", "")), float(found[2]) * 1000
    made = next((r.at for r in before if isinstance(r, cluster.PodCreated) and r.pod == record.pod), 0)
    assert (calls - 1) * spacing <= record.at - made


def ran_before(before: list[Record], pod: PodRef) -> bool:
    """It ran, and was ready, before the simulation began: of that nothing is recorded but its instance."""
    return pod.generation == 0 and any(
        isinstance(r, controllers.InstanceCreated) and r.running and r.instance == pod.instance
        for r in before
    )


@claim(cluster.ContainerCrashed)
def what_ends_had_begun(run: Run, before: list[Record], record: cluster.ContainerCrashed) -> None:
    """A container that ends by itself is of a pod that is on a node."""
    placed = any(
        (isinstance(r, cluster.PodBound) and r.pod == record.pod)
        or (isinstance(r, cluster.PodReady) and r.pod == record.pod)
        for r in before
    )
    assert placed or ran_before(before, record.pod), f"{record.pod.name} is on no node at {record.at}"


@claim(cluster.PodNotReady)
def what_is_not_ready_any_more_was(run: Run, before: list[Record], record: cluster.PodNotReady) -> None:
    states = [
        isinstance(r, cluster.PodReady)
        for r in before
        if isinstance(r, cluster.PodReady | cluster.PodNotReady) and r.pod == record.pod
    ]
    assert states[-1] if states else ran_before(before, record.pod)


@claim(cluster.PodReady)
def what_becomes_ready_was_not(run: Run, before: list[Record], record: cluster.PodReady) -> None:
    states = [
        isinstance(r, cluster.PodReady)
        for r in before
        if isinstance(r, cluster.PodReady | cluster.PodNotReady) and r.pod == record.pod
    ]
    assert not states or not states[-1]


@claim(controllers.InstanceReady)
def a_ready_instance_was_not(run: Run, before: list[Record], record: controllers.InstanceReady) -> None:
    states = [
        isinstance(r, controllers.InstanceReady)
        for r in before
        if isinstance(
            r, controllers.InstanceReady | controllers.InstanceConcerning | controllers.InstanceRestarting
        )
        and r.instance == record.instance
    ]
    assert not states or not states[-1]


@claim(cluster.ImagePullFailed)
def an_image_fails_for_a_reason_kubectl_has(
    run: Run, before: list[Record], record: cluster.ImagePullFailed
) -> None:
    assert record.reason in ("ImagePullBackOff", "ErrImageNeverPull")
    assert (record.reason == "ErrImageNeverPull") == ("pull policy is Never" in record.message)


@claim(cluster.ImagePullStalled)
def a_pull_fails_when_it_was_said_to(
    run: Run, before: list[Record], record: cluster.ImagePullStalled
) -> None:
    """What began that the registry fails it is its cause, and is of such images."""
    broken = run.history[record.cause]
    assert isinstance(broken, cluster.ImagesBroken)
    assert record.image in broken.images or not broken.images
    failed = next(
        (r for r in run.history.of(cluster.ImagePullFailed) if r.pod == record.pod and r.at >= record.at),
        None,
    )
    assert failed is None or failed.took == record.takes <= failed.at - record.at


@claim(cluster.ContainersRunning)
def restarts_are_counted(run: Run, before: list[Record], record: cluster.ContainersRunning) -> None:
    """The number of restarts never falls, and rises by no more than containers have ended."""
    earlier = [r for r in before if isinstance(r, cluster.ContainersRunning) and r.pod == record.pod]
    assert record.restarts >= max((r.restarts for r in earlier), default=0)
    ended = sum(isinstance(r, cluster.ContainerDied) and r.pod == record.pod for r in before)
    assert record.restarts <= ended


def check_sentences(run: Run, seen: Counter[str], most: float = inf) -> None:
    """Each record's sentence, but no more than so many of a kind: of a loop one round is like another."""
    family = run.scenario.accelerator_family
    before: list[Record] = []
    kinds: Counter[type[Record]] = Counter()
    for record in run.history:
        kinds[type(record)] += 1
        if kinds[type(record)] > most:
            before.append(record)
            continue
        text = sentence(record, family)
        seen[type(record).__name__] += 1
        words = told(record)
        # What is listed is cut short; how many are left out is none of its parts.
        for figure in FIGURE.findall(re.sub(r" … and [\d,]+ more", "", text)):
            bare = figure.strip("'\"`.")
            assert any(bare in word for word in words), f"{bare} of {text!r} is in no part of {record}"
        assert not text.endswith("."), text
        for what, misprint in MISPRINTS.items():
            assert not misprint.search(text), f"{what}: {text}"
        if (check := CLAIMS.get(type(record))) is not None:
            check(run, before, record)
        before.append(record)


def check_texts(run: Run) -> None:
    """The verdict, the reports, `why`."""
    assessment = assess(run)
    texts = [assessment.verdict.sentence, render(assessment, width=160)]
    texts.append(render(assessment, width=160, details=True))
    texts += [
        render_why(run, moment_of(run, f"{at}ms", None), None, width=160)
        for at in (0, run.ended_at // 2, run.ended_at)
    ]
    for text in texts:
        for what, misprint in MISPRINTS.items():
            found = misprint.search(text)
            assert found is None, f"{what}: {text[max(0, found.start() - 100) : found.end() + 40]!r}"


@pytest.mark.parametrize(("profile", "count"), [("small", 16), ("medium", 12)])
def test_every_figure_and_name_of_a_sentence_is_of_its_record(profile: str, count: int) -> None:
    seen: Counter[str] = Counter()
    for written in generated(profile, 17, count):
        run = simulate(written.load())
        check_sentences(run, seen, most=60)
        check_texts(run)
    assert len(seen) > 20


@pytest.mark.sweep
@pytest.mark.parametrize("number", range(5))
def test_every_figure_and_name_of_a_sentence_is_of_its_record_in_many_runs(number: int) -> None:
    for written in generated("medium", number, 40):
        run = simulate(written.load())
        check_sentences(run, Counter())
        check_texts(run)
