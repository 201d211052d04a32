"""From the objectives a user writes to those that are judged; those that could never hold or be judged are refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import IntOrPercent, Kind, KubeInfer
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.model import ALL, BUDGET, ONE, AvailabilityObjective, Objectives, ReadyLevel
from kubeinfer_sim.scenario.schema import SpecForm
from kubeinfer_sim.scenario.units import format_duration

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.objective_forms import (
        AvailabilityForm,
        CountForm,
        ObjectivesForm,
        WorkloadObjectivesForm,
    )

_LEVELS = {level.name: level for level in (ONE, BUDGET, ALL)}
_OF_KUBEINFERS = {
    "min_capacity": "minCapacity",
    "max_unserved": "maxUnserved",
    "max_overload": "maxOverload",
}


def compile_objectives(
    spec: SpecForm,
    versions: Mapping[tuple[Kind, str], Sequence[KubeInfer]],
    changing: Collection[tuple[Kind, str]],
    context: Context,
) -> Objectives:
    """The objectives, those that could never hold or never be judged refused.

    Args:
        spec: as written.
        versions: of each workload there ever is, by kind and name; others than KubeInfers as KubeInfers of one role.
        changing: those of which instances or pods come or go because of what is asked for.
        context: where findings go.
    """
    form = spec.objectives
    path: Path = ("spec", "objectives")
    if form is None or not form.model_fields_set:
        return Objectives()
    by_name = {key: own for key, own in versions.items() if key[0] != "Pod"}
    if not by_name:
        context.error(
            path, "these are about a KubeInfer's instances or a Deployment's pods, and there is neither"
        )
        return Objectives()
    kubeinfers = [each for (kind, _), own in by_name.items() if kind == "KubeInfer" for each in own]
    for name, written in () if kubeinfers else _OF_KUBEINFERS.items():
        if name in form.model_fields_set:
            context.error(
                (*path, written), "is about a KubeInfer's instances, and there is none: use availability"
            )
    if kubeinfers:
        _check_horizon(spec, form, context, path)
    objects: list[tuple[Kind, str, Objectives]] = []
    asked = [key for key in by_name if key[0] == "KubeInfer" or not kubeinfers]
    unchanged = {key for key in asked if key not in changing}
    if len(unchanged) == len(asked):
        others = [f"{kind}/{name}" for kind, name in by_name if (kind, name) in changing]
        hint = f"what is asked of {others[0]} goes under objects" if others else ""
        _nothing_completes(form, "there is no update or scaling that could complete", context, path, hint)
    if kubeinfers:
        compiled = _of_workload("KubeInfer", form, spec, kubeinfers, context, path)
    else:  # they are about every other workload, each for itself
        compiled = Objectives()
        own_objectives = {
            key: _of_workload(key[0], form, spec, own, context, path) for key, own in by_name.items()
        }
        objects += (
            (*key, replace(own, completes=None, completes_within=None) if key in unchanged else own)
            for key, own in own_objectives.items()
        )
    for name, own_form in form.objects.items():
        here = (*path, "objects", name)
        if (key := _object(name, by_name, context, here)) is not None:
            if key not in changing:
                nothing = f"nothing makes pods of {name} come or go: it has no update or scaling that could complete"
                _nothing_completes(own_form, nothing, context, here)
            objects.append((*key, _of_workload(key[0], own_form, spec, by_name[key], context, here)))
    return replace(
        compiled,
        unchanged=frozenset(name for kind, name in unchanged if kind == "KubeInfer"),
        min_capacity=None if form.min_capacity is None else form.min_capacity.value,
        max_unserved=None if form.max_unserved is None else form.max_unserved.value,
        max_overload=None if form.max_overload is None else form.max_overload.time,
        objects=tuple(objects),
    )


def _nothing_completes(
    form: WorkloadObjectivesForm, why: str, context: Context, path: Path, hint: str = ""
) -> None:
    for name, written in (("completes", "completes"), ("completes_within", "completesWithin")):
        if name in form.model_fields_set:
            context.error((*path, written), why, hint=hint)


def _object(
    name: str, there: Collection[tuple[Kind, str]], context: Context, path: Path
) -> tuple[Kind, str] | None:
    """The workload that is meant; None after noting that there is none."""
    known = {f"{kind}/{own}": (kind, own) for kind, own in there}
    if name not in known:
        context.error(
            path, f"there is no {name}{did_you_mean(name, known)} (there are {', '.join(known)})", key=True
        )
    return known.get(name)


def _of_workload(
    kind: Kind,
    form: WorkloadObjectivesForm,
    spec: SpecForm,
    versions: Sequence[KubeInfer],
    context: Context,
    path: Path,
) -> Objectives:
    """What every workload must hold, or one alone; `versions`: of those."""
    counted = [] if kind == "DaemonSet" else versions
    lowest = min((each.replicas for each in counted), default=None)
    ready = None
    if form.min_ready_instances is not None:
        ready = _min_ready(form.min_ready_instances, counted, context, (*path, "minReadyInstances"))
    within = None if form.completes_within is None else form.completes_within.time
    if within is not None and spec.horizon is not None and within > spec.horizon:
        context.error(
            (*path, "completesWithin"), f"cannot be judged by the horizon, {format_duration(spec.horizon)}"
        )
    if form.no_stall is not None and kind not in ("KubeInfer", "Deployment"):
        context.error(
            (*path, "noStall"),
            f"nothing reports that the update of a {kind} stalls: it has no progress deadline",
        )
    _check_length(form, spec, context, path)
    return Objectives(
        min_ready_instances=ready,
        completes=None if form.completes is None else True,
        completes_within=within,
        max_lost_instance_seconds=(
            None if form.max_lost_instance_seconds is None else form.max_lost_instance_seconds.value
        ),
        no_stall=None if form.no_stall is None else True,
        availability=tuple(
            _availability(each, lowest, context, (*path, "availability", i))
            for i, each in enumerate(form.availability)
        ),
        probabilities=_probabilities(form),
    )


def _min_ready(
    form: CountForm, versions: Sequence[KubeInfer], context: Context, path: Path
) -> int | IntOrPercent | None:
    wanted = form.value
    if not versions:
        context.error(path, "how many pods a DaemonSet has, its nodes say: use availability")
        return None
    lowest = min(each.replicas for each in versions)
    ready = wanted.of(versions[0].replicas, round_up=True)
    if ready > lowest:
        asked = f"{wanted} are {ready}" if wanted.percent else f"{ready} are asked for"
        context.error(path, f"cannot hold: {asked}, and spec.replicas is {lowest} at some time")
    return wanted if wanted.percent else wanted.value


def _probabilities(form: WorkloadObjectivesForm) -> dict[str, Fraction]:
    """Those that are given, by the objective's key in the scenario."""
    given = {
        field.alias or name: getattr(getattr(form, name), "probability", None)
        for name, field in type(form).model_fields.items()
    }
    return {name: each for name, each in given.items() if each is not None}


