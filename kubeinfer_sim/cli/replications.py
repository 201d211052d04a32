"""Many runs on the command line: options, progress, report, exit code; of `run` and `rollout`, in part of `compare`."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from msgspec import Struct

from kubeinfer_sim.cli.command import Whole, option
from kubeinfer_sim.cli.invariants import BROKEN, WriteWhole, broken_in_sample
from kubeinfer_sim.cli.output import Look, Output, look_of, note, show_diagnostics
from kubeinfer_sim.cli.outputs import FILES
from kubeinfer_sim.cli.own_line import own_line, same_again
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.scenario.model import Scenario

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.dispatch import Workers
    from kubeinfer_sim.experiment.replication import Failure
    from kubeinfer_sim.experiment.replications import Replications
    from kubeinfer_sim.experiment.worker import Played

F = TypeVar("F", bound=Callable[..., Any])

UNDECIDED, INTERRUPTED = 4, 130
#: Parameters that a replay of one seed does without.
_NOT_OF_ONE_RUN = {
    "replications",
    "precision",
    "until_decided",
    "engine",
    "scheduler",
    "workers",
    "run_timeout",
    "store",
    "probability",
    "seed",
    "form",
    *FILES.values(),
    "scenario_to",
    "quiet",
    "assumptions",
}


class Many(Struct, frozen=True):
    """What the command line says of many runs.

    Attributes:
        precision: as a part of the mean.
        run_timeout: seconds.
    """

    replications: int | None = None
    precision: float | None = None
    until_decided: bool = False
    engine: str | None = None
    scheduler: str | None = None
    workers: int | None = None
    run_timeout: float | None = None
    store: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether more than one run is asked for.

        Raises:
            UsageError: something is said of many runs, but not that there are to be any.
        """
        if self.replications is not None or self.precision is not None or self.until_decided:
            return True
        alone = {
            "--engine": self.engine,
            "--scheduler": self.scheduler,
            "--workers": self.workers,
            "--run-timeout": self.run_timeout,
            "--store": self.store,
        }
        given = [name for name, value in alone.items() if value is not None]
        if given:
            raise UsageError(f"{given[0]} is about many runs: say how many with -n, as in -n 300")
        return False

    @contextmanager
    def places(self) -> Iterator[Workers]:
        """Where to play them.

        Raises:
            UsageError: options that do not go together, or not with this installation.
            UnavailableError: the scheduler does not answer, or has no workers.
        """
        if self.engine == "dask":
            from kubeinfer_sim.experiment.dask_cluster import RIGHT, dask_workers

            if self.scheduler is None:
                raise UsageError(f"--engine dask needs --scheduler with the address of Dask's, {RIGHT}")
            if self.workers is not None:
                raise UsageError(
                    "--workers are processes here; with --engine dask the scheduler's workers play"
                )
            with dask_workers(self.scheduler, self.run_timeout) as workers:
                yield workers
            return
        if self.scheduler is not None:
            raise UsageError("--scheduler is about a cluster of Dask's: give --engine dask, too")
        from kubeinfer_sim.experiment.dispatch import Workers
        from kubeinfer_sim.experiment.worker import settled_in

        with settled_in():
            yield Workers(self.workers, self.run_timeout)


def _takes_many(command: F) -> F:
    """Have a command get what its options say of many runs as one `many`."""

    @wraps(command)
    def gathered(**given: Any) -> Any:
        ours = {name: given.pop(name) for name in Many.__struct_fields__ if name in given}
        return command(many=Many(**ours), **given)

    return cast("F", gathered)


def worker_options(command: F) -> F:
    """`--store`, and where to play; the command gets `many`."""
    store = option(
        "--store",
        metavar="FILE",
        help="Keep what every run comes to in this SQLite file; the same command goes on where it was stopped.",
    )
    return place_options(command, store)


