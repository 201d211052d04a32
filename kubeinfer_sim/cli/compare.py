"""`kubeinfer-sim compare SCENARIO --recovery Instance,Pod,rules.yaml`, or another knob."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from kubeinfer_sim.cli.campaigns import Loaded, campaign_options, campaign_page, seeds_option
from kubeinfer_sim.cli.command import (
    file_argument,
    filename_option,
    option,
    subcommand,
    vary_option,
)
from kubeinfer_sim.cli.invariants import BROKEN, broken_in_sample, invariants_option
from kubeinfer_sim.cli.output import Output
from kubeinfer_sim.cli.outputs import output_options
from kubeinfer_sim.cli.replications import (
    INTERRUPTED,
    UNDECIDED,
    Many,
    SoFar,
    failure_code,
    lint_of_worst,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.experiment.worker import Played

#: Of more variants progress tells the best alone.
_MOST_TOLD = 2


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return "compare plays one scenario with a knob turned: --vary manifest=a.yaml,b.yaml compares manifests"


def _complete_assumption(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from kubeinfer_sim.experiment.assumption_knob import assumption_values

    name, equals, given = incomplete.partition("=")
    known = assumption_values()
    if not equals:
        return [CompletionItem(f"{each}=") for each in known if each.startswith(incomplete)]
    before, comma, begun = given.rpartition(",")
    return [
        CompletionItem(f"{name}={before}{comma}{value}")
        for value in known.get(name, ())
        if value.startswith(begun)
    ]


class SoFarOfEach:
    """The current estimate of each of a few variants, or of the one that holds most often.

    Args:
        confidences: of the intervals of each variant, by name.
    """

    def __init__(self, confidences: Mapping[str, float]) -> None:
        self._each = {name: SoFar(confidence) for name, confidence in confidences.items()}

    def told(self, played: Sequence[Mapping[int, Played]]) -> str:
        """`maxSurge=0 held in 98 % of runs (95–99.5) · …`; `played`: of each variant by seed, which grow."""
        told = {}
        for (name, so_far), own in zip(self._each.items(), played, strict=True):
            if text := so_far.told([*own.values()]):
                told[name] = text
        if len(self._each) <= _MOST_TOLD:
            return " · ".join(f"{name} {text}" for name, text in told.items())
        number = f"{len(self._each):,} variants"
        best = max(told, key=lambda name: self._each[name].share, default=None)
        return number if best is None else f"{number}, {best} {told[best]}"


@subcommand(
    "compare", short_help="Simulate a scenario with a knob turned, under the same faults.", surplus=_surplus
)
@file_argument("scenario")
@filename_option
@option(
    "--recovery",
    metavar="LIST",
    help="Instance, Pod, Custom, files of rules, module:function; separated by commas.",
)
@click.option(
    "--assume",
    metavar="NAME=LIST",
    multiple=True,
    shell_complete=_complete_assumption,
    help="An assumption of the scenario and values for it: startupCrash=rebuild,kubelet.",
)
@vary_option("Each combination of several knobs is a variant.")
@seeds_option(
    "How many seeds each variant meets; if not given one, and as many as it takes to tell (six for two variants) "
    "where anything is drawn."
)
@campaign_options
@invariants_option
@output_options("the comparison", "text", "json", "markdown", "html")
def command(
    scenario: str,
    recovery: str | None,
    assume: tuple[str, ...],
    vary: tuple[str, ...],
    many: Many,
    loaded: Loaded,
    check_invariants: bool,
    output: Output,
) -> int:
    """Simulate SCENARIO once for each setting of a knob, under the same faults, and say how they differ.

    Knobs are --recovery, --assume and --vary, of which the last two may be given again and again; of several knobs
    each combination is a variant.

    The first is what the others are held against. Of several seeds every number is a mean, with its 95 % interval where
    there are enough; differences are paired by seed, and times are counted up to one end for all. Exit code 4: nothing
    can be said, since no runs came to an end. A function named with module:function decides about every failure (see
    docs/recovery.md); it is run as it is, so name none you do not trust.
    """
    from kubeinfer_sim.cli.output import look_of, show_diagnostics
    from kubeinfer_sim.cli.progress import ProgressBar
    from kubeinfer_sim.errors import UsageError
    from kubeinfer_sim.experiment.assumption_knob import assumption_knob
    from kubeinfer_sim.experiment.compare import compare
    from kubeinfer_sim.experiment.knobs import grid
    from kubeinfer_sim.manifest.source import read_source
    from kubeinfer_sim.report.warnings import of_variants

    if not (vary or assume or recovery):
        raise UsageError("compare needs a knob, --recovery, --assume or --vary, with the values to compare")
    if recovery is not None and ":" in recovery:
        sys.path.insert(0, "")  # a function in the working directory, as with `python -m`
    knobs = [] if recovery is None else [f"recovery={recovery}"]
    knobs += [*map(assumption_knob, assume), *vary]
    source = read_source(scenario)
    variants = grid(knobs, source, **loaded)
    if warnings := of_variants(variants):
        show_diagnostics(warnings)
    confidences = {each.name: float(each.scenario.confidence) for each in variants}
    first, so_far = variants[0].scenario.seed, SoFarOfEach(confidences)
    with many.places() as workers, ProgressBar("runs") as bar:
        comparison = compare(
            variants,
            None if many.replications is None else range(first, first + many.replications),
            workers=workers,
            store=many.store,
            progress=lambda done, total, played: bar.update(done, total, lambda: so_far.told(played)),
        )
    if check_invariants:
        for outcome in comparison.outcomes:
            each = outcome.variant
            ended = [seed for seed, over in zip(comparison.seeds, outcome.ended, strict=True) if over]
            if broken_in_sample(each.scenario, ended, None, name=each.name, recovery=each.recovery):
                return BROKEN

    def text() -> str:
        from kubeinfer_sim.report.comparison import render_comparison

        look = look_of(sys.stdout)
        told = render_comparison(comparison, **look)
        # A run that needs more time than it may take is not played again.
        again = comparison.outcomes if many.run_timeout is None else ()
        runs = [(each.variant.name, each.runs) for each in again if each.runs is not None]
        return told + lint_of_worst(runs, look)

    def document() -> str:
        from kubeinfer_sim.report.comparison_result import comparison_json

        return comparison_json(comparison)

    def markdown() -> str:
        from kubeinfer_sim.cli.own_line import same_again
        from kubeinfer_sim.report.markdown.comparison import comparison_markdown

        return comparison_markdown(comparison, same_again())

    def html() -> str:
        from kubeinfer_sim.report.html.comparison import comparison_page

        return campaign_page(partial(comparison_page, comparison), source, loaded)

    output.write(text=text, json=document, markdown=markdown, html=html)
    if comparison.interrupted:
        return INTERRUPTED
    code = failure_code(each for _, each in comparison.failures)
    return code or (UNDECIDED if comparison.unknown else 0)
