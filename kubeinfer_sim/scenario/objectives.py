"""From the objectives a user writes to those that are judged; those that could never hold or be judged are refused."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.model import ALL, BUDGET, ONE, AvailabilityObjective, Objectives, ReadyLevel
from kubeinfer_sim.scenario.objective_forms import AvailabilityForm, ObjectiveForm, ObjectivesForm
from kubeinfer_sim.scenario.schema import SpecForm
from kubeinfer_sim.scenario.units import format_duration

_LEVELS = {level.name: level for level in (ONE, BUDGET, ALL)}


def compile_objectives(
    spec: SpecForm, initial: str, versions: Sequence[KubeInfer], context: Context
) -> Objectives:
    """The objectives, those that could never hold or never be judged refused."""
    form: ObjectivesForm = spec.objectives
    path: Path = ("spec", "objectives")
    if not versions:
        if form.model_fields_set:
            context.error(path, "these are about the instances of a KubeInfer, and there is none")
        return Objectives()
    lowest = min(version.replicas for version in versions)
    ready = None
    if form.min_ready_instances is not None:
        wanted = form.min_ready_instances.value
        # Rounded up: 80% of 4 instances are 4, not 3.
        ready = wanted.of(versions[0].replicas, round_up=True)
        here = (*path, "minReadyInstances")
        if ready > 0 and initial == "empty":
            context.error(
                here, "cannot hold: with initial empty no instance is ready at the start; use completesWithin"
            )
        elif ready > lowest:
            context.error(
                here, f"cannot hold: {wanted} are {ready}, and spec.replicas is {lowest} at some time"
            )
    changes = spec.update is not None or any(
        each.scale is not None
        or any((each.apply, each.patch, each.set_image, each.rollback, each.create, each.patch_object))
        for each in spec.actions
    )
    if initial == "running" and not changes:
        for name, written in (("completes", "completes"), ("completes_within", "completesWithin")):
            if name in form.model_fields_set:
                context.error((*path, written), "there is no update or scaling that could complete")
    within = None if form.completes_within is None else form.completes_within.time
    if within is not None and spec.horizon is not None and within > spec.horizon:
        context.error(
            (*path, "completesWithin"), f"cannot be judged by the horizon, {format_duration(spec.horizon)}"
        )
    _check_horizon(spec, context, path)
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
        min_capacity=None if form.min_capacity is None else form.min_capacity.value,
        max_unserved=None if form.max_unserved is None else form.max_unserved.value,
        max_overload=None if form.max_overload is None else form.max_overload.time,
        probabilities=_probabilities(form),
    )


def _probabilities(form: ObjectivesForm) -> dict[str, Fraction]:
    """Those that are given, by the objective's key in the scenario."""
    written = {field.alias or name: getattr(form, name) for name, field in type(form).model_fields.items()}
    return {
        name: each.probability
        for name, each in written.items()
        if isinstance(each, ObjectiveForm) and each.probability is not None
    }


def _availability(form: AvailabilityForm, lowest: int, context: Context, path: Path) -> AvailabilityObjective:
    if isinstance(form.ready, str):
        level = _LEVELS[form.ready]
    else:
        level = ReadyLevel(str(form.ready), form.ready)
        if not level.amount.percent and level.amount.value > lowest:
            message = f"cannot hold: {level.amount} are asked for, and spec.replicas is {lowest} at some time"
            context.error((*path, "ready"), message)
    return AvailabilityObjective(level, form.at_least, form.longest_outage, form.probability)


def _check_horizon(spec: SpecForm, context: Context, path: Path) -> None:
    """A part of the time, or of the load, means nothing when the run ends as soon as nothing more can happen."""
    form = spec.objectives
    fractions: list[Path] = [
        (*path, "availability", i, "atLeast")
        for i, each in enumerate(form.availability)
        if each.at_least is not None
    ]
    named = {
        "minCapacity": form.min_capacity,
        "maxUnserved": form.max_unserved,
        "maxOverload": form.max_overload,
    }
    fractions += [(*path, name) for name, value in named.items() if value is not None]
    for place in fractions:
        if spec.load is None and place[-1] in ("maxUnserved", "maxOverload"):
            context.error(place, "there is no load it could be about: say what is asked for in spec.load")
        elif spec.horizon is None:
            message = (
                "needs a horizon: without one the run ends when nothing more can happen, so it has no length"
            )
            context.error(place, message, hint="add one, for example horizon: 30d")