def place_options(command: F, *others: Callable[[F], F]) -> F:
    """`--engine`, `--scheduler`, `--workers` and `--run-timeout`, after `others`; the command gets `many`."""
    command = _takes_many(command)
    options: list[Callable[[F], F]] = [
        *others,
        option(
            "--run-timeout",
            metavar="TIME",
            callback_value=_seconds,
            help="Give up a run that has computed for so long (30s, say; fuzz: 1m if not given), name its seed, go on.",
        ),
        option(
            "--workers",
            type=Whole(min=1, max=1024),
            metavar="N",
            help="Processes to play runs in; as many as there are cores, if not given.",
        ),
        option(
            "--scheduler",
            metavar="ADDRESS",
            help="Of --engine dask: the address of its scheduler (tcp://10.0.0.1:8786).",
        ),
        option(
            "--engine",
            type=click.Choice(["local", "dask"]),
            help="Play runs in processes here (local, if not given) or on a Dask cluster.",
        ),
    ]
    for each in options:
        command = each(command)
    return command


def replication_options(command: F) -> F:
    """The options of a command that makes many runs of one scenario."""
    for each in (
        click.option(
            "--until-decided",
            is_flag=True,
            help="As many runs as it takes to decide every objective with a probability; -n is the most (10,000).",
        ),
        option(
            "--precision",
            metavar="P%",
            callback_value=_part,
            help="As many runs as it takes to know the mean duration to within so much of it; -n is the most.",
        ),
        option(
            "-n",
            "--replications",
            "replications",
            type=Whole(min=1, max=10_000_000),
            metavar="N",
            help="Simulate with so many seeds, and report probabilities and percentiles with their intervals.",
        ),
    ):
        command = each(command)
    return worker_options(command)


def _part(text: str) -> float:
    from kubeinfer_sim.scenario.forms import percentage

    try:
        part = float(percentage(text))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not 0 < part < 1:
        raise click.BadParameter(f"{text}: expected more than 0% and less than 100%, as in 5%")
    return part


def _seconds(text: str) -> float:
    from kubeinfer_sim.scenario.units import parse_duration

    try:
        seconds = parse_duration(text) / 1000
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not seconds:
        raise click.BadParameter(f"{text}: expected more than nothing, as in 30s")
    return seconds


def replay_line(seed: int) -> str:
    """The command that simulates one seed alone: this one, without what is about many."""
    command, options, arguments = own_line(_NOT_OF_ONE_RUN)
    return shlex.join(["kubeinfer-sim", command, *arguments, *options, "--seed", str(seed)])


def replicate_and_report(
    scenario: Scenario,
    many: Many,
    output: Output,
    *,
    file: str,
    quiet: bool,
    assumptions: bool,
    whole: WriteWhole,
    check_invariants: bool,
) -> int:
    """Make the runs, report, and return the exit code: 0 held, 1 missed, 4 undecided or not judged, 2 or 3 failed.

    With `check_invariants` a sample of them is played once more with the invariants watching; `whole` writes the
    scenario with all that it is made of.
    """
    from kubeinfer_sim.cli.progress import ProgressBar, pace
    from kubeinfer_sim.experiment.replications import replicate
    from kubeinfer_sim.report.words import count

    if scenario.warnings and not quiet:
        show_diagnostics(scenario.warnings)
    begun = time.perf_counter()
    so_far = SoFar(float(scenario.confidence))
    bar = ProgressBar("runs", at_most=many.until_decided, shown=not quiet)
    with many.places() as workers, bar:

        def progress(done: int, total: int, played: Sequence[Played]) -> None:
            bar.update(done, total, lambda: so_far.told(played))

        runs = replicate(
            scenario,
            many.replications,
            precision=many.precision,
            until_decided=many.until_decided,
            workers=workers,
            store=many.store,
            progress=progress,
        )
    took = time.perf_counter() - begun
    seeds = [run.seed for run in runs.runs]
    if check_invariants and broken_in_sample(scenario, seeds, whole, quiet=quiet):
        return BROKEN
    # A run that needs more time than it may take is not played again.
    explain = many.run_timeout is None and bool(runs.runs)
    reports = _reports(runs, file, whole, assumptions=assumptions, explain=explain)
    output.write(**{name: make for name, make in reports.items() if not (quiet and name == "text")})
    if not quiet:
        note(f"simulated in {took:.2f} s: {count(runs.total, 'run')}, {pace(runs.total, took)}")
        if runs.stopped == "interrupted" and many.store is not None:
            note(f"kept in {many.store}: the same command goes on from there")
    return exit_code(runs)


