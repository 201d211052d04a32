"""Many runs: the same whoever plays them; what fails is named; what they come to, in words and in JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from fractions import Fraction
from math import inf
from typing import Any, ClassVar

import jsonschema
import pytest
from building import kubeinfer, scenario
from msgspec.structs import replace

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.batches import IN_HAND
from kubeinfer_sim.experiment.compare import compare
from kubeinfer_sim.experiment.dispatch import Workers, _end, process_pool
from kubeinfer_sim.experiment.figures import Flaw
from kubeinfer_sim.experiment.judging import Decision, cut_short
from kubeinfer_sim.experiment.limits import Overdue, time_limit
from kubeinfer_sim.experiment.replication import Failure, Replication, Times, Variant
from kubeinfer_sim.experiment.replications import Replications, gathered, replicate
from kubeinfer_sim.experiment.worker import WorkerDied, packed, play_chunk, play_guarded
from kubeinfer_sim.metrics import Judged, Judgement, Outcome, measure
from kubeinfer_sim.report.replications import render_replications
from kubeinfer_sim.report.replications_result import replications_json, replications_json_schema
from kubeinfer_sim.report.run_verdict import objective_row, sentence
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.model import Objectives, Scenario
from kubeinfer_sim.scenario.timings.distributions import Uniform
from kubeinfer_sim.simulation.simulate import simulate

MINUTE = 60_000


def update(**fields: Any) -> Scenario:
    """Two instances get a new image, one after the other; how long loading takes is drawn."""
    first, later = kubeinfer(2, 0, 1), kubeinfer(2, 0, 1, revision="b")
    stages = {"warm_up": Uniform(MINUTE, 5 * MINUTE)}
    return scenario(first, 4, 60, 10, actions=(Apply(0, later),), stages=stages, **fields)


def objectives(within: int, probability: str | None) -> Objectives:
    wanted = {} if probability is None else {"completesWithin": Fraction(probability)}
    return Objectives(completes_within=within, probabilities=wanted)


@pytest.mark.parametrize(
    ("duration", "outcome", "cut"),
    [
        (inf, Outcome.UNFINISHED, True),
        (inf, Outcome.COMPLETES, True),
        (inf, Outcome.NEVER, False),
        (60_000.0, Outcome.UNFINISHED, False),
        (None, Outcome.UNFINISHED, False),
    ],
)
def test_a_run_is_cut_short_whose_change_is_not_in_place_and_may_yet_be(
    duration: float | None, outcome: Outcome, cut: bool
) -> None:
    assert cut_short(Replication(0, outcome, (), duration, {}, (), {}, {})) == cut


# -- who plays them ----------------------------------------------------------------------------------------


def test_the_same_runs_come_out_whatever_the_workers() -> None:
    made = update(objectives=objectives(9 * MINUTE, "1/2"))
    here = replicate(made, 40, seed=3)
    assert [run.seed for run in here.runs] == list(range(3, 43))
    there = replicate(made, 40, seed=3, workers=Workers(2))
    assert replications_json(there) == replications_json(here)
    for run in here.runs[:5]:
        alone = simulate(made, seed=run.seed)
        numbers = measure(alone.history, ended_at=alone.ended_at, end=alone.end)
        assert (run.values["lostInstanceMs"], run.duration) == (
            numbers.whole.lost,
            numbers.changes[-1].duration,
        )


class Inline(Executor):
    """Plays in this process; some seeds are the death of a worker, the first time or always."""

    deadly: ClassVar[dict[int, int]] = {}

    def __init__(self, workers: int) -> None:
        self.workers, self.broken = workers, False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        seeds: Sequence[int] = args[1]
        for seed in seeds:
            if self.deadly.get(seed, 0):
                self.deadly[seed] -= 1
                self.broken = True
        if self.broken:
            future.set_exception(BrokenExecutor("a worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_a_worker_that_dies_costs_nothing_and_a_seed_with_which_it_dies_again_is_named() -> None:
    made = update()
    whole = replicate(made, 30)
    Inline.deadly = {7: 1, 11: 2}
    found = replicate(made, 30, workers=Workers(2, executor=Inline))
    assert [failure.seed for failure in found.failures] == [11]
    assert found.failures[0] == Failure(11, "died", "its worker process died twice")
    assert found.runs == tuple(run for run in whole.runs if run.seed != 11)
    assert found.total == 30


class Unborn(Inline):
    """What starts its processes has died, the first time."""

    deaths = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if Unborn.deaths:
            Unborn.deaths -= 1
            raise EOFError("unexpected EOF")
        return super().submit(fn, *args, **kwargs)


def test_that_no_worker_can_be_started_at_first_costs_nothing() -> None:
    Inline.deadly, Unborn.deaths = {}, 1
    made = update()
    assert replicate(made, 30, workers=Workers(2, executor=Unborn)) == replicate(made, 30)
    assert not Unborn.deaths


class Cluster(Inline):
    """Whose workers take with them nothing but their own chunk."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        if self.broken:
            self.broken, future = False, Future()
            future.set_exception(WorkerDied("it died"))
        return future


