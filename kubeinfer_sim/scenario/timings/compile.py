"""From the timings a user writes to distributions by stage and role."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic.alias_generators import to_camel

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.accelerators import common_family
from kubeinfer_sim.manifest.file_kinds import only_document
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.findings import read_form
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.timings.distributions import (
    Bounded,
    Constant,
    Exponential,
    Gamma,
    Lognormal,
    Mixture,
    Never,
    Transfer,
    Triangular,
    Uniform,
    Weibull,
    empirical,
)
from kubeinfer_sim.scenario.timings.model import STAGE_NAMES, StageTimings, Timings
from kubeinfer_sim.scenario.timings.profiles import DEFAULT_PROFILE, NO_NPU_STAGES, STAGES, profile_timings
from kubeinfer_sim.scenario.units import parse_duration

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.timings.forms import DistributionForm, EmpiricalForm
    from kubeinfer_sim.scenario.timings.stage_forms import StagesForm, TimingsForm

#: What one word in the scenario sets, unless the stage is named itself.
GROUPS = {
    "image": ("image_warm", "image_cold"),
    "weights": ("weights_warm", "weights_local", "weights_shared"),
    "graph": ("graph_warm", "graph_cold"),
}


def compile_timings(
    form: TimingsForm | None, kubeinfers: Sequence[KubeInfer], context: Context, path: Path
) -> tuple[Timings, list[str]]:
    """The timings of every role of the KubeInfers, and the defaults in force.

    A role none of whose pods asks for an NPU loads no model: stages set for all roles do not give it one,
    only stages set for that role do.
    """
    common: dict[str, Distribution] = {}
    from_file, profile = _NO_STAGES, DEFAULT_PROFILE
    of_roles: Mapping[str, StagesForm] = {}
    of_images: Mapping[str, StagesForm] = {}
    if form is not None:
        common, profile = compile_stages(form, context, path), form.profile
        of_roles, of_images = form.roles, form.images
        from_file = _from_file(form, context, path)
    roles = list(dict.fromkeys(role.name for kubeinfer in kubeinfers for role in kubeinfer.roles))
    for name in of_roles:
        if kubeinfers and name not in roles and context.written_here((*path, "roles", name)):
            context.error((*path, "roles", name), unknown_role(name, roles), key=True)
    with_npu = {
        role.name for kubeinfer in kubeinfers for role in kubeinfer.roles if role.template.accelerators
    }
    in_all = {**from_file.common, **common}
    noun = common_family(role.template.requests for kubeinfer in kubeinfers for role in kubeinfer.roles).noun
    default = profile_timings(profile, in_all)
    by_role: dict[str, StageTimings] = {}
    said = form is not None and "profile" in form.model_fields_set
    lines = [] if said else [f"timings.profile: {profile}"]
    lines += _lines("timings", default, in_all, profile)
    unused = [name for name in from_file.roles if name not in roles]
    if unused:
        lines.append(f"timings.file: nothing here is called {', '.join(unused)}; left out")
        useless = len(unused) == len(from_file.roles) and not from_file.common
        if useless and kubeinfers and context.written_here((*path, "file")):
            context.error(
                (*path, "file"), f"all of the file is about other roles: {unknown_role(unused[0], roles)}"
            )
    for name in roles:
        own = compile_stages(of_roles[name], context, (*path, "roles", name)) if name in of_roles else {}
        learned = from_file.roles.get(name, {})
        if learned:
            # What is written for all roles in the scenario goes before what the file has for one.
            own = {**learned, **(common if name in with_npu else {}), **own}
        if name in with_npu:
            if own:
                by_role[name] = profile_timings(profile, {**in_all, **own})
        else:
            shared = {stage: each for stage, each in in_all.items() if stage not in NO_NPU_STAGES}
            by_role[name] = profile_timings(profile, {**shared, **own}, npu=False)
            if NO_NPU_STAGES.keys() - own.keys():
                start = by_role[name].framework_import.describe()
                lines.append(f"timings.roles.{name}: no {noun}s, so no model to load; process start {start}")
    images = {
        image: _of_image(compile_stages(each, context, (*path, "images", image)))
        for image, each in of_images.items()
    }
    if images:
        default = _with_images(default, images)
        by_role = {name: _with_images(each, images) for name, each in by_role.items()}
    return Timings(default, by_role), lines


def _from_file(form: TimingsForm, context: Context, path: Path) -> Stages:
    """What the file says that the timings name; nothing where it is wrong, which is noted."""
    if form.file is None:
        return _NO_STAGES
    source = context.read(form.file, (*path, "file"))
    return (source and context.attempt((*path, "file"), lambda: read_timings(source))) or _NO_STAGES


def _of_image(stages: dict[str, Distribution]) -> dict[str, Any]:
    """A container's own exit is that of an init container, or a sidecar, that runs the image, too."""
    return {"sidecar_exit": stages["exit"], **stages} if "exit" in stages else stages


def _with_images(timings: StageTimings, images: Mapping[str, dict[str, Any]]) -> StageTimings:
    return replace(timings, images={image: replace(timings, **stages) for image, stages in images.items()})


class Stages(Struct, frozen=True):
    """The stages of a Timings file: for all roles, and by role."""

    common: dict[str, Distribution] = field(default_factory=dict)
    roles: dict[str, dict[str, Distribution]] = field(default_factory=dict)


_NO_STAGES = Stages()


