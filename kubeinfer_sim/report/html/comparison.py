"""The page of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.experiment.compare import Comparison
from kubeinfer_sim.report.comparison import MOST_SIDE_BY_SIDE, variant_lines
from kubeinfer_sim.report.comparison_rows import held_share, legend, lines_beside, row_of
from kubeinfer_sim.report.comparison_sentences import (
    failed_lines,
    headline,
    hold_nowhere,
    sentences,
    spans_note,
    subtitle,
)
from kubeinfer_sim.report.html.lost_table import lost_table
from kubeinfer_sim.report.html.origin import Origin, end_of_page, seeds_text
from kubeinfer_sim.report.html.page import Block, Number, Page, Picture, Section, Table, Text
from kubeinfer_sim.report.plots.differences import differences_plot
from kubeinfer_sim.report.plots.lost_time import lost_time_plot
from kubeinfer_sim.report.series.differences import differences, spent_by_variant
from kubeinfer_sim.report.words import count

#: So many variants are told of in one sentence; so many are named beside the best.
_PAIR, _MOST_NAMED = 2, 3


def comparison_page(comparison: Comparison, origin: Origin) -> Page:
    """Which variant is better and by how much, in pictures."""
    told = sentences(comparison)
    pair = len(comparison.outcomes) <= _PAIR
    nowhere = hold_nowhere(comparison.outcomes, "variant")
    return Page(
        title=f"{comparison.scenario}, {count(len(comparison.outcomes), 'variant')}: kubeinfer-sim",
        subtitle=subtitle(comparison),
        verdict=" ".join(filter(None, [told[0] if pair else headline(comparison), nowhere])),
        tone="bad" if nowhere else "open" if comparison.unknown or not _decided(comparison) else "plain",
        numbers=list(_numbers(comparison)),
        sections=list(_sections(comparison, told)),
        end=end_of_page(comparison.outcomes[0].variant.scenario, origin, seeds_text(comparison.seeds)),
    )


def _decided(comparison: Comparison) -> bool:
    """Whether the best one is better than each other that does not come out the same."""
    best = comparison.best
    standings = [comparison.stand(best, other) for other in comparison.outcomes if other is not best]
    return all(each.column is None or each.winner > 0 for each in standings)


def _numbers(comparison: Comparison) -> Iterator[Number]:
    best, family = comparison.best, comparison.family
    others = [each for each in comparison.outcomes if each is not best]
    standings = [comparison.stand(best, other) for other in others]
    same = all(each.column is None for each in standings)
    name = "Best" if _decided(comparison) else "Best, as far as can be told"
    note = f"of {count(len(comparison.outcomes), 'variant')}" if not same else "all come out the same"
    yield Number(name, best.variant.name, note)
    column = next((each.column for each in standings if each.column is not None), None)
    if column is not None and (row := row_of(comparison, column)) is not None:
        by_name = zip((each.variant.name for each in comparison.outcomes), row.values, strict=True)
        values = dict(by_name)
        rest = [f"{each} {value}" for each, value in values.items() if each != best.variant.name]
        more = [f"{len(rest) - _MOST_NAMED:,} more"] if len(rest) > _MOST_NAMED else []
        first = f"{family.title(column.title)}: {best.variant.name}"
        yield Number(first, values[best.variant.name], "; ".join([*rest[:_MOST_NAMED], *more]))
    several = len(comparison.seeds) > 1
    if held := held_share(best, several):
        told = [f"{each.variant.name} {held_share(each, several)}" for each in others[:_MOST_NAMED]]
        yield Number(f"All objectives held: {best.variant.name}", held, "; ".join(told))
    else:
        yield Number("Seeds", f"{len(comparison.seeds):,}", "the same faults and draws under each variant")


def _sections(comparison: Comparison, told: Sequence[str]) -> Iterator[Section]:
    more = told if len(comparison.outcomes) > _PAIR else told[1:]
    yield Section("How the variants differ", [Text(more, as_list=True)] if more else [])
    series = differences(comparison)
    base = comparison.outcomes[0].variant.name
    pictures: list[Block] = [
        Picture(differences_plot(each), f"{each.title}; {each.better} is better.") for each in series
    ]
    note = Text(
        [f"Each number, less that under {base}, under the same seed: what is drawn is the same in both."]
    )
    yield Section("Differences, paired by seed", [note, *pictures] if pictures else [])
    spent = spent_by_variant(comparison)
    if any(each.total for each in spent):
        caption = "Mean of all seeds, up to one end for all variants."
        picture = Picture(lost_time_plot(spent, comparison.waited_for, "lost time"), caption)
        yield Section(
            "Where the lost time went",
            [picture, lost_table(spent, comparison.waited_for.say, times="", first="variant")],
        )
    yield Section("All numbers", list(_table(comparison)))
    failed = failed_lines(comparison.failures)
    yield Section("Failed", [Text(failed, as_list=True)] if failed else [])


def _table(comparison: Comparison) -> Iterator[Block]:
    """A row a number, of many variants a row a variant; how intervals come about."""
    names = [outcome.variant.name for outcome in comparison.outcomes]
    many = len(names) > MOST_SIDE_BY_SIDE
    if many:
        titles, cells = variant_lines(comparison, "all")
        head, rows = ["variant", *titles], [[name, *own] for name, own in zip(names, cells, strict=True)]
    else:
        head, rows = ["number", *names], lines_beside(comparison)
    shown = [cell for row in (head, *rows) for cell in row]
    yield Table(head, rows, legend(comparison, shown, differences="" if many else "beside"))
    if note := spans_note(comparison):
        yield Text([note])
