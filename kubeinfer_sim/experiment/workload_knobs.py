"""Knobs of workloads: what stands in their manifests, in every version of them, whatever file they come from.

`maxSurge=0,1` is about every KubeInfer, or where there is none about every Deployment and the like;
`maxSurge.router=0,1` about one workload (`maxSurge.Deployment/router` where two share a name).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.autoscalers import autoscaled
from kubeinfer_sim.manifest.kubernetes.intstr import parse_amount
from kubeinfer_sim.manifest.model import (
    RESET_LABEL,
    BarePod,
    DaemonSet,
    Deployment,
    IntOrPercent,
    KubeInfer,
    ReplicaSet,
    StatefulSet,
    WorkloadSpec,
)
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import Apply, Create, Scale
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.workloads.manifests import too_many_pods

#: A scenario with a knob turned: the workload that is meant or "", the value as written.
Turn = Callable[[Scenario, str, str], Scenario]
_Budgeted = KubeInfer | Deployment | DaemonSet


def budget(field: str) -> Turn:
    """`maxSurge` or `maxUnavailable`."""

    def turned(scenario: Scenario, rest: str, value: str) -> Scenario:
        amount = parse_amount(int(value) if re.fullmatch(r"[0-9]{1,9}", value) else value)
        if amount is None or amount.exceeds_all:
            raise UsageError(f"--vary {field}: expected a number or a percentage up to 100%, found {value!r}")
        found: IntOrPercent = amount

        def change(workload: WorkloadSpec) -> WorkloadSpec:
            return _with_budget(workload, field, found, f"--vary {field}={value}")

        return _in_all_versions(scenario, field, rest, change)

    return turned


def _with_budget(workload: WorkloadSpec, field: str, amount: IntOrPercent, told: str) -> WorkloadSpec:
    if isinstance(workload, StatefulSet) and field == "maxUnavailable" and not workload.on_delete:
        if not amount.value:
            raise UsageError(f"{told}: a StatefulSet's must be more than 0")
        return replace(workload, max_unavailable=amount)
    if not isinstance(workload, _Budgeted):
        raise UsageError(f"{told}: {_named(workload)} has none")
    if isinstance(workload, Deployment) and workload.strategy == "Recreate":
        raise UsageError(f"{told}: {_named(workload)} has none: its strategy is Recreate")
    if isinstance(workload, DaemonSet) and workload.on_delete:
        raise UsageError(f"{told}: {_named(workload)} has none: its updateStrategy is OnDelete")
    name = {"maxSurge": "max_surge", "maxUnavailable": "max_unavailable"}[field]
    budgets = replace(workload.rolling_update, **{name: amount})
    surge, unavailable = budgets.max_surge.value, budgets.max_unavailable.value
    if not surge and not unavailable:
        what = "instance" if isinstance(workload, KubeInfer) else "pod"
        raise UsageError(
            f"{told}: maxSurge and maxUnavailable must not both be zero, or no {what} could ever be replaced"
        )
    if isinstance(workload, DaemonSet) and surge and unavailable:
        raise UsageError(f"{told}: a DaemonSet's maxSurge must be 0 when maxUnavailable is not")
    return replace(workload, rolling_update=budgets)


def replicas(scenario: Scenario, rest: str, value: str) -> Scenario:
    """`spec.replicas`, of workloads that the scenario itself does not scale."""
    number = _number("replicas", value)
    before = {(each.kind, each.name): each.replicas for each in (*scenario.workloads, *scenario.created)}

    def change(workload: WorkloadSpec) -> WorkloadSpec:
        if isinstance(workload, BarePod | DaemonSet):
            raise UsageError(f"--vary replicas: {_named(workload)} has none")
        scaled = any(
            isinstance(each, Scale) and each.kind == workload.kind and each.name in ("", workload.name)
            for each in scenario.actions
        )
        if scaled or workload.replicas != before.get((workload.kind, workload.name), workload.replicas):
            raise UsageError(
                f"--vary replicas: {_named(workload)} is scaled on the way: vary what the scenario says instead, as "
                "in manifest.set.replicas or actions.0.scale"
            )
        changed = replace(workload, replicas=number)
        if message := too_many_pods(changed):
            raise UsageError(f"--vary replicas={value}: {message}")
        if not isinstance(changed, KubeInfer):
            kept = autoscaled(changed, ((each.raw, each.namespace) for each in scenario.objects if each.raw))
            if kept.replicas != number:
                raise UsageError(
                    f"--vary replicas={value}: an autoscaler keeps {_named(workload)} at {kept.replicas} then: vary "
                    "within its bounds, or change them"
                )
        return changed

    return _in_all_versions(scenario, "replicas", rest, change)


def min_ready_seconds(scenario: Scenario, rest: str, value: str) -> Scenario:
    """`spec.minReadySeconds`, which KubeInfers do not have."""
    seconds = _number("minReadySeconds", value)

    def change(workload: WorkloadSpec) -> WorkloadSpec:
        if not isinstance(workload, Deployment | ReplicaSet | StatefulSet | DaemonSet):
            raise UsageError(f"--vary minReadySeconds: {_named(workload)} has none")
        deadline = workload.progress_deadline_seconds if isinstance(workload, Deployment) else None
        if deadline is not None and deadline <= seconds:
            raise UsageError(
                f"--vary minReadySeconds={value}: must be less than progressDeadlineSeconds, {deadline}"
            )
        return replace(workload, min_ready_seconds=seconds)

    return _in_all_versions(scenario, "minReadySeconds", rest, change)


def label(scenario: Scenario, rest: str, value: str) -> Scenario:
    """The label that ties pods to the device plugin, in every role."""
    if value not in ("on", "off"):
        raise UsageError(f"--vary label: expected on or off, found {value!r}")
    written = "true" if value == "on" else "false"

    def change(workload: WorkloadSpec) -> WorkloadSpec:
        if not isinstance(workload, KubeInfer):
            raise UsageError(f"--vary label: it means nothing on {_named(workload)}, for it is KubeInfers'")
        roles = tuple(
            replace(
                role, template=replace(role.template, labels={**role.template.labels, RESET_LABEL: written})
            )
            for role in workload.roles
        )
        return replace(workload, roles=roles)

    return _in_all_versions(scenario, "label", rest, change)


def _number(knob: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise UsageError(f"--vary {knob}: expected a number from 0 on, found {value!r}")
    return int(value)


def _in_all_versions(
    scenario: Scenario, knob: str, name: str, change: Callable[[WorkloadSpec], WorkloadSpec]
) -> Scenario:
    """Change the workloads that are meant by name."""
    return in_all_versions(scenario, _meant(scenario, knob, name), change)


def in_all_versions(
    scenario: Scenario, meant: AbstractSet[tuple[str, str]], change: Callable[[WorkloadSpec], WorkloadSpec]
) -> Scenario:
    """Change workloads, by kind and name, as they are at first and in what is applied or created later."""

    def changed(workload: WorkloadSpec) -> WorkloadSpec:
        return change(workload) if (workload.kind, workload.name) in meant else workload

    return replace(
        scenario,
        workloads=tuple(map(changed, scenario.workloads)),
        actions=tuple(
            replace(
                each,
                workload=changed(each.workload),
                before=None if each.before is None else changed(each.before),
            )
            if isinstance(each, Apply)
            else replace(each, workload=changed(each.workload))
            if isinstance(each, Create)
            else each
            for each in scenario.actions
        ),
    )


def of_workloads(scenario: Scenario, knob: str) -> list[WorkloadSpec]:
    """The workloads that a knob may turn: all but Pods, those created later included.

    Raises:
        UsageError: there are none.
    """
    there: list[WorkloadSpec] = [
        each for each in (*scenario.workloads, *scenario.created) if not isinstance(each, BarePod)
    ]
    if not there:
        raise UsageError(f"--vary {knob}: the scenario has no workload but Pods, which have none")
    return there


def _meant(scenario: Scenario, knob: str, name: str) -> set[tuple[str, str]]:
    """Kind and name of the workloads that are meant."""
    keys: set[tuple[str, str]] = {(each.kind, each.name) for each in of_workloads(scenario, knob)}
    if not name:
        return {key for key in keys if key[0] == "KubeInfer"} or keys
    meant = {key for key in keys if name in (key[1], "/".join(key))}
    if not meant:
        known = sorted("/".join(key) for key in keys)
        raise UsageError(
            f"--vary {knob}.{name}: there is no such workload{did_you_mean(name, known)} (there are "
            f"{', '.join(known)})"
        )
    if len(meant) > 1:
        written = " or ".join(sorted(f"{knob}.{kind}/{own}" for kind, own in meant))
        raise UsageError(f"--vary {knob}.{name}: two workloads have this name: say {written}")
    return meant


def _named(workload: WorkloadSpec) -> str:
    return named(workload.kind, workload.name)


def named(kind: str, name: str) -> str:
    """As messages call a workload."""
    return f"{kind} {name}"
