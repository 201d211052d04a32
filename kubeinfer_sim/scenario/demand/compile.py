"""From the load a user writes to its curve."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.demand.curve import LoadCurve, OfferedLoad
from kubeinfer_sim.scenario.timings.compile import unknown_role
from kubeinfer_sim.scenario.units import DAY, format_duration, parse_duration

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.demand.forms import LoadFileForm, LoadForm

_MOST_ERRORS = 20


def compile_load(
    form: LoadForm, versions: Sequence[KubeInfer], context: Context, path: Path, horizon: int | None
) -> OfferedLoad | None:
    """The offered load; None when it is wrong, which is noted.

    `horizon` is the end of the run in ms, where it is known before.
    """
    if not versions:
        context.error(path, "this is asked of the instances of a KubeInfer, and there is none", key=True)
        return None
    if len(names := dict.fromkeys(each.name for each in versions)) > 1:
        there = ", ".join(names)
        message = (
            f"how the load is split among several KubeInfers ({there}) is not known: choose one by its name"
        )
        context.error(path, message, key=True)
        return None
    roles = list(dict.fromkeys(role.name for version in versions for role in version.roles))
    for name in form.pod_serves or ():
        if name not in roles:
            context.error((*path, "podServes", name), unknown_role(name, roles), key=True)
    curve = _curve(form, context, path)
    if curve is None:
        return None
    if horizon is not None and (message := curve.too_many_points(horizon)):
        where: Path = (*path, "csv", "repeat") if form.csv else (*path, "daily")
        context.error(where, message, hint="let it come again less often, or end the run sooner")
        return None
    loads = [load for _, load in curve.points]
    amount = f"{float(min(loads)):,g}"
    if min(loads) != max(loads):
        amount += f" to {float(max(loads)):,g}"
    how = "daily, " if form.daily else f"{form.csv.file}, " if form.csv else ""
    return OfferedLoad(
        curve,
        form.unit or "",
        Fraction(1) if form.instance_serves is None else _exact(form.instance_serves),
        {name: _exact(value) for name, value in (form.pod_serves or {}).items()},
        f"{how}{amount} {form.unit or ('instance' if amount == '1' else 'instances')}",
    )


def _exact(value: float) -> Fraction:
    """The decimal number as written, not the nearest binary one."""
    return Fraction(str(value))


def _curve(form: LoadForm, context: Context, path: Path) -> LoadCurve | None:
    if form.constant is not None:
        return LoadCurve(((0, _exact(form.constant)),))
    if form.daily is not None:
        points = [((point.at - form.starts_at) % DAY, _exact(point.load)) for point in form.daily]
        return LoadCurve(tuple(sorted(points)), DAY)
    file = form.csv
    assert file is not None
    here = (*path, "csv")
    written = context.document.value["spec"]["load"]["csv"]
    where = (*here, "file") if isinstance(written, dict) else here
    source = context.read(file.file, where)
    return None if source is None else context.attempt(where, lambda: _read(file, source))


def _read(form: LoadFileForm, source: SourceText) -> LoadCurve:
    """The curve of a CSV file.

    Raises:
        ValueError: it lacks one of its two columns, or is empty.
        InputError: this is no CSV file, or some of its rows are wrong.
    """
    rows = csv.reader(io.StringIO(source.text.removeprefix("\ufeff")), strict=True)
    try:
        table = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError([Diagnostic(source.name, rows.line_num, 0, f"CSV: {error}", code="csv")]) from error
    header = [cell.strip() for cell in table[0][1]] if table else []
    for name in ("time", "load"):
        if name not in header:
            known = f"{did_you_mean(name, header)} (columns: {', '.join(header) or 'none, it is empty'})"
            raise ValueError(f"{form.file} has no column {name!r}{known}")
    points: list[tuple[int, Fraction]] = []
    errors: list[Diagnostic] = []
    for line, row in table[1:]:
        cells = {name: row[i].strip() if i < len(row) else "" for i, name in enumerate(header)}
        try:
            points.append((_time(cells["time"], form, points), _load(cells["load"])))
        except ValueError as error:
            errors.append(Diagnostic(source.name, line, 0, str(error), code="csv", text=source.line(line)))
    if errors:
        raise InputError(errors[:_MOST_ERRORS])
    if not points:
        raise ValueError(f"{form.file} has no values below its header")
    return LoadCurve(tuple(points), form.repeat)


def _time(cell: str, form: LoadFileForm, before: Sequence[tuple[int, Fraction]]) -> int:
    bare = cell.replace(".", "", 1).isdecimal()
    if bare and form.unit is None:
        raise ValueError(
            f"column 'time': {cell} has no unit: write {cell}s, or say `unit: s` in the scenario"
        )
    at = parse_duration(cell + (form.unit or "") if bare else cell)
    if before and at <= before[-1][0]:
        raise ValueError(
            f"column 'time': {cell} is not after the row before, {format_duration(before[-1][0])}"
        )
    if form.repeat is not None and at >= form.repeat:
        raise ValueError(f"column 'time': {cell} is not before `repeat`, {format_duration(form.repeat)}")
    return at


def _load(cell: str) -> Fraction:
    try:
        load = Fraction(cell)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"column 'load': expected a number, found {cell!r}") from None
    if not 0 <= load <= 10**15:
        raise ValueError(f"column 'load': must be from 0 to 10^15, found {cell}")
    return load