def test_in_a_cluster_a_worker_that_dies_takes_its_own_chunk_with_it() -> None:
    made = update()
    whole = replicate(made, 30)
    Inline.deadly = {7: 1, 11: 2}
    found = replicate(made, 30, workers=Workers(2, executor=Cluster))
    assert found.failures == (Failure(11, "died", "it died"),)
    assert found.runs == tuple(run for run in whole.runs if run.seed != 11)


class Holding(Executor):
    """Plays when as much has been given out as there are workers to hold in hand."""

    present, held, out = 0, [], []  # type: ignore[var-annotated]

    def __init__(self, workers: int) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.held.append((future, fn, args))
        if len(self.held) == IN_HAND * max(1, self.present):
            self.out.append(len(self.held))
            for each, function, given in self.held:
                each.set_result(function(*given))
            self.held.clear()
            type(self).present += 1
        return future


def test_as_much_is_in_hand_as_there_are_workers_now() -> None:
    def interrupt(done: int, total: int, played: Sequence[object]) -> None:
        if len(Holding.out) == 4:
            raise KeyboardInterrupt

    workers = Workers(executor=Holding, present=lambda: Holding.present)
    assert replicate(update(), 100_000, workers=workers, progress=interrupt).stopped == "interrupted"
    assert Holding.out == [each * IN_HAND for each in (1, 1, 2, 3)]


def test_a_worker_killed_in_the_middle_leaves_the_result_as_it_is() -> None:
    made = update()
    pools: list[Any] = []

    def pool(workers: int) -> Executor:
        pools.append(process_pool(workers))
        return pools[-1]

    def kill(done: int, total: int, played: Sequence[object]) -> None:
        if done == 1:
            os.kill(next(iter(pools[-1]._processes)), signal.SIGKILL)

    found = replicate(made, 60, workers=Workers(2, executor=pool), progress=kill)
    assert len(pools) >= 2
    assert replications_json(found) == replications_json(replicate(made, 60))


def test_workers_that_do_not_answer_any_more_do_not_hold_up_the_end() -> None:
    """As do those that wait for a lock which one that was killed has held."""
    pools: list[Any] = []

    def pool(workers: int) -> Executor:
        pools.append(process_pool(workers))
        return pools[-1]

    def stop(done: int, total: int, played: Sequence[object]) -> None:
        if done == total:
            for each in pools[-1]._processes:
                os.kill(each, signal.SIGSTOP)

    assert replicate(update(), 20, workers=Workers(2, executor=pool), progress=stop).total == 20


def hang(*args: object) -> object:
    while True:
        pass


def test_a_run_that_hangs_or_fails_is_named_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = update()
    variant = Variant("a", made)
    late = play_guarded(variant, 4, run_timeout=0.000_001)
    assert late == Failure(4, "timeout", "not over after 0s")
    monkeypatch.setattr("kubeinfer_sim.experiment.worker.play", hang)
    assert play_guarded(variant, 5, run_timeout=0.05) == Failure(5, "timeout", "not over after 50ms")

    with ThreadPoolExecutor(1) as threads:  # as a Dask worker plays
        beside = threads.submit(play_guarded, variant, 5, run_timeout=0.05)
        assert beside.result() == Failure(5, "timeout", "not over after 50ms")

    if sys.platform == "linux":
        monkeypatch.setattr("kubeinfer_sim.experiment.worker.play", lambda *_: [bytearray(1 << 29)])
        grown = play_chunk(packed(variant), [5, 6], run_memory=100_000_000).played
        assert grown == tuple(Failure(seed, "memory", "more memory than 100MB") for seed in (5, 6))

    def broken(variant: Variant, seed: int) -> Replication:
        raise ZeroDivisionError("division by zero") if seed % 2 else UsageError("no such pod")

    monkeypatch.setattr("kubeinfer_sim.experiment.worker.play", broken)
    assert play_guarded(variant, 5) == Failure(5, "fault", "ZeroDivisionError: division by zero")
    assert play_guarded(variant, 6) == Failure(6, "error", "no such pod")


