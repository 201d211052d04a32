"""What is in a store: for people what each variant comes to, for machines CSV, JSON, Parquet with a row for each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from math import isinf
from pathlib import Path
from typing import Any

from kubeinfer_sim.errors import OutputError, UsageError
from kubeinfer_sim.experiment.statistics.percentiles import PARTS
from kubeinfer_sim.experiment.stored import Stored, StoredVariant
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.manifest.wrapping import cells, wrap
from kubeinfer_sim.report.estimates import between
from kubeinfer_sim.report.words import count, share, share_between

_MOST_FAILURES = 6


def stored_text(stored: Stored, width: int = 80) -> str:
    """Which variants there are, how many runs of each, and what they come to, in lines of `width` columns."""
    variants = stored.variants()
    total = sum(each.runs + each.failed for each in variants)
    about = f"{stored.scenario} · {count(len(variants), 'variant')} · {count(total, 'run')}"
    about += f" · kubeinfer-sim {stored.version}"
    levels = sorted({share(each.confidence) for each in variants})
    about += f" · intervals of {', '.join(levels)} %"
    lines = wrap(printable(about), width)
    for each in variants:
        lines += ["", *wrap(printable(_how_many(each)), width, later="  ")]
        for name, text in _numbers(each):
            lines += wrap(f"  {name:<7}{text}", width, later=" " * 9)
    if stored.forced:
        lines.append("")
    if stored.forced:
        lines += wrap("forced runs: `run SCENARIO -n N --rare --store FILE` tells what they come to", width)
    failures = stored.failures()
    for name, seed, _, text in failures[:_MOST_FAILURES]:
        lines += wrap(printable(f"failed: {name}, seed {seed}: {text}"), width, later="  ")
    if len(failures) > _MOST_FAILURES:
        lines.append(f"… and {count(len(failures) - _MOST_FAILURES, 'more failed run')}")
    return "\n".join(lines) + "\n"


def _how_many(variant: StoredVariant) -> str:
    """`nodes=8: 300 runs, seeds 0-299, 2 of them failed`."""
    text = f"{variant.name}: {count(variant.runs + variant.failed, 'run')}"
    if variant.first_seed is not None:
        first, last = variant.first_seed, variant.last_seed
        text += f", seed {first}" if first == last else f", seeds {first}-{last}"
    return f"{text}, {variant.failed:,} of them failed" if variant.failed else text


def _numbers(variant: StoredVariant) -> Iterator[tuple[str, str]]:
    """What its runs come to, each with its interval."""
    if (held := variant.held) is not None:
        yield "held", f"all objectives in {share_between(held.mean, held.low or 0.0, held.high or 0.0)}"
    if (done := variant.finished) is not None:
        yield (
            "done",
            f"all in place at the end in {share_between(done.mean, done.low or 0.0, done.high or 0.0)}",
        )
    if variant.took:
        told = [between(f"p{part * 100:g}", one, "ms") for part, one in zip(PARTS, variant.took, strict=True)]
        never = f" · {variant.unfinished:,} never" if variant.unfinished else ""
        yield "takes", f"{' · '.join(told)}{never}"
    if variant.lost is not None:
        yield "lost", between("mean", variant.lost, "instance-ms")


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
    """A Parquet file, whole or not at all.

    Raises:
        UsageError: pyarrow is not installed, there is a file of that name, or there can be none.
        OutputError: the disk is full, or the like.
    """
    place = Path(path)
    if path not in ("", "-") and place.exists():
        raise UsageError(f"--parquet {path}: it is there already: name a new file")
    if path in ("", "-") or not place.parent.is_dir():
        there = (
            f"there is no folder {place.parent}" if path not in ("", "-") else "rows are written to a file"
        )
        raise UsageError(
            f"--parquet {path or repr(path)}: {there}: name a new file, as in --parquet runs.parquet"
        )
    try:
        from pyarrow import table
        from pyarrow.parquet import write_table
    except ImportError:
        raise UsageError("--parquet needs pyarrow: pip install 'kubeinfer-sim[parquet]'") from None
    columns = list(zip(*rows, strict=True)) or [()] * len(head)
    try:
        write_table(table(dict(zip(head, map(list, columns), strict=True))), path)
    except BaseException as error:
        place.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(f"--parquet {path}", error) from None
        raise


def _blanks(width: int, cell: str) -> str:
    return " " * (width - cells(cell))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))