def _availability(
    form: AvailabilityForm, lowest: int | None, context: Context, path: Path
) -> AvailabilityObjective:
    if isinstance(form.ready, str):
        level = _LEVELS[form.ready]
    else:
        level = ReadyLevel(str(form.ready), form.ready)
        if not level.amount.percent and lowest is not None and level.amount.value > lowest:
            message = f"cannot hold: {level.amount} are asked for, and spec.replicas is {lowest} at some time"
            context.error((*path, "ready"), message)
    return AvailabilityObjective(level, form.at_least, form.longest_outage, form.probability)


def _check_length(form: WorkloadObjectivesForm, spec: SpecForm, context: Context, path: Path) -> None:
    for i, each in enumerate(form.availability):
        if each.at_least is not None and spec.horizon is None:
            _needs_horizon(context, (*path, "availability", i, "atLeast"))


def _check_horizon(spec: SpecForm, form: ObjectivesForm, context: Context, path: Path) -> None:
    """Parts of what is desired or asked for over time."""
    named = {
        "minCapacity": form.min_capacity,
        "maxUnserved": form.max_unserved,
        "maxOverload": form.max_overload,
    }
    for name in (name for name, value in named.items() if value is not None):
        if spec.load is None and name != "minCapacity":
            context.error(
                (*path, name), "there is no load it could be about: say what is asked for in spec.load"
            )
        elif spec.horizon is None:
            _needs_horizon(context, (*path, name))


def _needs_horizon(context: Context, path: Path) -> None:
    """A part of the time, or of the load, means nothing when the run ends as soon as nothing more can happen."""
    message = "needs a horizon: without one the run ends when nothing more can happen, so it has no length"
    context.error(path, message, hint="add one, for example horizon: 30d")