def test_what_is_done_is_told_when_somebody_interrupts() -> None:
    def interrupt(done: int, total: int, played: Sequence[object]) -> None:
        if done == 5:
            raise KeyboardInterrupt

    for workers in (Workers(1), Workers(2)):
        found = replicate(update(), 50, workers=workers, progress=interrupt)
        assert (found.stopped, found.total, found.asked) == ("interrupted", 5, 50)
        assert "5 runs · seeds 0-4 · interrupted: 50 were asked for" in " ".join(text(found).split())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 0}, "0 replications: expected at least 1"),
        ({}, "say how many replications"),
        ({"precision": 0.05, "until_decided": True}, "either a precision or until decided"),
        ({"precision": 1.5}, "expected a part of the mean"),
        ({"until_decided": True}, "nothing to decide: give an objective a probability"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replicate(update(), **given)


# -- what they come to -------------------------------------------------------------------------------------


def run_of(seed: int, judgement: Judgement = Judgement.HELD, **fields: Any) -> Replication:
    """A run that one objective is about."""
    judged = Judged("completesWithin", judgement, 600_000, 500_000, "ms", probability=Fraction(9, 10))
    whole: dict[str, Any] = {
        "outcome": Outcome.COMPLETES,
        "flaws": (),
        "duration": 500_000.0 + seed,
        "values": {"minReady": 3.0},
        "judged": (judged,),
        "lost": {},
        "struck": {},
    }
    return Replication(seed, **{**whole, **fields})


def of(*played: Replication | Failure) -> Replications:
    return gathered(update(), played, "asked", len(played))


def several(held: int, missed: int = 0, open_: int = 0, probability: str | None = "9/10") -> Replications:
    judgements = [Judgement.HELD] * held + [Judgement.MISSED] * missed + [Judgement.OPEN] * open_
    wanted = None if probability is None else Fraction(probability)
    runs = [run_of(seed, each) for seed, each in enumerate(judgements)]
    return of(*(replace(run, judged=(replace(run.judged[0], probability=wanted),)) for run in runs))


@pytest.mark.parametrize(
    ("runs", "decision"),
    [
        (several(29), Decision.HELD),  # 0.9^29 = 0.047
        (several(28), Decision.UNDECIDED),  # 0.9^28 = 0.052
        (several(100, 4), Decision.HELD),
        (several(100, 11), Decision.UNDECIDED),
        (several(80, 20), Decision.MISSED),
        (several(28, 0, 1), Decision.UNDECIDED),  # it may be a miss
        (several(0, 0, 40), Decision.OPEN),
        (several(300, 0, 0, None), Decision.HELD),
        (several(299, 1, 0, None), Decision.MISSED),
        (several(299, 0, 1, None), Decision.OPEN),
    ],
)
def test_an_objective_is_held_missed_undecided_or_not_judged(runs: Replications, decision: Decision) -> None:
    assert runs.objectives[0].decision is decision
    assert runs.decision is decision
    document = json.loads(replications_json(runs))
    assert document["verdict"]["result"] == document["objectives"][0]["result"] == decision.value


def test_a_one_sided_bound_that_decides_is_told_where_the_interval_holds_the_probability() -> None:
    only = several(95, 5, 0, "90/100").objectives[0]
    assert only.decision is Decision.UNDECIDED
    assert only.bound is None
    runs = several(96, 4, 0, "9/10")
    only = runs.objectives[0]
    assert only.share.low is not None
    assert only.bound is not None
    assert only.share.low < only.bound
    assert "one-sided" not in objective_row(only)[2], "both say the same"
    near = several(96, 4, 0, "905/1000").objectives[0]
    assert (near.decision, near.bound) == (Decision.HELD, only.bound)
    assert objective_row(near)[2].endswith("; decided by its one-sided bound, at least 91 %")


def test_looked_at_after_every_run_it_is_decided_once() -> None:
    judgements = [Judgement.MISSED] * 4 + [Judgement.HELD] * 200
    runs = [run_of(seed, each) for seed, each in enumerate(judgements)]
    for number in (2, 40, 204):
        only = gathered(update(), runs[:number], "most", 300, sequential=True).objectives[0]
        assert (only.decision, only.decided_after) == (Decision.MISSED, 2)
    assert gathered(update(), runs, "asked", 300).objectives[0].decision is Decision.HELD
    failed = [Failure(seed, "timeout", "not over after 30s") for seed in range(4)]
    later = gathered(update(), [*failed, *runs[4:60]], "most", 60, sequential=True).objectives[0]
    assert (later.decision, later.open) == (Decision.UNDECIDED, 4), "what failed may have missed, or held"


def test_a_run_that_failed_may_have_held_or_missed() -> None:
    runs = of(*(run_of(seed) for seed in range(29)), Failure(29, "timeout", "not over after 30s"))
    only = runs.objectives[0]
    assert (only.held, only.missed, only.open, only.decision) == (29, 0, 1, Decision.UNDECIDED)
    assert (only.share.high, runs.total) == (1.0, 30)
    told = text(runs)
    assert "1 run failed" in told
    assert "seed 29: not over after 30s" in told
    assert "replay --seed 29" in told


def test_what_never_finishes_misses_unless_an_objective_says_how_often_it_may() -> None:
    never = {"outcome": Outcome.NEVER, "duration": inf}
    some = [run_of(seed, Judgement.MISSED, **never) for seed in range(2)]
    rest = [run_of(seed) for seed in range(2, 100)]
    assert of(*some, *rest).decision is Decision.HELD
    plain = [replace(run, judged=()) for run in (*some, *rest)]
    assert of(*plain).decision is Decision.MISSED
    assert of(*plain[2:]).decision is Decision.HELD
    assert of(*(replace(run, outcome=Outcome.NOTHING) for run in plain[2:])).decision is Decision.MISSED
    assert of(replace(plain[5], flaws=(Flaw.IN_VAIN,)), *plain[6:]).decision is Decision.MISSED


def test_runs_that_never_finish_are_infinite_in_percentiles_and_left_out_of_means() -> None:
    never = {"outcome": Outcome.NEVER, "duration": inf}
    runs = of(
        *(run_of(seed) for seed in range(96)),
        *(run_of(seed, Judgement.MISSED, **never) for seed in range(96, 100)),
    )
    assert runs.quantile("duration", 0.5).mean == 500_049
    assert runs.quantile("duration", 0.99).mean == inf
    assert runs.mean("duration").mean == pytest.approx(500_047.5)
    document = json.loads(replications_json(runs))
    took = document["figures"][0]
    assert (took["name"], took["runs"], took["finite"], took["highest"]) == ("duration", 100, 96, None)
    assert document["runs"]["unfinished"] == [96, 97, 98, 99]
    told = " ".join(text(runs).split())
    assert "half of them by 8m20s; 4 of 100 runs never" in told
    assert runs.worst.seed == 99
    assert runs.median.seed == 49


def test_recoveries_are_told_one_by_one_whichever_the_run_and_what_is_not_ready_again_is_infinite() -> None:
    runs = of(
        run_of(0, times={"NodeDeath": Times((1_000, 2_000, 3_000), (60_000, 70_000, 80_000))}),
        run_of(1, times={"NodeDeath": Times((4_000, 4_000), (90_000,), lasting=1)}),
        run_of(2, times={"NodeDeath": Times((5_000,), (), lasting=1)}),
        run_of(3),
    )
    noticed, ready = "causes/NodeDeath/detectionMs", "causes/NodeDeath/repairMs"
    assert runs.values(noticed) == [1_000, 2_000, 3_000, 4_000, 4_000, 5_000]
    assert runs.values(ready) == [60_000, 70_000, 80_000, 90_000, inf, inf]
    assert runs.mean(ready).mean == 75_000.0
    assert runs.quantile(ready, 0.5).mean == 80_000
    assert runs.quantile(ready, 0.9).mean == inf
    with pytest.raises(KeyError):
        runs.values("causes/NodeReboot/repairMs")
    figures = {each["name"]: each for each in json.loads(replications_json(runs))["figures"]}
    assert (figures[ready]["runs"], figures[ready]["cases"], figures[ready]["finite"]) == (3, 6, 4)
    told = " ".join(text(runs).split())
    assert "NodeDeath: until ready mean 1m15s (too few to say) of the 4 that are ready again" in told
    assert "(of 6 in 3 runs)" in told


def test_recoveries_that_the_horizon_cuts_short_are_not_called_never() -> None:
    ready = (60_000, 70_000)
    cut = run_of(0, times={"NodeDeath": Times((1_000,) * 3, ready, lasting=1, cut=1)})
    assert "from 1m to cut short (of 3 in 1 run)" in " ".join(text(of(cut)).split())
    never = run_of(1, times={"NodeDeath": Times((1_000,), (), lasting=1)})
    assert "from 1m to never or cut short (of 4 in 2 runs)" in " ".join(text(of(cut, never)).split())


def test_without_objectives_the_probability_is_that_of_what_is_asked_of_every_run() -> None:
    plain = [replace(run_of(seed), judged=()) for seed in range(4)]
    never = replace(plain[3], outcome=Outcome.NEVER, duration=inf)
    runs = of(*plain[:2], replace(plain[2], flaws=(Flaw.IN_VAIN,)), never)
    assert (runs.probability().mean, runs.decision) == (0.5, Decision.MISSED)
    judged = of(*(run_of(seed) for seed in range(3)), run_of(3, Judgement.OPEN))
    assert judged.together is not None
    assert judged.probability() == judged.together.share


def test_the_first_sentence_is_for_who_has_to_repeat_it() -> None:
    runs = of(*(run_of(s) for s in range(296)), *(run_of(s, Judgement.MISSED) for s in range(296, 300)))
    assert sentence(runs) == (
        "Finishes within 10m in 98.7 % of runs (96.6–99.7); half of them by 8m20s, 99 % by 8m20s; "
        "never fewer than 3 ready."
    )


def test_no_fault_struck_means_that_they_say_nothing_of_faults() -> None:
    made = update()
    quiet = Replications(faulty(made), tuple(run_of(seed) for seed in range(300)))
    assert "no fault struck in 300 of 300 runs: a fault comes in at most 1 % of runs" in " ".join(
        text(quiet).split()
    )
    hit = replace(run_of(300), struck={"NodeDown": 2})
    told = " ".join(text(Replications(faulty(made), (*quiet.runs, hit))).split())
    assert "no fault struck in 300 of 301 runs" in told
    assert "NodeDown in 1 of 301: 0.3 % (0.008–1.9); 2 times" in told


def faulty(made: Scenario) -> Scenario:
    from kubeinfer_sim.scenario.faults.model import FaultPlan, FaultProcess, MixPart

    process = FaultProcess("nodes", "node", Uniform(1, 2), (MixPart(1.0, "NodeDown"),))
    return replace(made, faults=FaultPlan((process,)))


# -- in pandas --


def test_in_pandas_each_run_is_a_row_by_its_seed() -> None:
    pytest.importorskip("pandas")
    runs = of(run_of(4), run_of(2, Judgement.MISSED, values={"minReady": None, "lostInstanceMs": 7.0}))
    frame = runs.to_pandas()
    assert list(frame.index) == [4, 2]
    assert frame.index.name == "seed"
    assert list(frame.columns) == ["outcome", "all_held", "duration", "minReady", "lostInstanceMs"]
    assert frame.loc[4, "minReady"] == 3
    assert frame["minReady"].isna().tolist() == [False, True]
    assert frame["all_held"].tolist() == [True, False]
    both = compare([Variant("a", update()), Variant("b", update())], [3, 4]).to_pandas()
    assert list(both.index) == [("a", 3), ("a", 4), ("b", 3), ("b", 4)]
    assert both.loc[("a", 3), "duration"] == replicate(update(), 1, seed=3).runs[0].duration


def test_without_pandas_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"pip install 'kubeinfer-sim\[pandas\]'"):
        of(run_of(4)).to_pandas()


