"""Variants of a scenario that differ in one knob: `NAME=A,B` with a name from below, an assumption, or a path.

Names of their own have the knobs that are no field of a scenario file: budgets and the label stand in the manifest,
spare nodes are counted on top of what there is. Everything else is reached by its path in `spec`, as in
`cluster=3x8,4x8`, `kubernetesVersion=1.31,1.36`, `faults.npus.spares=0,2` or `manifest.set.replicas=2,3`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import count, islice
from typing import Any

from msgspec.structs import replace

from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.experiment.assumption_knob import assumption_variants
from kubeinfer_sim.experiment.recovery_knob import recovery_variants
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.manifest.kubernetes.intstr import parse_amount
from kubeinfer_sim.manifest.model import RESET_LABEL, KubeInfer
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.manifest.yaml_tree import load_documents
from kubeinfer_sim.scenario.actions.model import Apply
from kubeinfer_sim.scenario.cluster.pools import alike
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.schema import AssumptionsForm, SpecForm


def knob_variants(
    text: str, source: SourceText, set_values: Mapping[str, Any], **overrides: Any
) -> list[Variant]:
    """A variant for each value of `NAME=A,B`.

    Args:
        text: the knob and its values, as on the command line.
        source: the scenario file.
        set_values: values for its manifest.
        overrides: what else `load_scenario` takes.

    Raises:
        InputError: the scenario is wrong as it is, or a value of an assumption.
        UsageError: there is no such knob, no value for it, one twice, or one that cannot be.
    """
    name, _, listed = text.partition("=")
    values = split_values(listed)
    if not values:
        raise UsageError(f"--vary {name}: expected values, as in {name}=A,B")
    scenario = load_scenario(source, set_values=set_values, **overrides)
    head, _, rest = name.partition(".")
    fields = _spec_fields()
    if head in KNOBS:
        turn = KNOBS[head]
        return [Variant(f"{name}={value}", turn(scenario, rest, value)) for value in values]
    if name == "recovery":
        return recovery_variants(scenario, values)
    if name in _assumptions():
        return assumption_variants(scenario, text)
    if head not in fields:
        known = [*KNOBS, "recovery", *_assumptions(), *fields]
        raise UsageError(
            f"--vary: {name!r} is no knob{did_you_mean(head, known)} (there are {', '.join(KNOBS)}, the "
            "assumptions, and paths in the scenario's spec such as kubernetesVersion or faults.npus.spares)"
        )
    if head == "seed":
        raise UsageError("--vary seed: every variant meets the same seeds; give their number as --seeds")
    return [_at_path(name, value, source, set_values, overrides) for value in values]


def split_values(text: str) -> list[str]:
    """Values separated by commas outside of brackets and quotes, without those that are there twice."""
    parts = re.findall(r"""(?:[^,\[{"']|\[[^\]]*\]|\{[^}]*\}|"[^"]*"|'[^']*'|[^,])+""", text)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _spec_fields() -> list[str]:
    return [field.alias or name for name, field in SpecForm.model_fields.items()]


def _assumptions() -> list[str]:
    return [field.alias or name for name, field in AssumptionsForm.model_fields.items()]


# -- a field of the scenario file --------------------------------------------------------------------------


def _at_path(
    name: str, value: str, source: SourceText, set_values: Mapping[str, Any], overrides: Mapping[str, Any]
) -> Variant:
    written = value
    if name == "kubernetesVersion" and not value.startswith(("'", '"')):
        written = f'"{value}"'  # 1.30 is a text, not a number
    try:
        (document,) = load_documents(SourceText("--vary", f"value: {written}\n"))
        path = ("spec", *(int(step) if step.isdecimal() else step for step in name.split(".")))
        change = {path: document.value["value"]}
        scenario = load_scenario(source, set_values=set_values, changes=change, **overrides)
    except InputError as error:
        messages = "; ".join(dict.fromkeys(each.message for each in error.diagnostics))
        raise UsageError(f"--vary {name}={value}: {messages}") from None
    return Variant(f"{name.rpartition('.')[2]}={value}", scenario)


# -- knobs with names of their own -------------------------------------------------------------------------


def _in_all_versions(scenario: Scenario, change: Callable[[KubeInfer], KubeInfer]) -> Scenario:
    actions = tuple(
        replace(each, workload=change(each.workload))
        if isinstance(each, Apply) and isinstance(each.workload, KubeInfer)
        else each
        for each in scenario.actions
    )
    workloads = tuple(change(each) if isinstance(each, KubeInfer) else each for each in scenario.workloads)
    return replace(scenario, workloads=workloads, actions=actions)


def _budget(field: str) -> Callable[[Scenario, str, str], Scenario]:
    def turned(scenario: Scenario, rest: str, value: str) -> Scenario:
        budget = parse_amount(int(value) if re.fullmatch(r"[0-9]{1,9}", value) else value)
        if rest or budget is None or budget.exceeds_all:
            raise UsageError(f"--vary {field}: expected a number or a percentage up to 100%, found {value!r}")

        def change(kubeinfer: KubeInfer) -> KubeInfer:
            name = {"maxSurge": "max_surge", "maxUnavailable": "max_unavailable"}[field]
            budgets = replace(kubeinfer.rolling_update, **{name: budget})
            if not (budgets.max_surge.value or budgets.max_unavailable.value):
                raise UsageError(
                    f"--vary {field}={value}: maxSurge and maxUnavailable must not both be zero, or no instance "
                    "could ever be replaced"
                )
            return replace(kubeinfer, rolling_update=budgets)

        return _in_all_versions(scenario, change)

    return turned


def _label(scenario: Scenario, rest: str, value: str) -> Scenario:
    """The label that ties pods to the device plugin, in every role."""
    if rest or value not in ("on", "off"):
        raise UsageError(f"--vary label: expected on or off, found {value!r}")
    written = "true" if value == "on" else "false"

    def change(kubeinfer: KubeInfer) -> KubeInfer:
        roles = tuple(
            replace(
                role, template=replace(role.template, labels={**role.template.labels, RESET_LABEL: written})
            )
            for role in kubeinfer.roles
        )
        return replace(kubeinfer, roles=roles)

    return _in_all_versions(scenario, change)


def _spare_nodes(scenario: Scenario, pool: str, value: str) -> Scenario:
    """So many nodes more, each like the last one of the pool; those that are there keep their faults."""
    if not re.fullmatch(r"[0-9]{1,5}", value):
        raise UsageError(f"--vary spareNodes: expected a number of nodes, found {value!r}")
    pools = list(dict.fromkeys(node.pool for node in scenario.nodes))
    if not pool and len(pools) > 1:
        raise UsageError(f"--vary spareNodes: say of which pool, as in spareNodes.{pools[0]}={value}")
    if pool and pool not in pools:
        raise UsageError(f"--vary spareNodes.{pool}: the pools are {', '.join(pools)}")
    last = [node for node in scenario.nodes if pool in ("", node.pool)][-1]
    taken = {node.name for node in scenario.nodes}
    names = islice((name for i in count() if (name := f"{last.pool}-spare-{i}") not in taken), int(value))
    return replace(scenario, nodes=(*scenario.nodes, *(alike(last, name) for name in names)))


#: The knobs that are no field of a scenario, by name.
KNOBS: dict[str, Callable[[Scenario, str, str], Scenario]] = {
    "maxSurge": _budget("maxSurge"),
    "maxUnavailable": _budget("maxUnavailable"),
    "label": _label,
    "spareNodes": _spare_nodes,
}
