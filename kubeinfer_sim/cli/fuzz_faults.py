"""`fuzz --any-single-fault` and `--any-two-faults`: all of them, or a part, and the worst kept as a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kubeinfer_sim.cli.fuzz_asked import Asked, keep, on_page
from kubeinfer_sim.cli.invariants import BROKEN
from kubeinfer_sim.cli.output import look_of
from kubeinfer_sim.cli.replications import INTERRUPTED, UNDECIDED, Many
from kubeinfer_sim.manifest.yaml_text import one_line

if TYPE_CHECKING:
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.experiment.dispatch import Workers
    from kubeinfer_sim.testing.fuzz.cases import Cost
    from kubeinfer_sim.testing.fuzz.counterexample import Counterexample
    from kubeinfer_sim.testing.fuzz.exhaustive import SingleFaults
    from kubeinfer_sim.testing.fuzz.fault_pairs import FaultPairs


def single_faults(asked: Asked, many: Many, kinds: Sequence[str], *, every_place: bool) -> int:
    """Play each single fault, of these kinds or all, and tell of it; the exit code."""
    begun = time.perf_counter()
    with _places(asked, many) as workers:
        played = _each_alone(asked, workers, kinds, every_place=every_place)
    took = time.perf_counter() - begun
    kept = _keep_worst(asked, played)

    def text() -> str:
        from kubeinfer_sim.testing.fuzz.screen import render_single_faults

        return render_single_faults(played, kept, **look_of(sys.stdout))

    def result() -> str:
        from kubeinfer_sim.testing.fuzz.document import single_faults_json

        return single_faults_json(played, kept)

    def junit() -> str:
        from kubeinfer_sim.testing.fuzz.document import single_faults_junit

        return single_faults_junit(played, asked.file)

    def markdown() -> str:
        from kubeinfer_sim.testing.fuzz.markdown import single_faults_markdown

        return single_faults_markdown(played, kept)

    def html() -> str:
        from kubeinfer_sim.testing.fuzz.page import single_faults_page

        return on_page(single_faults_page(played, kept, asked.origin()))

    from kubeinfer_sim.testing.fuzz.screen import sentence

    asked.write(
        sentence(played),
        took,
        len(played.cases),
        text=text,
        json=result,
        markdown=markdown,
        junit=junit,
        html=html,
    )
    return _exit_code(played.stopped, [each.cost for each in played.cases])


def fault_pairs(asked: Asked, many: Many, kinds: Sequence[str], *, every_place: bool) -> int:
    """Play single faults in at most half of the runs or the time, then two faults in what is left; the exit code."""
    from kubeinfer_sim.testing.fuzz.fault_pairs import IN_TIME, PAIRS, play_fault_pairs

    begun = time.perf_counter()
    half = replace(
        asked,
        most=None if asked.most is None else max(1, asked.most // 2),
        seconds=None if asked.seconds is None else asked.seconds / 2,
    )
    with _places(asked, many) as workers:
        singles = _each_alone(half, workers, kinds, every_place=every_place)
        most = PAIRS if asked.seconds is None else IN_TIME
        if asked.most is not None:
            most = asked.most - len(singles.cases)
        with _bar(asked) as bar:
            pairs = play_fault_pairs(
                asked.document,
                singles,
                every_place=every_place,
                most=0 if singles.stopped == "interrupted" else most,
                seconds=None if asked.seconds is None else asked.seconds - (time.perf_counter() - begun),
                workers=workers,
                progress=_told_by(bar),
            )
    took = time.perf_counter() - begun
    kept = _keep_worst(asked, pairs if pairs.broken else singles)

    def text() -> str:
        from kubeinfer_sim.testing.fuzz.pairs_screen import render_fault_pairs

        return render_fault_pairs(pairs, kept, **look_of(sys.stdout))

    def result() -> str:
        from kubeinfer_sim.testing.fuzz.document import fault_pairs_json

        return fault_pairs_json(pairs, kept)

    def junit() -> str:
        from kubeinfer_sim.testing.fuzz.document import fault_pairs_junit

        return fault_pairs_junit(pairs, asked.file)

    def markdown() -> str:
        from kubeinfer_sim.testing.fuzz.markdown import fault_pairs_markdown

        return fault_pairs_markdown(pairs, kept)

    def html() -> str:
        from kubeinfer_sim.testing.fuzz.page import fault_pairs_page

        return on_page(fault_pairs_page(pairs, kept, asked.origin()))

    from kubeinfer_sim.testing.fuzz.pairs_screen import pairs_sentence

    costs = [each.cost for each in singles.cases] + [each.cost for each in pairs.cases]
    asked.write(
        pairs_sentence(pairs),
        took,
        len(costs),
        text=text,
        json=result,
        markdown=markdown,
        junit=junit,
        html=html,
    )
    interrupted = "interrupted" in (singles.stopped, pairs.stopped)
    return _exit_code("interrupted" if interrupted else pairs.stopped or singles.stopped, costs)


@contextmanager
def _places(asked: Asked, many: Many) -> Iterator[Workers]:
    """Where runs are played, each within its limits."""
    with replace(many, run_timeout=asked.limits.run_timeout).places() as places:
        yield replace(places, run_memory=asked.limits.run_memory)


def _each_alone(asked: Asked, workers: Workers, kinds: Sequence[str], *, every_place: bool) -> SingleFaults:
    from kubeinfer_sim.testing.fuzz.exhaustive import play_single_faults

    with _bar(asked) as bar:
        return play_single_faults(
            asked.document,
            kinds=kinds,
            every_place=every_place,
            most=asked.most,
            seconds=asked.seconds,
            workers=workers,
            progress=_told_by(bar),
        )


def _bar(asked: Asked) -> ProgressBar:
    from kubeinfer_sim.cli.progress import ProgressBar

    return ProgressBar("runs", at_most=asked.seconds is not None, shown=not asked.quiet)


def _told_by(bar: ProgressBar) -> Callable[[int, int, int], None]:
    return lambda done, total, broken: bar.update(done, total, lambda: f"{broken:,} break it")


def _exit_code(stopped: str, costs: Sequence[Cost]) -> int:
    if stopped == "interrupted":
        return INTERRUPTED
    if failed := [each for each in costs if each.fault]:
        return 2 if all(each.fault.startswith("error") for each in failed) else BROKEN
    if any(each.breaks for each in costs):
        return 1
    return UNDECIDED if stopped else 0


def _keep_worst(asked: Asked, played: SingleFaults | FaultPairs) -> Counterexample | None:
    """The worst as a file, where anything breaks it."""
    from kubeinfer_sim.testing.fuzz.cases import check_replay, with_actions
    from kubeinfer_sim.testing.fuzz.exhaustive import SingleFaults
    from kubeinfer_sim.testing.fuzz.pairs_screen import pair_sentence
    from kubeinfer_sim.testing.fuzz.screen import case_sentence

    if not played.broken:
        return None
    if isinstance(played, SingleFaults):
        alone = played.broken[0]
        base, cost, told, actions = played.base, alone.cost, case_sentence(alone), [alone.fault.action]
    else:
        pair = played.broken[0]
        base, cost, told = played.singles.base, pair.cost, pair_sentence(pair)
        actions = [pair.first.action, pair.second.action]
    whole = with_actions(asked.document, actions)
    check_replay(whole, base, cost, asked.limits)
    differences = tuple(f"spec.actions: new, {one_line(each)}" for each in actions)
    return keep(asked.document, whole, "; ".join((told, *cost.breaks)), differences)