def test_of_each_variant_of_a_comparison_the_runs_speak_for_themselves() -> None:
    made = update(objectives=objectives(9 * MINUTE, "1/2"))
    found = compare([Variant("a", made), Variant("b", update())], range(5, 25))
    assert found.outcomes[0].runs is not None
    assert replications_json(found.outcomes[0].runs) == replications_json(replicate(made, 20, seed=5))


# -- how many ----------------------------------------------------------------------------------------------


def test_until_decided_makes_as_many_runs_as_it_takes_however_many_workers() -> None:
    made = update(objectives=objectives(60 * MINUTE, "19/20"))
    found = replicate(made, until_decided=True)
    assert (found.stopped, found.decision) == ("decided", Decision.HELD)
    assert found.total in (157, 158, 159)
    assert replications_json(replicate(made, until_decided=True, workers=Workers(2))) == replications_json(
        found
    )
    missed = replicate(update(objectives=objectives(MINUTE, "19/20")), until_decided=True)
    assert (missed.stopped, missed.decision) == ("decided", Decision.MISSED)
    assert missed.total < 10
    few = replicate(made, 30, until_decided=True)
    assert (few.stopped, few.total, few.decision) == ("most", 30, Decision.UNDECIDED)


def test_a_precision_asks_for_its_number_of_runs_once() -> None:
    made = update()
    rough = replicate(made, precision=0.05)
    assert (rough.stopped, rough.total >= 100) == ("pilot", True), "the number is fixed"
    assert rough.measured_precision is not None
    assert 0.05 < rough.measured_precision < 0.06, "not quite, and not called as the precision asks for"
    assert "and ±5 % was asked for" in " ".join(text(rough).split())
    more = replicate(made, precision=0.1)
    assert more.measured_precision is not None
    assert (more.stopped, more.measured_precision <= 0.1) == ("precision", True)
    fine = replicate(made, 400, precision=0.001)
    assert (fine.stopped, fine.total) == ("most", 400)
    mean = rough.mean("duration")
    assert mean.half is not None
    assert mean.half <= 0.06 * mean.mean


