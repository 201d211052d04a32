"""Knobs of pod templates: probes and the grace period, of every version of the workloads or roles that are meant.

`startupProbe.failureThreshold=30,60` is about every container that has such a probe, of every KubeInfer, or where there
is none of every Deployment and the like; `startupProbe.failureThreshold.prefill=30,60` about one role, or one workload
(`….KubeInfer/chat`, `….chat/prefill` where a name is there twice).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.workload_knobs import Turn, in_all_versions, named, of_workloads
from kubeinfer_sim.manifest.model import Container, KubeInfer, PlainWorkload, PodTemplate, WorkloadSpec
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.model import Scenario

#: Field of a probe -> its name in the record, and its least value (pkg/apis/core/validation, validateProbe).
PROBE_FIELDS = {
    "initialDelaySeconds": ("initial_delay_seconds", 0),
    "timeoutSeconds": ("timeout_seconds", 1),
    "periodSeconds": ("period_seconds", 1),
    "successThreshold": ("success_threshold", 1),
    "failureThreshold": ("failure_threshold", 1),
    "terminationGracePeriodSeconds": ("termination_grace_period_seconds", 1),
}
#: Probe -> its name in the record of a container.
PROBES = {
    "startupProbe": "startup_probe",
    "livenessProbe": "liveness_probe",
    "readinessProbe": "readiness_probe",
}
GRACE_PERIOD = "terminationGracePeriodSeconds"
#: What fits a field that Kubernetes keeps as int32.
_MOST = 2**31 - 1


class _Change(Struct, frozen=True):
    """What a knob makes of a template.

    Attributes:
        record: the template, changed but for `raw`; None: the knob is not about it.
        written: the same change of the data that it was read from.
    """

    record: Callable[[PodTemplate], PodTemplate | None]
    written: Callable[[Mapping[str, Any]], dict[str, Any]]

    def of(self, template: PodTemplate) -> PodTemplate | None:
        """The template with the change, in what revisions are made of, too."""
        changed = self.record(template)
        return None if changed is None else replace(changed, raw=self.written(template.raw))


def probe(kind: str) -> Turn:
    """A field of a probe: `startupProbe.failureThreshold`."""

    def turned(scenario: Scenario, rest: str, value: str) -> Scenario:
        field, _, whose = rest.partition(".")
        knob = f"{kind}.{field}" if field else kind
        if field not in PROBE_FIELDS:
            known = ", ".join(f"{kind}.{each}" for each in PROBE_FIELDS)
            hint = did_you_mean(field, PROBE_FIELDS) if field else ""
            raise UsageError(f"--vary {knob}: say which field of the probe{hint} (there are {known})")
        attribute, least = PROBE_FIELDS[field]
        number = _number(knob, value, least)
        if field == "successThreshold" and kind != "readinessProbe" and number != 1:
            raise UsageError(f"--vary {knob}={value}: it must be 1 of a {kind}")
        if field == GRACE_PERIOD and kind == "readinessProbe":
            raise UsageError(f"--vary {knob}: a readinessProbe has none, for it ends no container")

        def record(template: PodTemplate) -> PodTemplate | None:
            if not _has(template, PROBES[kind]):
                return None
            return replace(
                template,
                containers=_with_probe(template.containers, PROBES[kind], attribute, number),
                init_containers=_with_probe(template.init_containers, PROBES[kind], attribute, number),
            )

        change = _Change(record, lambda raw: _raw_with_probe(raw, kind, field, number))
        return _in_templates(scenario, knob, whose, change, f"no container has a {kind}")

    return turned


def grace_period(scenario: Scenario, whose: str, value: str) -> Scenario:
    """`spec.terminationGracePeriodSeconds` of the pods."""
    number = _number(GRACE_PERIOD, value, 0)
    change = _Change(
        lambda template: replace(template, termination_grace_period_seconds=number),
        lambda raw: {**raw, "spec": {**raw.get("spec", {}), GRACE_PERIOD: number}},
    )
    return _in_templates(scenario, GRACE_PERIOD, whose, change, "there is no pod template")


def _has(template: PodTemplate, attribute: str) -> bool:
    return any(getattr(each, attribute) for each in (*template.containers, *template.init_containers))


def _with_probe(
    containers: tuple[Container, ...], attribute: str, field: str, number: int
) -> tuple[Container, ...]:
    return tuple(
        each
        if (before := getattr(each, attribute)) is None
        else replace(each, **{attribute: replace(before, **{field: number})})
        for each in containers
    )


def _raw_with_probe(raw: Mapping[str, Any], kind: str, field: str, number: int) -> dict[str, Any]:
    """The template as the API server would store it: what revisions are made of."""
    spec = dict(raw.get("spec", {}))
    for containers in ("containers", "initContainers"):
        if spec.get(containers):
            spec[containers] = [
                {**each, kind: {**each[kind], field: number}} if each.get(kind) else each
                for each in spec[containers]
            ]
    return {**raw, "spec": spec}


def _number(knob: str, value: str, least: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", value) or not least <= int(value) <= _MOST:
        raise UsageError(f"--vary {knob}: expected a number from {least} on, found {value!r}")
    return int(value)


# -- which templates are meant -----------------------------------------------------------------------------


def _in_templates(scenario: Scenario, knob: str, whose: str, change: _Change, lack: str) -> Scenario:
    """Change the templates that are meant, in every version.

    Raises:
        UsageError: nobody is called that, several are, or it is about none of them: `lack`.
    """
    workloads = of_workloads(scenario, knob)
    meant = _meant(workloads, knob, whose)
    changed = False

    def of(template: PodTemplate) -> PodTemplate:
        nonlocal changed
        after = change.of(template)
        changed = changed or after is not None
        return template if after is None else after

    def with_template(workload: PlainWorkload) -> PlainWorkload:
        template = of(workload.template)
        spec = workload.raw.get("spec", {})
        if template is workload.template or "template" not in spec:
            return replace(workload, template=template)
        # A patch after a rollback is made of what is written.
        written = {**spec, "template": change.written(spec["template"])}
        return replace(workload, template=template, raw={**workload.raw, "spec": written})

    def turn(workload: WorkloadSpec) -> WorkloadSpec:
        key = (workload.kind, workload.name)
        if isinstance(workload, KubeInfer):
            roles = tuple(
                replace(role, template=of(role.template))
                if (*key, role.name) in meant or (*key, "") in meant
                else role
                for role in workload.roles
            )
            return replace(workload, roles=roles)
        return with_template(workload) if (*key, "") in meant else workload

    turned = in_all_versions(scenario, {each[:2] for each in meant}, turn)
    if not changed:
        told = ", ".join(sorted(dict.fromkeys(_told(each) for each in meant)))
        raise UsageError(f"--vary {knob}: {lack} in {told}")
    # What lint has found is about the templates as they are written.
    return replace(turned, lint=())


def _meant(workloads: list[WorkloadSpec], knob: str, whose: str) -> set[tuple[str, str, str]]:
    """Kind and name of the workloads, and the role or "" for all of them."""
    whole: set[tuple[str, str, str]] = {(each.kind, each.name, "") for each in workloads}
    if not whose:
        return {each for each in whole if each[0] == "KubeInfer"} or whole
    roles: set[tuple[str, str, str]] = {
        (each.kind, each.name, role.name)
        for each in workloads
        if isinstance(each, KubeInfer)
        for role in each.roles
    }
    names = {each: _names(*each) for each in whole | roles}
    meant = {each for each, own in names.items() if whose in own}
    if not meant:
        known = sorted({each[2] for each in roles} | {each[1] for each in whole})
        raise UsageError(
            f"--vary {knob}.{whose}: there is no such role or workload{did_you_mean(whose, known)} (there are "
            f"{', '.join(known)})"
        )
    if len(meant) > 1:
        written = " or ".join(sorted(f"{knob}.{names[each][-1]}" for each in meant))
        raise UsageError(f"--vary {knob}.{whose}: two have this name: say {written}")
    return meant


def _names(kind: str, name: str, role: str) -> list[str]:
    """What one may be called, the longest name, which nobody shares, last."""
    return [role, f"{name}/{role}", f"{kind}/{name}/{role}"] if role else [name, f"{kind}/{name}"]


def _told(meant: tuple[str, str, str]) -> str:
    kind, name, role = meant
    return f"role {role} of {named(kind, name)}" if role else named(kind, name)
