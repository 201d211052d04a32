"""`--estimate`: what a run, or many, will cost; and a word beforehand where it is more than a minute."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kubeinfer_sim.cli.output import note

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.estimate import Estimate
    from kubeinfer_sim.manifest.model import WorkloadSpec
    from kubeinfer_sim.scenario.model import Scenario

#: Seconds from which on a command says beforehand what it will take.
LONG = 60.0
#: No machine makes a call in less: what cannot come to `LONG` is not measured.
_LEAST_PER_CALL = 1e-7
#: Of so many pods, nodes and actions, without faults, one run takes no minute on any machine.
_SMALL = 500
#: When its scenario has been read a small run has used so much of its processor time: the simulation is imported later.
_READ = 0.8


def estimated(scenario: Scenario, runs: int | None, *, pods_told: bool, on_dask: bool = False) -> str:
    """What `--estimate` prints; `runs` are None for one run, whose result tells of all pods or not."""
    from kubeinfer_sim.experiment.estimate import estimate, seconds_per_call

    started = time.process_time() / _READ
    made, per_call = estimate(scenario, pods_told=pods_told), seconds_per_call()
    size = made.size
    told = [f"{_cost(made, runs, per_call, started, alone=runs is None)}, within a factor of two"]
    if runs is not None:
        told.append(
            f"each run: {_seconds(made.seconds(per_call))}; a worker process takes {made.bytes / 1e6:,.0f} MB"
        )
        if on_dask:
            told += _on_dask(made, runs, made.seconds(per_call))
    of_instances = (
        f", {size.pods_of_instances:,} of them of {size.instances:,} instances" if size.instances else ""
    )
    told += [
        f"pods over the whole run: {size.pods:,}{of_instances}",
        f"nodes: {len(scenario.nodes):,}; faults of processes: {made.faults:,.0f}",
        f"function calls: {made.calls:,.0f}, {per_call * 1e6:.2f} µs each on this machine now",
        "crash loops, pods that wait for room again and again, and what else never finishes cost more",
    ]
    return "\n".join(told) + "\n"


def tell_if_long(
    scenario: Scenario,
    runs: int | None = None,
    *,
    pods_told: bool = False,
    searches: bool = True,
    at_most: bool = False,
) -> None:
    """Say beforehand what takes more than a minute.

    Args:
        scenario: what is played.
        runs: how many times; None for one run.
        pods_told: its result tells of all pods.
        searches: it is reported whole: a single run that never finishes is played again with what might let it.
        at_most: it may end before the whole run does.
    """
    if runs is None and _is_small(scenario):
        return
    from kubeinfer_sim.experiment.estimate import estimate, seconds_per_call

    made = estimate(scenario, pods_told=pods_told)
    number, alone = runs or 1, runs is None and searches
    # The reference loop takes a moment: only where it could be so much.
    if (
        number * made.seconds(_LEAST_PER_CALL, alone=alone) > LONG
        and number * made.seconds(per_call := seconds_per_call(), alone=alone) > LONG
    ):
        most = " at most" if at_most else ""
        # Who shows a moment of a run has no such option.
        of_run = "" if searches else "run "
        note(f"this takes {_cost(made, runs, per_call, alone=alone)}{most} ({of_run}--estimate says of what)")


def _is_small(scenario: Scenario) -> bool:
    """Whether nobody has to reckon to see that one run takes no minute."""
    parts = (scenario.nodes, scenario.actions, scenario.workloads, scenario.running)
    return scenario.faults is None and not any(
        each > _SMALL for each in (*map(len, parts), *map(_replicas, scenario.workloads))
    )


def _replicas(spec: WorkloadSpec) -> int:
    replicas: int = getattr(spec, "replicas", 1)  # a Pod and a DaemonSet have none
    return replicas * sum(role.replicas for role in getattr(spec, "roles", ())) or replicas


def _cost(made: Estimate, runs: int | None, per_call: float, started: float = 0.0, *, alone: bool) -> str:
    """`started`: seconds that the process takes before it plays, and to end."""
    seconds = _seconds(started + (runs or 1) * made.seconds(per_call, alone=alone))
    number = "" if runs is None else f" for {runs:,} runs"
    held = made.bytes + (0 if runs is None else runs * made.bytes_held)
    return f"about {seconds} of processor time and {held / 1e6:,.0f} MB of memory{number}"


def _on_dask(made: Estimate, runs: int, each: float) -> list[str]:
    """What to order for a campaign on a Dask cluster."""
    from kubeinfer_sim.experiment.batches import PER_RUN, PER_STORED_RUN, for_an_hour, most_workers
    from kubeinfer_sim.report.words import count

    planned = for_an_hour(runs, each)
    sent, stored = (f"{runs * size / 1e6:,.1f} MB" for size in (made.bytes_sent, made.bytes_stored))
    long = _seconds(planned.batch * each)
    batches = f"batches of {count(planned.batch, 'run')} ({long}), {planned.batches:,} of them"
    useful = count(most_workers(each), "worker")
    return [
        f"on Dask: {count(planned.workers, 'worker')} for {_seconds(planned.seconds)}, each with a core; {batches}",
        f"Dask's scheduler: busy for {100 * planned.busy:.1f} % of the time",
        f"what comes back: {sent}, {_seconds(runs * PER_RUN)} of this process, for which more than {useful} would wait",
        f"a store: {stored}, {_seconds(runs * PER_STORED_RUN)} of this process more",
    ]


def _seconds(seconds: float) -> str:
    """To two digits: no more is known."""
    from kubeinfer_sim.scenario.units import format_duration

    return f"{seconds:.2g} s" if seconds < LONG else format_duration(round(seconds / 10) * 10_000)