# -- in words and in JSON ----------------------------------------------------------------------------------


def text(runs: Replications, **how: Any) -> str:
    return render_replications(runs, lambda seed: f"replay --seed {seed}", **how)


@pytest.mark.parametrize(("failed", "told"), [(26, "20 more seeds: 6, 7"), (27, "21 more seeds: 6, 7")])
def test_of_many_failed_runs_the_report_says_where_it_leaves_out_seeds(failed: int, told: str) -> None:
    runs = of(*(Failure(seed, "timeout", "not over after 1s") for seed in range(failed)))
    said = " ".join(text(runs).split())
    assert told in said
    assert ("24, 25, …" in said) is (failed > 26)


def test_the_report_fits_80_columns_and_the_json_its_schema() -> None:
    made = update(objectives=objectives(9 * MINUTE, "1/2"))
    found = replicate(made, 120)
    for told in (text(found), text(found, unicode=False)):
        assert max(map(len, told.splitlines())) <= 80
    text(found, unicode=False).encode("ascii")
    for part in (
        "Objectives",
        "Figures",
        "Done by",
        "Lost time",
        "Look at",
        "p99",
        "worst: seed",
        "median: seed",
    ):
        assert part in text(found), part
    document = json.loads(replications_json(found))
    jsonschema.Draft202012Validator(replications_json_schema()).validate(document)
    assert document["perRun"]["seed"] == list(range(120))
    assert document["figures"][0]["mean"]["method"] == "Student's t, corrected for skewness (Hall)"
    assert sum(each["runs"] for each in document["duration"]) == 120
    assert document["duration"][-1]["done"]["value"] == 1


