"""The sections of the report on the instances: how they started and stopped, which were disturbed, which untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.table import Table

from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.metrics import Measures
from kubeinfer_sim.report.instances import (
    COARSE,
    GROUPS,
    Row,
    Start,
    Stop,
    coarse_group_of,
    disturbance,
    disturbed,
    group_of,
    starts,
    stops,
    summed,
    untouched,
)
from kubeinfer_sim.report.paragraph import Part
from kubeinfer_sim.report.text import Text
from kubeinfer_sim.report.words import count, ordinals, rounded

MOST_ROWS = 12


def instance_sections(measures: Measures, width: int) -> Iterator[tuple[str, list[Part]]]:
    """Title and content of each section; nothing of what did not happen."""
    begun, ended = starts(measures), stops(measures)
    revisions = {row.what.revision for row in begun} | {row.what.revision for row in ended}
    if begun:
        title = "Starts: stages of the pod that was ready last"
        yield title, _start_table(begun, width - 2, with_revision=len(revisions) > 1)
    if ended:
        yield "Stops", _stop_table(ended, width - 2, with_revision=len(revisions) > 1)
    lives = disturbed(measures)
    lines: list[Part] = [Text(f"{life.instance.name}: {disturbance(life)}") for life in lives[:MOST_ROWS]]
    if len(lives) > MOST_ROWS:
        lines.append(Text(f"… and {count(len(lives) - MOST_ROWS, 'more instance')}", "dim"))
    yield "Disturbed", lines
    same = untouched(measures)
    if same and (begun or ended or len(same) < len(measures.instances)):
        names = ordinals(life.instance.ordinal for life in same)
        yield "Untouched", [Text(f"{count(len(same), 'instance')}: {names}")]


def _start_table(rows: list[Row[Start]], width: int, *, with_revision: bool) -> list[Part]:
    """As many stages as fit: each on its own, or in groups, or in coarse ones."""
    shown = rows[:MOST_ROWS]
    single = list(dict.fromkeys(stage.text for row in shown for stage, _ in row.what.stages))
    plans: tuple[tuple[list[str], Callable[[StageKind], str]], ...] = (
        (single, lambda stage: stage.text),
        (list(GROUPS), group_of),
        (list(COARSE), coarse_group_of),
    )
    head = ["#", *(["rev"] if with_revision else []), "created"]
    cells: list[list[str]] = []
    for names, group in plans:
        split = [summed(row.what.stages, group) for row in shown]
        used = [name for name in names if any(stages.get(name) for stages in split)]
        cells = [[*head, *used, "took", ""]]
        for row, stages in zip(shown, split, strict=True):
            start = row.what
            cut = start.cut and group(start.cut)
            lengths = [_length(stages.get(name, 0)) + ("…" if name == cut else "") for name in used]
            took = "-" if start.took is None else rounded(start.took)
            cells.append([*_head(row, start.revision, with_revision), *lengths, took, start.note])
        if _fits(cells, width):
            break
    return [_table(cells, width), *_cut_off([(row.what.took, len(row.ordinals)) for row in rows[MOST_ROWS:]])]


def _stop_table(rows: list[Row[Stop]], width: int, *, with_revision: bool) -> list[Part]:
    shown = rows[:MOST_ROWS]
    used = list(dict.fromkeys(stage.text for row in shown for stage, _ in row.what.stages))
    cells = [["#", *(["rev"] if with_revision else []), "deleted", *used, "took", ""]]
    for row in shown:
        stop = row.what
        sums = summed(stop.stages, lambda stage: stage.text)
        lengths = [_length(sums.get(name, 0)) for name in used]
        took = "-" if stop.took is None else rounded(stop.took)
        cells.append([*_head(row, stop.revision, with_revision), *lengths, took, stop.reason])
    return [_table(cells, width), *_cut_off([(row.what.took, len(row.ordinals)) for row in rows[MOST_ROWS:]])]


def _fits(cells: list[list[str]], width: int) -> bool:
    """Whether a table fits with single gaps; the notes in its last column may be folded."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return sum(widths[:-1]) + len(widths) - 1 + min(widths[-1], 16) <= width


def _table(cells: list[list[str]], width: int) -> Table:
    """The first row is the head; wide gaps where there is room."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    gap = 2 if sum(widths) + 2 * len(widths) <= width else 1
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    for name in cells[0]:
        left = name in ("#", "rev", "")
        table.add_column(name, justify="left" if left else "right", no_wrap=name != "", overflow="fold")
    for row in cells[1:]:
        table.add_row(*row)
    return table


def _head(row: Row[Start] | Row[Stop], revision: str, with_revision: bool) -> list[str]:
    text = ordinals(row.ordinals)
    if len(text) > 16:
        text = f"{text[:12].rsplit(',', 1)[0]} …"
    if len(row.ordinals) > 2:
        text += f" ({len(row.ordinals):,})"
    first, last = rounded(min(row.at)), rounded(max(row.at))
    times = first if first == last else f"{first}-{last}"
    return [text, revision, times] if with_revision else [text, times]


def _length(millis: int) -> str:
    return rounded(millis) if millis else "-"


def _cut_off(took: list[tuple[int | None, int]]) -> list[Part]:
    """What a long table leaves out: how long each row took and for how many instances."""
    if not took:
        return []
    lengths = sorted(length for length, times in took for _ in range(times) if length is not None)
    number = sum(times for _, times in took)
    text = f"… and {number:,} more like these"
    if lengths:
        middle = rounded(lengths[len(lengths) // 2])
        text += f" (took {rounded(lengths[0])} to {rounded(lengths[-1])}, half of them up to {middle})"
    return [Text(text, style="dim")]
