"""What one `kubeinfer-sim fuzz` has been asked, whichever way it looks, and where what it finds goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kubeinfer_sim.cli.output import Output, note, tell
from kubeinfer_sim.cli.own_line import same_again

if TYPE_CHECKING:
    from kubeinfer_sim.experiment.dispatch import Workers
    from kubeinfer_sim.report.html.origin import Origin
    from kubeinfer_sim.report.html.page import Page
    from kubeinfer_sim.testing.fuzz.counterexample import Counterexample


class Asked(Struct, frozen=True):
    """What all ways have in common.

    Attributes:
        seconds: begin no more runs after that.
        limits: those of a run.
    """

    file: str
    document: dict[str, Any]
    output: Output
    most: int | None
    seconds: float | None
    limits: Workers
    quiet: bool

    def origin(self) -> Origin:
        """Where its page came from."""
        from kubeinfer_sim.report.html.origin import Origin

        return Origin(same_again(), lambda: self.document)

    def write(self, sentence: str, took: float, runs: int, **forms: Callable[[], str]) -> None:
        """Write what was found where it belongs, and say how long it took."""
        from kubeinfer_sim.cli.progress import pace
        from kubeinfer_sim.report.words import count

        self.output.write(
            **{name: make for name, make in forms.items() if not (self.quiet and name == "text")}
        )
        if not self.quiet:
            if not self.output.is_text:
                tell(sentence, later="")
            note(f"simulated in {took:.2f} s: {count(runs, 'run')}, {pace(runs, took)}")


def on_page(page: Page) -> str:
    """The page as HTML."""
    from kubeinfer_sim.report.html.render import page_html

    return page_html(page)


def keep(
    given: Mapping[str, Any],
    found: Mapping[str, Any],
    sentence: str,
    differences: tuple[str, ...],
    *,
    invariants: bool = False,
) -> Counterexample | None:
    """What was found as a file; None where it cannot be written, which is told."""
    from kubeinfer_sim.testing.fuzz.counterexample import keep_counterexample

    try:
        return keep_counterexample(given, found, sentence, differences, invariants=invariants)
    except OSError as error:
        note(f"what was found could not be kept as a file ({error.strerror})")
        return None