_LIMITED_THEN_PROFILED = """
import cProfile, threading
from kubeinfer_sim.experiment.limits import time_limit

def limited():
    with time_limit(60):
        pass

thread = threading.Thread(target=limited)
thread.start()
thread.join()
with cProfile.Profile():
    limited()
"""


class _Dropped:
    """What is raised while it is finalized comes to nothing."""

    def __del__(self) -> None:
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            pass


@pytest.mark.filterwarnings("ignore:Exception ignored in")
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_time_limit_that_rings_where_python_drops_what_is_raised_holds_all_the_same(goes_on: bool) -> None:
    def run() -> None:
        with time_limit(0.05):
            _Dropped()
            while goes_on:
                pass

    with pytest.raises(Overdue):
        run()


def test_a_run_with_a_time_limit_in_a_thread_leaves_nothing_by_which_a_profiler_never_returns() -> None:
    done = subprocess.run([sys.executable, "-c", _LIMITED_THEN_PROFILED], timeout=60, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("number", [0, -1, 1025, 2.0, "2", True])
def test_workers_are_a_whole_number_from_1_to_1024(number: Any) -> None:
    with pytest.raises(UsageError, match="expected a whole number from 1 to 1,024"):
        Workers(number)


def test_workers_that_are_ended_in_the_middle_of_a_result_leave_nothing_that_waits_for_the_rest() -> None:
    pool = process_pool(1)
    pool.submit(int, 1).result()
    pool.submit(bytes, 150_000_000)
    time.sleep(0.25)  # it has begun to send them, and takes as long again at least
    reader = pool._executor_manager_thread  # type: ignore[attr-defined]
    _end(pool, idle=False)
    reader.join(10)
    assert not reader.is_alive()
