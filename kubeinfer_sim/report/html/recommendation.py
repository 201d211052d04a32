"""The page of a recommendation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.recommending.effects import Effect
from kubeinfer_sim.experiment.recommending.recommend import Looked, Recommendation
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.html.origin import Origin, about, end_of_page, seeds_text
from kubeinfer_sim.report.html.page import (
    Block,
    Cell,
    Number,
    Page,
    Picture,
    Section,
    Table,
    Text,
    Tone,
    Verbatim,
)
from kubeinfer_sim.report.plots.differences import differences_plot
from kubeinfer_sim.report.recommendation import (
    DECIDED,
    FIGURES,
    change_name,
    effect_text,
    notes,
    patch_lines,
    sentence,
    set_name,
    subtitle,
)
from kubeinfer_sim.report.series.changes import MOST_SETS, effects_of_changes
from kubeinfer_sim.report.words import count

#: Rows of the table of what was played.
MOST_ROWS = 500
_TONES: dict[Decision, Tone] = {Decision.HELD: "good", Decision.MISSED: "bad"}


def recommendation_page(made: Recommendation, origin: Origin) -> Page:
    """What to change and what that does, in pictures, with the patch."""
    return Page(
        title=f"{made.scenario.name}, recommendation: kubeinfer-sim",
        subtitle=subtitle(made),
        verdict=sentence(made),
        tone=_TONES.get(made.decision, "open"),
        numbers=list(_numbers(made)),
        sections=[about(made.scenario), *_sections(made)],
        end=end_of_page(made.scenario, origin, seeds_text(made.seeds)),
    )


def _numbers(made: Recommendation) -> Iterator[Number]:
    nodes = f", {count(made.nodes, 'node')} more" if made.nodes else ""
    if made.steps:
        names = "; ".join(step.change.name for step in made.steps)
        yield Number("To change", f"{count(len(made.steps), 'thing')}{nodes}", names)
    else:
        yield Number("To change", "nothing" if made.decision is Decision.HELD else "not known")
    effects = made.effects or made.base.effects
    for effect in sorted(effects, key=lambda each: not each.tells)[:1] if made.effects else ():
        yield _number(effect)
    for effect in (each for each in effects if each.figure == "held" and not made.effects):
        yield _number(effect)
    yield Number("Runs", f"{made.runs:,}", f"{count(made.sets, 'set')} of changes, {seeds_text(made.seeds)}")


def _number(effect: Effect) -> Number:
    title, unit = FIGURES[effect.figure]
    before = f"{amount(effect.before, unit)} as it is"
    return Number(f"{title[0].upper()}{title[1:]}", amount(effect.after, unit), before)


def _sections(made: Recommendation) -> Iterator[Section]:
    rows = [
        (
            change_name(step.change),
            "\n".join(effect_text(each) for each in step.effects if each.tells),
        )
        for step in made.steps
    ]
    head = ("change", "what it does")
    yield Section("What to change", [Table(head, rows, "Each change with all others made.")] if rows else [])
    yield Section("The patch", list(_patch(made)))
    pictures: list[Block] = [
        Picture(differences_plot(each), f"{each.title[0].upper()}{each.title[1:]}: {each.better} is better.")
        for each in effects_of_changes(made)
    ]
    first = [
        *(["the recommended one"] if made.steps else []),
        *(["those that hold"] if any(each.decision is Decision.HELD for each in made.looked) else []),
        "those that were played first",
    ]
    most = (
        f" Of {made.sets:,} sets no more than {MOST_SETS:,}: {', then '.join(first)}."
        if made.sets > MOST_SETS
        else ""
    )
    note = Text([f"Each set of changes, less the manifest as it is, under the same seeds.{most}"])
    yield Section("What changes do", [note, *pictures] if pictures else [])
    yield Section("All that was played", [_table(made)])
    yield Section("What to know of it", [Text(told, as_list=True)] if (told := notes(made)) else [])


def _patch(made: Recommendation) -> Iterator[Block]:
    if made.edits:
        yield Verbatim("\n".join(patch_lines(made)))
        yield Verbatim(made.patch("kubectl"), title="The same for kubectl patch --type json")
    if made.recovery:
        yield Text(["The rules of Custom recovery that go with it:"])
        yield Verbatim(made.recovery)


def _table(made: Recommendation) -> Table:
    """The manifest as it is first, then every set."""
    figures = [
        each
        for each in FIGURES
        if any(each == effect.figure for one in made.looked for effect in one.effects)
    ]
    chosen = tuple(step.change for step in made.steps)
    rows = [_row(each, figures, recommended=bool(chosen) and each.changes == chosen) for each in made.looked]
    head = ["set", "judged", "held in runs", "nodes more", *(FIGURES[each][0] for each in figures)]
    caption = "Each set is played until it is decided, under the same seeds."
    return Table(head, rows[:MOST_ROWS], caption, max(0, len(rows) - MOST_ROWS))


def _row(looked: Looked, figures: Sequence[str], *, recommended: bool) -> list[str | Cell]:
    nodes = sum(each.nodes for each in looked.changes)
    after = {each.figure: each.after for each in looked.effects}
    cells: list[str | Cell] = [
        f"{'✔ ' if recommended else ''}{set_name(looked) if looked.changes else 'as it is'}",
        Cell(DECIDED[looked.decision], tone=_TONES.get(looked.decision, "open")),
        Cell(f"{looked.held:,} of {looked.runs:,}", looked.held / max(1, looked.runs)),
        Cell(f"{nodes:,}" if nodes else "", nodes),
    ]
    for name in figures:
        value = after.get(name)
        cells.append("" if value is None else Cell(amount(value, FIGURES[name][1]), value))
    return cells
