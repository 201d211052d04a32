"""`--check-invariants`: the numbered invariants watch what a command simulates; what one says is told and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kubeinfer_sim.cli.output import ISSUES, note, tell
from kubeinfer_sim.errors import InputError, UsageError

if TYPE_CHECKING:
    from kubeinfer_sim.controllers.kubeinfer.policies import RecoveryPlugin
    from kubeinfer_sim.scenario.model import Scenario
    from kubeinfer_sim.simulation.run import Run
    from kubeinfer_sim.testing.invariants import InvariantsBroken, Violation, Watch

F = TypeVar("F", bound=Callable[..., Any])

#: Exit code of a run that breaks an invariant: the simulator is at fault.
BROKEN = 3
#: Of many runs so many are looked at.
SAMPLE = 10
#: So many violations, and records of each, are told.
MOST_TOLD, MOST_RECORDS = 3, 6

#: Writes the whole scenario of a run, for a file that replays it.
WriteWhole = Callable[[], dict[str, Any]]


def invariants_option(command: F) -> F:
    """`--check-invariants`, as `check_invariants`."""
    return click.option(
        "--check-invariants",
        is_flag=True,
        help="Have the numbered invariants watch (docs/invariants.md). One that does not hold is our mistake: exit "
        "code 3, with its records and a file that replays it.",
    )(command)


def watch_of(scenario: Scenario, *, wanted: bool) -> Watch | None:
    """What watches a run of a scenario, where that is wanted."""
    if not wanted:
        return None
    from kubeinfer_sim.testing.invariants import Watch

    return Watch(scenario)


def broken_in(watch: Watch | None, run: Run, whole: WriteWhole) -> bool:
    """Whether an invariant did not hold in a run that is over, which is told."""
    if watch is None:
        return False
    from kubeinfer_sim.testing.invariants import InvariantsBroken

    try:
        watch.finish(run)
    except InvariantsBroken as broken:
        _tell(broken, run.seed, whole)
        return True
    return False


def broken_in_sample(
    scenario: Scenario,
    seeds: Sequence[int],
    whole: WriteWhole | None,
    *,
    name: str = "",
    recovery: RecoveryPlugin | None = None,
    quiet: bool = False,
) -> bool:
    """Whether an invariant does not hold in one of a sample of runs, played once more; which is told.

    Args:
        scenario: what was played.
        seeds: with which seeds it was.
        whole: writes it; None where no file could say it.
        name: of a variant.
        recovery: the function that decides there.
        quiet: say nothing where they hold.
    """
    from kubeinfer_sim.testing.invariants import InvariantsBroken, checked

    sample = sampled(seeds)
    for seed in sample:
        try:
            checked(scenario, seed=seed, recovery=recovery)
        except InvariantsBroken as broken:
            _tell(broken, seed, whole)
            return True
    if quiet or not sample:
        return False
    of = f" of {name}" if name else ""
    runs = (
        f"{len(sample):,} of {len(seeds):,} runs{of}, which were"
        if len(seeds) > 1
        else f"the run{of}, which was"
    )
    note(f"all invariants hold in {runs} played once more for them")
    return False


def sampled(seeds: Sequence[int]) -> list[int]:
    """A sample of seeds: the first, the last, and others as far from each other as may be."""
    if len(seeds) <= SAMPLE:
        return list(seeds)
    return [seeds[place * (len(seeds) - 1) // (SAMPLE - 1)] for place in range(SAMPLE)]


def _tell(broken: InvariantsBroken, seed: int, whole: WriteWhole | None) -> None:
    for violation in broken.violations[:MOST_TOLD]:
        tell("\n".join(_lines(violation)))
    if len(broken.violations) > MOST_TOLD:
        tell(f"and {len(broken.violations) - MOST_TOLD} more of the same run")
    tell(_replayed(broken.violations[0], seed, whole))
    tell(f"This is our mistake, not yours; {ISSUES}.")


def _lines(violation: Violation) -> Iterable[str]:
    from kubeinfer_sim.report.sentences import sentence
    from kubeinfer_sim.scenario.units import format_duration

    yield f"invariant {violation.number} does not hold: {violation.what}"
    yield f"    what must hold: {violation.statement}"
    for record in violation.records[:MOST_RECORDS]:
        yield f"    {format_duration(record.at)}, record {record.id}: {sentence(record)} ({type(record).__name__})"


def _replayed(violation: Violation, seed: int, whole: WriteWhole | None) -> str:
    """How it is played again: by the file that is written here, where there can be one."""
    from kubeinfer_sim.testing.kept import keep, replay_of

    try:
        document = None if whole is None else whole()
    except (InputError, UsageError):  # an input that can be read only once
        document = None
    if document is None:
        return f"the same command replays it, with seed {seed}"
    spec = {**document["spec"], "seed": seed}
    check = ["--check-invariants"]
    try:
        path = keep(
            {**document, "spec": spec},
            f"{violation.number}: {violation.what}",
            violation.number.lower(),
            options=check,
        )
    except OSError as error:
        return f"no file that replays it could be written ({error.strerror}); the same command does, with seed {seed}"
    return f"replay (please send this file, too): {replay_of(path, check)}"