class SoFar:
    """The current estimate: in which part of the runs all objectives hold, or all is in place."""

    def __init__(self, confidence: float) -> None:
        self._confidence = confidence
        self._seen = self._ended = self._held = 0

    @property
    def share(self) -> float:
        """That part, as far as it is known."""
        return self._held / max(self._ended, 1)

    def told(self, played: Sequence[Played]) -> str:
        """With its interval; "" before a run has ended. `played` grows from one time to the next."""
        from kubeinfer_sim.experiment.judging import falls_short
        from kubeinfer_sim.experiment.replication import Replication
        from kubeinfer_sim.experiment.statistics.proportions import proportion
        from kubeinfer_sim.report.run_verdict import in_runs

        for run in played[self._seen :]:
            if isinstance(run, Replication):
                self._ended += 1
                self._held += run.all_held and not falls_short(run)
        self._seen = len(played)
        if not self._ended:
            return ""
        estimate = proportion(self._held, self._ended, self._confidence)
        return f"held in {in_runs(estimate)}"


def exit_code(runs: Replications) -> int:
    """What the runs come to as an exit code."""
    from kubeinfer_sim.experiment.judging import Decision

    if runs.stopped == "interrupted":
        return INTERRUPTED
    if code := failure_code(runs.failures):
        return code
    return {Decision.HELD: 0, Decision.MISSED: 1}.get(runs.decision, UNDECIDED)


def failure_code(failures: Iterable[Failure]) -> int:
    """3 where the simulator is at fault, 2 where what the user gave is; a time limit is neither."""
    whys = {failure.why for failure in failures}
    return 3 if whys & {"fault", "died"} else 2 if "error" in whys else 0


def _why_worst(runs: Replications) -> str:
    """The verdict of the worst run, played once more; "" where it comes to its end and nothing stands against it."""
    from kubeinfer_sim.metrics import Outcome
    from kubeinfer_sim.report.verdict import assess
    from kubeinfer_sim.simulation.simulate import simulate

    if runs.worst.outcome is Outcome.COMPLETES and runs.worst.sound:
        return ""
    return assess(simulate(runs.scenario, seed=runs.worst.seed, pods=False)).verdict.sentence


def lint_of_worst(several: Sequence[tuple[str, Replications]], look: Look) -> str:
    """What lint warns of and the worst of some runs shows, of variants by name; that run is played once more for it.

    Only where lint warns of anything that runs can show.
    """
    warned = [(name, runs) for name, runs in several if runs.scenario.lint and runs.runs]
    if not warned:
        return ""
    from kubeinfer_sim.report.confirmed import confirmed, render_confirmed
    from kubeinfer_sim.report.verdict import assess
    from kubeinfer_sim.simulation.simulate import simulate

    found = []
    for name, runs in warned:
        seed = runs.worst.seed
        where = f"{name}, seed {seed}" if name else f"seed {seed}, the worst"
        assessment = assess(simulate(runs.scenario, seed=seed, pods=False))
        found += [(where, each) for each in confirmed(assessment)]
    return render_confirmed(found, **look)


def _reports(
    runs: Replications, file: str, whole: WriteWhole, *, assumptions: bool, explain: bool
) -> dict[str, Callable[[], str]]:
    """The forms of a report, each made when it is asked for; `explain`: the text says why the worst run never ends."""

    def text() -> str:
        from kubeinfer_sim.report.replications import render_replications

        look = look_of(sys.stdout)
        why = _why_worst(runs) if explain else ""
        told = render_replications(runs, replay_line, **look, assumptions=assumptions, why=why)
        return told + (lint_of_worst([("", runs)], look) if explain else "")

    def json() -> str:
        from kubeinfer_sim.report.replications_result import replications_json

        return replications_json(runs)

    def markdown() -> str:
        from kubeinfer_sim.report.markdown.replications import replications_markdown

        return replications_markdown(runs, same_again())

    def junit() -> str:
        from kubeinfer_sim.report.replication_checks import replications_junit

        return replications_junit(runs, file)

    def github() -> str:
        from kubeinfer_sim.report.replication_checks import replications_annotations

        return replications_annotations(runs, file)

    def html() -> str:
        from kubeinfer_sim.report.html.origin import Origin
        from kubeinfer_sim.report.html.render import page_html
        from kubeinfer_sim.report.html.replications import replications_page

        return page_html(replications_page(runs, Origin(same_again(), whole), replay_line))

    return {
        "text": text,
        "json": json,
        "markdown": markdown,
        "junit": junit,
        "github": github,
        "html": html,
    }
