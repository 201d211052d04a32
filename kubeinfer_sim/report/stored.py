"""What is in a store: for people a line for each variant, for machines CSV, JSON or Parquet with a row for each run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from math import isinf
from pathlib import Path
from typing import Any

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.statistics.percentiles import PARTS
from kubeinfer_sim.experiment.stored import Stored
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.manifest.wrapping import cells, wrap
from kubeinfer_sim.report.estimates import amount
from kubeinfer_sim.report.words import count, share_between

_MOST_FAILURES = 6


def stored_text(stored: Stored, width: int = 80) -> str:
    """Which variants there are, how many runs of each, and what they come to, in lines of `width` columns."""
    variants = stored.variants()
    total = sum(each.runs + each.failed for each in variants)
    about = f"{stored.scenario} · {count(len(variants), 'variant')} · {count(total, 'run')}"
    about += f" · kubeinfer-sim {stored.version}"
    head = ["", "runs", "all held", *(f"p{part * 100:g}" for part in PARTS), "lost"]
    head[3] = f"takes {head[3]}"
    rows = [
        [
            each.name,
            f"{each.runs:,}",
            ""
            if each.held is None
            else share_between(each.held.mean, each.held.low or 0.0, each.held.high or 0.0),
            *([amount(one.mean, "ms") for one in each.took] or [""] * len(PARTS)),
            "" if each.lost is None else amount(each.lost.mean, "instance-ms"),
        ]
        for each in variants
    ]
    lines = [*wrap(printable(about), width), "", *_fitting(head, rows, width)]
    if stored.forced:
        lines += wrap("forced runs: `run SCENARIO -n N --rare --store FILE` tells what they come to", width)
    failures = stored.failures()
    for name, seed, _, text in failures[:_MOST_FAILURES]:
        lines += wrap(printable(f"failed: {name}, seed {seed}: {text}"), width, later="  ")
    if len(failures) > _MOST_FAILURES:
        lines.append(f"… and {count(len(failures) - _MOST_FAILURES, 'more failed run')}")
    return "\n".join(lines) + "\n"


def grid_lines(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Columns side by side, the first to the left and the others to the right."""
    table = [list(map(str, head)), *([_cell(each) for each in row] for row in rows)]
    widths = [max(cells(row[place]) for row in table) for place in range(len(head))]
    return [
        "  ".join(
            _blanks(width, cell) + cell if place else cell + _blanks(width, cell)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _fitting(head: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> list[str]:
    """The columns side by side; where a line has no room for them, each name stands above its numbers."""
    lines = grid_lines(head, rows)
    if max(map(cells, lines)) <= width:
        return lines
    titles, *numbers = grid_lines(["", *head[1:]], [["", *row[1:]] for row in rows])
    return [titles, *(line for row, own in zip(rows, numbers, strict=True) for line in (_cell(row[0]), own))]


def rows_csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV (RFC 4180 but for its line ends); nothing for what is not known, `inf` for what never finishes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


def rows_json(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A document of kind Rows, each an object; null for what is not known, and for what never finishes."""
    finite = ([None if isinstance(each, float) and isinf(each) else each for each in row] for row in rows)
    listed = [dict(zip(head, row, strict=True)) for row in finite]
    return json.dumps({"apiVersion": "kubeinfer-sim/v1", "kind": "Rows", "rows": listed}, indent=1) + "\n"


def write_parquet(path: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A Parquet file.

    Raises:
        UsageError: pyarrow is not installed, or there is a file of that name.
    """
    try:
        from pyarrow import table
        from pyarrow.parquet import write_table
    except ImportError:
        raise UsageError("--parquet needs pyarrow: pip install 'kubeinfer-sim[parquet]'") from None
    if Path(path).exists():
        raise UsageError(f"--parquet {path}: it is there already: name a new file")
    columns = list(zip(*rows, strict=True)) or [()] * len(head)
    write_table(table(dict(zip(head, map(list, columns), strict=True))), path)


def _blanks(width: int, cell: str) -> str:
    return " " * (width - cells(cell))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))
