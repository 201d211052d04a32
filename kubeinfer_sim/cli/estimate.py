"""`--estimate`: what a run, or many, will cost; and a word beforehand where it is more than a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubeinfer_sim.cli.output import note

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.estimate import Estimate
    from kubeinfer_sim.scenario.model import Scenario

#: Seconds from which on a command says beforehand what it will take.
LONG = 60.0
#: No machine makes a call in less: what cannot come to `LONG` is not measured.
_LEAST_PER_CALL = 1e-7


def estimated(scenario: Scenario, runs: int | None, *, pods_told: bool, on_dask: bool = False) -> str:
    """What `--estimate` prints; `runs` are None for one run, whose result tells of all pods or not."""
    from kubeinfer_sim.experiment.estimate import estimate, seconds_per_call

    made, per_call = estimate(scenario, pods_told=pods_told), seconds_per_call()
    size = made.size
    told = [f"{_cost(made, runs, per_call)}, within a factor of two"]
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
        "crash loops, and pods that wait for room again and again, cost more",
    ]
    return "\n".join(told) + "\n"


def tell_if_long(scenario: Scenario, runs: int | None, *, pods_told: bool) -> None:
    """Say beforehand what takes more than a minute."""
    from kubeinfer_sim.experiment.estimate import estimate, seconds_per_call

    made = estimate(scenario, pods_told=pods_told)
    number = runs or 1
    # The reference loop takes a moment: only where it could be so much.
    if (
        number * made.seconds(_LEAST_PER_CALL) > LONG
        and number * made.seconds(per_call := seconds_per_call()) > LONG
    ):
        note(f"this takes {_cost(made, runs, per_call)} (--estimate says of what)")


def _cost(made: Estimate, runs: int | None, per_call: float) -> str:
    seconds = _seconds((runs or 1) * made.seconds(per_call))
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
