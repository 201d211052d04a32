"""What could be changed of a workload: each change with the knobs that simulate it and the fields it is written in.

The vendor's advice is among them: the presets of rolling updates, and rebuilding as much as computes together (a role
of one pod: that pod; of several: the role).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.experiment.knobs import Setting, Space
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.experiment.workload_knobs import in_all_versions
from kubeinfer_sim.manifest.model import RESET_LABEL, Deployment, KubeInfer, WorkloadSpec
from kubeinfer_sim.manifest.text_edit import Edit
from kubeinfer_sim.scenario.recovery.rules import RecoveryRule, with_policy

#: The presets of the vendor's console, then one up first and one down first.
PRESETS = (("1%", "1%"), ("25%", "25%"), ("10%", "10%"), ("100%", "100%"))
_OTHERS = (("1", "0"), ("0", "1"))
#: A startup probe gets so many times the failures.
_TIMES = (2, 4)
_GRACE_PERIODS = (30, 120, 600)
_SPARES = range(1, 17)
_GRACE_PERIOD = "terminationGracePeriodSeconds"


class Change(Struct, frozen=True, eq=False):
    """Something that could be otherwise.

    Attributes:
        name: as it is told.
        about: what it is about; of two changes about the same one alone can be made.
        settings: the knobs that simulate it.
        edits: the fields of the manifest that it is written in; none of spare nodes.
        nodes: so many nodes more.
        rules: what Custom recovery has to do then, which stands in a file of its own.
        advised: it is the vendor's advice.
    """

    name: str
    about: str
    settings: tuple[Setting, ...]
    edits: tuple[Edit, ...] = ()
    nodes: int = 0
    rules: tuple[RecoveryRule, ...] = ()
    advised: bool = False


def changes_of(own: Space, workload: KubeInfer | Deployment, value: Mapping[str, Any]) -> list[Change]:
    """All that could be changed in the manifest of a workload; `value`: the manifest as it is written."""
    owner = f"{workload.kind}/{workload.name}"
    made = [*_budgets(own, workload, owner)]
    if isinstance(workload, KubeInfer):
        made += _recovery(workload)
        made += _label(own, workload, owner)
    made += _probes(own, workload, owner, value)
    made += _grace_periods(own, workload, owner)
    return made


def spares(own: Space) -> list[list[Change]]:
    """More nodes, of each pool, fewest first."""
    pools = list(dict.fromkeys(each.pool for each in own.scenario.nodes))
    return [[spare(own, pool if len(pools) > 1 else "", number) for number in _SPARES] for pool in pools]


def spare(own: Space, pool: str, number: int) -> Change:
    """So many nodes more in a pool; "" where there is one alone."""
    knob = f"spareNodes.{pool}" if pool else "spareNodes"
    of = f" of {pool}" if pool else ""
    return Change(
        f"{number} more node{'s' if number > 1 else ''}{of}",
        f"nodes{of}",
        tuple(own.settings(knob, [str(number)])),
        nodes=number,
    )


def _budgets(own: Space, workload: KubeInfer | Deployment, owner: str) -> Iterator[Change]:
    if isinstance(workload, Deployment) and workload.strategy == "Recreate":
        return
    now = (str(workload.rolling_update.max_surge), str(workload.rolling_update.max_unavailable))
    for surge, unavailable in (*PRESETS, *_OTHERS):
        names = {"maxSurge": surge, "maxUnavailable": unavailable}
        differing = {
            name: value for (name, value), old in zip(names.items(), now, strict=True) if value != old
        }
        if not differing:
            continue
        settings = [
            each for name, value in names.items() for each in own.settings(f"{name}.{owner}", [value])
        ]
        edits = [
            Edit(("spec", "strategy", "rollingUpdate", name), int(value) if value.isdecimal() else value)
            for name, value in differing.items()
        ]
        yield Change(
            ", ".join(f"{name} {value}" for name, value in differing.items()),
            "budgets",
            tuple(settings),
            tuple(edits),
            advised=(surge, unavailable) in PRESETS,
        )


def _recovery(workload: KubeInfer) -> Iterator[Change]:
    """Another level for a role, and for all of them what the vendor recommends by parallelism."""
    levels: dict[str, str] = {}
    for index, role in enumerate(workload.roles):
        now = role.recovery_policy.restart
        advised = "Pod" if role.replicas == 1 else "Role"
        levels[role.name] = advised
        for level in ("Instance", "Pod", "Role"):
            if level != now and not (level == "Role" and (role.replicas == 1 or len(workload.roles) == 1)):
                yield _level(workload, {index: level}, advised=level == advised)
    wanted = {i: levels[role.name] for i, role in enumerate(workload.roles)}
    differing = {i: to for i, to in wanted.items() if to != workload.roles[i].recovery_policy.restart}
    if len(differing) > 1:
        yield _level(workload, differing, advised=True)


def _level(workload: KubeInfer, levels: Mapping[int, str], *, advised: bool) -> Change:
    roles = {workload.roles[index].name: level for index, level in levels.items()}
    rules = tuple(
        RecoveryRule("RecreateRole", roles=(role,)) for role, level in roles.items() if level == "Role"
    )
    edits = tuple(
        Edit(
            ("spec", "template", "spec", "roles", index, "recoveryPolicy", "restart"),
            "Custom" if level == "Role" else level,
        )
        for index, level in levels.items()
    )
    told = ", ".join(
        f"recovery of {role}: {'Custom, the role' if level == 'Role' else level}"
        for role, level in roles.items()
    )
    turn = _with_levels(workload.name, roles, rules)
    setting = Setting(
        "recovery", ",".join(f"{role}={level}" for role, level in roles.items()), told, turn=turn
    )
    about = "recovery" if len(roles) > 1 else f"recovery {next(iter(roles))}"
    return Change(told, about, (setting,), edits, rules=rules, advised=advised)


def _with_levels(
    name: str, levels: Mapping[str, str], rules: tuple[RecoveryRule, ...]
) -> Callable[[Variant], Variant]:
    def changed(workload: WorkloadSpec) -> WorkloadSpec:
        if isinstance(workload, KubeInfer):
            for role, level in levels.items():
                restart: Any = "Custom" if level == "Role" else level
                workload = with_policy(workload, restart, role)
        return workload

    def turn(variant: Variant) -> Variant:
        turned = in_all_versions(variant.scenario, {("KubeInfer", name)}, changed)
        return replace(variant, scenario=replace(turned, recovery=(*rules, *turned.recovery)))

    return turn


def _label(own: Space, workload: KubeInfer, owner: str) -> Iterator[Change]:
    """The label by which the device plugin tells of faults, in all roles."""
    for to in (True, False):
        if edits := label_edits(workload, to=to):
            yield Change(
                f"{RESET_LABEL}: {str(to).lower()}",
                "label",
                tuple(own.settings(f"label.{owner}", ["on" if to else "off"])),
                tuple(edits),
                advised=to,
            )


def label_edits(workload: KubeInfer, *, to: bool) -> list[Edit]:
    """The label in every role that has it otherwise."""
    return [
        Edit(
            ("spec", "template", "spec", "roles", i, "template", "metadata", "labels", RESET_LABEL),
            str(to).lower(),
        )
        for i, role in enumerate(workload.roles)
        if (role.template.labels.get(RESET_LABEL) == "true") is not to
    ]


def templates_of(workload: KubeInfer | Deployment) -> list[tuple[str, Path, Any]]:
    """Of each pod template whose it is, where it stands, and itself."""
    if isinstance(workload, Deployment):
        return [("", ("spec", "template"), workload.template)]
    return [
        (role.name, ("spec", "template", "spec", "roles", i, "template"), role.template)
        for i, role in enumerate(workload.roles)
    ]


def _probes(
    own: Space, workload: KubeInfer | Deployment, owner: str, value: Mapping[str, Any]
) -> Iterator[Change]:
    """A longer startup window."""
    for role, path, template in templates_of(workload):
        own_probes = [
            each.startup_probe.failure_threshold
            for each in template.containers
            if each.startup_probe is not None
        ]
        if not own_probes:
            continue
        whose = f"{workload.name}/{role}" if role else owner
        for times in _TIMES:
            number = max(own_probes) * times
            edits = tuple(
                Edit((*path, "spec", "containers", i, "startupProbe", "failureThreshold"), number)
                for i, each in enumerate(containers_in(value, path))
                if isinstance(each, dict) and each.get("startupProbe")
            )
            yield Change(
                f"startupProbe.failureThreshold {number}{f' of {role}' if role else ''}",
                f"startupProbe {role}",
                tuple(own.settings(f"startupProbe.failureThreshold.{whose}", [str(number)])),
                edits,
            )


def containers_in(value: Any, path: Path) -> Sequence[Any]:
    """The containers of the template at this place, as they are written."""
    for part in (*path, "spec", "containers"):
        value = value[part]
    containers: Sequence[Any] = value
    return containers


def _grace_periods(own: Space, workload: KubeInfer | Deployment, owner: str) -> Iterator[Change]:
    """Of all pods of the workload."""
    templates = templates_of(workload)
    now = {each.termination_grace_period_seconds for _, _, each in templates}
    for seconds in _GRACE_PERIODS:
        if now == {seconds}:
            continue
        edits = tuple(
            Edit((*path, "spec", _GRACE_PERIOD), seconds)
            for _, path, each in templates
            if each.termination_grace_period_seconds != seconds
        )
        yield Change(
            f"{_GRACE_PERIOD} {seconds}",
            "grace period",
            tuple(own.settings(f"{_GRACE_PERIOD}.{owner}", [str(seconds)])),
            edits,
        )
