"""`run --rare`: events too rare to be seen in runs as they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.cli.output import Output, look_of, note, show_diagnostics
from kubeinfer_sim.cli.replications import INTERRUPTED, UNDECIDED, Many, failure_code
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.scenario.model import Scenario

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.worker import Played


def estimate_and_report(
    scenario: Scenario,
    many: Many,
    *,
    output: Output,
    quiet: bool,
    assumptions: bool,
) -> int:
    """Make forced runs, report, and return the exit code: 0 held, 1 missed, 4 undecided.

    Raises:
        UsageError: the method does not apply, or something is asked for that forced runs do not have.
    """
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.experiment.judging import Decision
    from kubeinfer_sim.experiment.rare_events import rare_events

    if many.precision is not None or many.until_decided:
        raise UsageError("--rare takes a number of runs: give -n, as in -n 2000")
    if many.replications is None:
        raise UsageError("--rare is about many runs: say how many with -n, as in -n 2000")
    for option, form in ((f"-o {output.form}", output.form), *((f"--{form}", form) for form in output.files)):
        if form not in ("text", "json"):
            raise UsageError(f"{option} is not there for --rare: text and json are")
    if scenario.warnings and not quiet:
        show_diagnostics(scenario.warnings)
    begun = time.perf_counter()
    with many.places() as workers, ProgressBar("runs") as bar:

        def progress(done: int, total: int, played: Sequence[Played]) -> None:
            bar.update(done, total, lambda: "")

        events = rare_events(
            scenario, many.replications, workers=workers, store=many.store, progress=progress
        )
    took = time.perf_counter() - begun

    def text() -> str:
        from kubeinfer_sim.report.rare_events import render_rare_events

        return render_rare_events(events, **look_of(sys.stdout), assumptions=assumptions)

    def json() -> str:
        from kubeinfer_sim.report.rare_events_result import rare_events_json

        return rare_events_json(events)

    output.write(json=json, **({} if quiet else {"text": text}))
    if not quiet:
        made = len(events.runs) + len(events.failures)
        note(f"simulated in {took:.2f} s: {made:,} runs, {made / max(took, 1e-9):,.0f} a second")
    if events.interrupted:
        return INTERRUPTED
    if code := failure_code(events.failures):
        return code
    return {Decision.HELD: 0, Decision.MISSED: 1}.get(events.decision, UNDECIDED)