def read_timings(source: SourceText) -> Stages:
    """The stages in a file of kind Timings.

    Raises:
        InputError: everything that is wrong with the document; the file holds none, or several.
    """
    document = only_document(source, "Timings")
    from kubeinfer_sim.scenario.file_forms import TimingsFile

    context = Context(document)
    form = read_form(TimingsFile, context.document).spec
    stages = Stages(
        compile_stages(form, context, ("spec",)),
        {name: compile_stages(each, context, ("spec", "roles", name)) for name, each in form.roles.items()},
    )
    if context.errors:
        raise InputError(context.errors)
    return stages


def unknown_role(name: str, roles: Sequence[str]) -> str:
    """What to say about a role that no version of the KubeInfer has."""
    return f"no role is called {name!r}{did_you_mean(name, roles)} (roles: {', '.join(roles)})"


def _lines(prefix: str, timings: StageTimings, given: dict[str, Distribution], profile: str) -> list[str]:
    """One line for each stage the user did not set."""
    if profile == "zero":
        return [f"{prefix}: every stage not named takes 0s (profile zero)"]
    return [
        f"{prefix}.{to_camel(name)}: {getattr(timings, name).describe()} ({STAGES[name].source})"
        for name in STAGES
        if name not in given
    ]


def compile_stages(form: StagesForm, context: Context, path: Path) -> dict[str, Distribution]:
    """The stages a user set, by field of `StageTimings`."""
    stages: dict[str, Distribution] = {}
    for group, members in GROUPS.items():
        value = getattr(form, group)
        if value is not None:
            stages |= dict.fromkeys(members, compile_distribution(value, context, (*path, group)))
    for name in STAGE_NAMES:
        value = getattr(form, name)
        if value is not None:
            stages[name] = compile_distribution(value, context, (*path, to_camel(name)))
            if name == "relist" and isinstance(stages[name], Never):
                context.error((*path, name), "a kubelet always lists its containers again: write a duration")
    return stages


def compile_distribution(form: DistributionForm, context: Context, path: Path) -> Distribution:
    """A distribution as the user wrote it."""
    inner = _unbounded(form, context, path)
    if form.min is None and form.max is None:
        return inner
    return Bounded(inner, form.min or 0, form.max)


def _unbounded(form: DistributionForm, context: Context, path: Path) -> Distribution:
    if form.uniform:
        return Uniform(form.uniform.low, form.uniform.high)
    if form.triangular:
        return Triangular(form.triangular.low, form.triangular.mode, form.triangular.high)
    if form.exponential:
        return Exponential(form.exponential.mean)
    if form.lognormal:
        return Lognormal(form.lognormal.p50, form.lognormal.p95)
    if form.gamma:
        shape, scale, mean = form.gamma.shape, form.gamma.scale, form.gamma.mean
        return Gamma(shape, round(scale * shape) if mean is None else mean)
    if form.weibull:
        shape, scale, mean = form.weibull.shape, form.weibull.scale, form.weibull.mean
        return Weibull(shape, scale if mean is None else round(mean / math.gamma(1 + 1 / shape)))
    if form.empirical:
        measured = form.empirical
        values = measured_values(measured, context, (*path, "empirical"))
        if values is None:
            return Constant(0)  # the error is noted; nothing will be simulated
        return empirical(values, interpolate=measured.interpolate, source=measured.csv or "")
    if form.mixture:
        parts = [
            compile_distribution(part.value, context, (*path, "mixture", i, "value"))
            for i, part in enumerate(form.mixture)
        ]
        return Mixture(tuple(part.weight for part in form.mixture), tuple(parts))
    if form.transfer:
        return Transfer(form.transfer.size, form.transfer.rate)
    return Never() if form.constant is None else Constant(form.constant)


def measured_values(form: EmpiricalForm, context: Context, path: Path) -> list[int] | None:
    """The measured values, from the list or the CSV file; None when they are wrong, which is noted."""
    if form.csv is None:
        return form.values
    source = context.read(form.csv, (*path, "csv"))
    return None if source is None else context.attempt(path, lambda: _column(form, source))


def _column(form: EmpiricalForm, source: SourceText) -> list[int]:
    """A column of durations.

    Raises:
        ValueError: there is no such column, or it is empty.
        InputError: this is no CSV file, or some of its cells are no durations.
    """
    import csv

    rows = csv.reader(io.StringIO(source.text), strict=True)
    try:
        table = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError([Diagnostic(source.name, rows.line_num, 0, f"CSV: {error}", code="csv")]) from error
    header = [cell.strip() for cell in table[0][1]] if table else []
    if form.column is None and len(header) != 1:
        raise ValueError(
            f"name the column of {form.csv}: one of {', '.join(header) or '(the file is empty)'}"
        )
    if form.column is not None and form.column not in header:
        known = f"{did_you_mean(form.column, header)} (columns: {', '.join(header)})"
        raise ValueError(f"{form.csv} has no column {form.column!r}{known}")
    place = header.index(form.column) if form.column is not None else 0
    values: list[int] = []
    errors: list[Diagnostic] = []
    for line, row in table[1:]:
        cell = row[place].strip() if place < len(row) else ""
        try:
            values.append(parse_duration(cell + (form.unit if form.unit and _is_number(cell) else "")))
        except ValueError as error:
            message = f"column {header[place]!r}: {error}"
            hint = "" if form.unit else "or say `unit: s` beside `csv` in the scenario"
            errors.append(
                Diagnostic(source.name, line, 0, message, hint=hint, code="csv", text=source.line(line))
            )
    if errors:
        raise InputError(errors[:20])
    if not values:
        raise ValueError(f"{form.csv} has no values below its header")
    return values


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).isdecimal()
