"""Variants of a scenario that differ in knobs: `NAME=A,B` with a name from below, an assumption, or a path.

Names of their own have the knobs that are no field of a scenario file: those of workloads stand in manifests
(`workload_knobs.py`), nodes are counted, in all or on top of what there is. Everything else is reached by its path in
`spec`, as in `cluster=3x8,4x8`, `kubernetesVersion=1.31,1.36`, `faults.npus.spares=0,2` or `manifest.set.replicas=2,3`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count, islice, product
from math import prod
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.experiment import template_knobs, workload_knobs
from kubeinfer_sim.experiment.assumption_knob import as_yaml, assumption_variants
from kubeinfer_sim.experiment.recovery_knob import recovery_variants
from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.manifest.yaml_tree import load_documents
from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.cluster.pools import alike
from kubeinfer_sim.scenario.forms import written_name
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.scenario.schema import SpecForm


class Setting(Struct, frozen=True):
    """A knob at one of its values.

    Attributes:
        knob, value: as they are written.
        name: how a variant is called that differs in nothing else.
        changes: of the scenario file: path -> value.
        turn: what it does to the scenario that is read.
    """

    knob: str
    value: str
    name: str
    changes: Mapping[Path, Any] = field(default_factory=dict)
    turn: Callable[[Variant], Variant] | None = None


class Space(Struct, frozen=True):
    """The combinations of some knobs of one scenario.

    Attributes:
        scenario: as its file has it.
        sides: of each knob its values.
        source, set_values, overrides: what the scenario was loaded from, for values that change its file.
    """

    scenario: Scenario
    sides: tuple[tuple[Setting, ...], ...]
    source: SourceText
    set_values: Mapping[str, Any]
    overrides: Mapping[str, Any]

    @property
    def knobs(self) -> list[str]:
        """As they are written."""
        return [side[0].knob for side in self.sides]

    def settings(self, knob: str, values: Sequence[str]) -> list[Setting]:
        """Values of a knob, of these or of another one.

        Raises:
            UsageError: there is no such knob, or such a value of it.
        """
        return _settings_of(knob, values, self.scenario)

    def variant(self, settings: Sequence[Setting]) -> Variant:
        """The scenario with knobs turned: first what changes its file, then the rest in the order given.

        Raises:
            UsageError: it cannot be.
        """
        scenario = self.scenario
        changes = {path: value for each in settings for path, value in each.changes.items()}
        if changes:
            try:
                scenario = load_scenario(
                    self.source, set_values=self.set_values, changes=changes, **self.overrides
                )
            except InputError as error:
                messages = "; ".join(dict.fromkeys(each.message for each in error.diagnostics))
                turned = " ".join(f"{each.knob}={each.value}" for each in settings if each.changes)
                raise UsageError(f"--vary {turned}: {messages}") from None
        alone = len(settings) == 1
        named = (each.name if alone or "=" in each.name else f"{each.knob}={each.name}" for each in settings)
        variant = Variant(", ".join(named), scenario, settings={each.knob: each.value for each in settings})
        turns = [each.turn for each in settings if each.turn is not None]
        try:
            return _all_turned(variant, turns)
        except UsageError:
            # Of two budgets the first may be 0 only when the second is not any more.
            return _all_turned(variant, turns[::-1])

    def possible(self) -> tuple[list[Variant], list[LeftOut]]:
        """A variant for each combination that can be, the last knob varying fastest, and the others with the reason."""
        return possible(self, product(*self.sides))


class LeftOut(Struct, frozen=True):
    """A combination that cannot be, and why."""

    settings: Mapping[str, str]
    message: str


def possible(space: Space, points: Iterable[Sequence[Setting]]) -> tuple[list[Variant], list[LeftOut]]:
    """A variant for each of these combinations that can be, and the others with the reason."""
    variants, left_out = [], []
    for settings in points:
        try:
            variants.append(space.variant(settings))
        except UsageError as error:
            left_out.append(LeftOut({each.knob: each.value for each in settings}, str(error)))
    return variants, left_out


def space(texts: Sequence[str], source: SourceText, set_values: Mapping[str, Any], **overrides: Any) -> Space:
    """The combinations of knobs.

    Args:
        texts: each a knob and its values, `NAME=A,B` or `NAME=8..16`, as on the command line.
        source: the scenario file.
        set_values: values for its manifest.
        overrides: what else `load_scenario` takes.

    Raises:
        InputError: the scenario is wrong as it is, or a value of an assumption.
        UsageError: there is no such knob, no value for it, one twice; a knob is there twice; there are too many
            combinations.
    """
    scenario = load_scenario(source, set_values=set_values, **overrides)
    sides = tuple(tuple(_settings(text, scenario)) for text in texts)
    each_once([side[0].knob for side in sides])
    if prod(map(len, sides)) > MOST_VARIANTS:
        raise UsageError(
            f"--vary: {prod(map(len, sides)):,} combinations, more than {MOST_VARIANTS:,}: vary fewer"
        )
    return Space(scenario, sides, source, set_values, overrides)


def each_once(knobs: Sequence[str]) -> None:
    """Refuse a knob that is there twice.

    Raises:
        UsageError: one is.
    """
    for knob in knobs:
        if knobs.count(knob) > 1:
            raise UsageError(f"{knob} is there twice: write all its values as one list, {knob}=A,B")


def grid(
    texts: Sequence[str], source: SourceText, set_values: Mapping[str, Any], **overrides: Any
) -> list[Variant]:
    """A variant for each combination of a `space`, the last knob varying fastest.

    Raises:
        InputError, UsageError: as of `space`, or a combination cannot be.
    """
    own = space(texts, source, set_values, **overrides)
    return [own.variant(settings) for settings in product(*own.sides)]


def _settings(text: str, scenario: Scenario) -> list[Setting]:
    """A knob and its values, as on the command line."""
    name, _, listed = text.partition("=")
    values = split_values(listed)
    if not values:
        raise UsageError(f"--vary {name}: expected values, as in {name}=A,B or {name}=8..16")
    return _settings_of(name, values, scenario)


def _settings_of(name: str, values: Sequence[str], scenario: Scenario) -> list[Setting]:
    head, _, rest = name.partition(".")
    if head in KNOBS:
        return [Setting(name, value, f"{name}={value}", turn=_turned(head, rest, value)) for value in values]
    if head == "recovery":
        named = recovery_variants(scenario, values, rest)
        return [
            Setting(name, value, f"{name}={each.name}" if rest else each.name, turn=_recovering(value, rest))
            for value, each in zip(values, named, strict=True)
        ]
    if name in _assumptions():
        assumption_variants(scenario, f"{name}={','.join(values)}")
        return [_assuming(name, value) for value in values]
    check_knob(name)
    if head == "seed":
        raise UsageError(
            "--vary seed: every variant meets the same seeds; give their number as --replications"
        )
    return [_at_path(name, value) for value in values]


def check_knob(name: str, option: str = "--vary") -> None:
    """Refuse what is no knob.

    Raises:
        UsageError: it is none.
    """
    head, assumptions = name.partition(".")[0], _assumptions()
    heads = (*KNOBS, "recovery", *_spec_fields())
    if head not in heads and name not in assumptions:
        raise UsageError(
            f"{option}: {name!r} is no knob{did_you_mean(head, [*heads, *assumptions])} (there are "
            f"{', '.join(KNOBS)}, the assumptions, and paths in the scenario's spec such as kubernetesVersion or "
            "faults.npus.spares)"
        )


def _all_turned(variant: Variant, turns: Sequence[Callable[[Variant], Variant]]) -> Variant:
    for turn in turns:
        variant = turn(variant)
    return variant


def _turned(head: str, rest: str, value: str) -> Callable[[Variant], Variant]:
    return lambda variant: replace(variant, scenario=KNOBS[head](variant.scenario, rest, value))


def _recovering(value: str, role: str) -> Callable[[Variant], Variant]:
    def turn(variant: Variant) -> Variant:
        (made,) = recovery_variants(variant.scenario, [value], role)
        return replace(variant, scenario=made.scenario, recovery=made.recovery)

    return turn


def split_values(text: str) -> list[str]:
    """Values separated by commas outside of brackets and quotes; `8..16` is a range, and ranges may overlap.

    Raises:
        UsageError: a value that is there twice; a range that goes down, or too far.
    """
    found = re.findall(r"""(?:[^,\[{"']|\[[^\]]*\]|\{[^}]*\}|"[^"]*"|'[^']*'|[^,])+""", text)
    parts = [part.strip() for part in found if part.strip()]
    if twice := [part for part in dict.fromkeys(parts) if parts.count(part) > 1]:
        raise UsageError(f"--vary: the value {twice[0]} is there twice; one variant has it once")
    return list(dict.fromkeys(value for part in parts for value in _expanded(part)))


def _expanded(value: str) -> list[str]:
    """`8..16`: each whole number from the first to the last."""
    if not (ends := re.fullmatch(r"([0-9]{1,9})\.\.([0-9]{1,9})", value)):
        return [value]
    low, high = map(int, ends.groups())
    if not low <= high < low + MOST_VARIANTS:
        raise UsageError(
            f"--vary: {value}: expected a range from a smaller number to a larger one, as in 8..16, of at most "
            f"{MOST_VARIANTS:,} values"
        )
    return [str(number) for number in range(low, high + 1)]


def _spec_fields() -> list[str]:
    return [written_name(SpecForm, name) for name in SpecForm.model_fields]


def _assumptions() -> list[str]:
    return [written_name(AssumptionsForm, name) for name in AssumptionsForm.model_fields]


# -- a field of the scenario file --------------------------------------------------------------------------


def _assuming(name: str, value: str) -> Setting:
    made = _at_path(f"assumptions.{name}", value, as_yaml(name, value))
    return replace(made, knob=name)


def _at_path(name: str, value: str, written: str = "") -> Setting:
    """A value of a field of the scenario, `written` as YAML has it, if otherwise."""
    written = written or value
    if name == "kubernetesVersion" and not value.startswith(("'", '"')):
        written = f'"{value}"'  # 1.30 is a text, not a number
    try:
        (document,) = load_documents(SourceText("--vary", f"value: {written}\n"))
    except InputError as error:
        messages = "; ".join(dict.fromkeys(each.message for each in error.diagnostics))
        raise UsageError(f"--vary {name}={value}: {messages}") from None
    path = ("spec", *(int(step) if step.isdecimal() else step for step in name.split(".")))
    return Setting(name, value, f"{name.rpartition('.')[2]}={value}", {path: document.value["value"]})


# -- knobs with names of their own -------------------------------------------------------------------------


def _spare_nodes(scenario: Scenario, pool: str, value: str) -> Scenario:
    """So many nodes more, each like the last one of the pool; those that are there keep their faults."""
    if not re.fullmatch(r"[0-9]{1,5}", value):
        raise UsageError(f"--vary spareNodes: expected a number of nodes, found {value!r}{_range(value)}")
    last = _pool(scenario, "spareNodes", pool, value)[-1]
    taken = {node.name for node in scenario.nodes}
    names = islice((name for i in count() if (name := f"{last.pool}-spare-{i}") not in taken), int(value))
    return replace(scenario, nodes=(*scenario.nodes, *(alike(last, name) for name in names)))


def _range(value: str) -> str:
    """How the range is written that somebody may mean: `; a range is 8..16`."""
    ends = re.fullmatch(r"([0-9]{1,5})?\s*(?:-|–|~|:|\.{2,}|…|to)\s*([0-9]{1,5})?", value)
    if ends is None or not any(ends.groups()):
        return ""
    if ends[1] and ends[2]:
        return f"; a range is written {ends[1]}..{ends[2]}"
    return f"; a range has two ends, as in {ends[1] or 1}..{ends[2] or int(ends[1]) + 4}"


def _nodes(scenario: Scenario, pool: str, value: str) -> Scenario:
    """So many nodes in all: the last ones of the pool are left out, or more like the last one are added."""
    if not re.fullmatch(r"[1-9][0-9]{0,4}", value):
        raise UsageError(
            f"--vary nodes: expected a number of nodes from 1 to 99,999, found {value!r}{_range(value)}"
        )
    own = _pool(scenario, "nodes", pool, value)
    wanted = int(value)
    left_out = {node.name for node in own[wanted:]}
    if named := sorted(left_out & _named_nodes(scenario)):
        raise UsageError(
            f"--vary nodes={value}: {named[0]} would be left out, and an action or a pod of the scenario names it: at "
            f"least {max(i for i, node in enumerate(own, 1) if node.name in named)} nodes"
        )
    kept = tuple(node for node in scenario.nodes if node.name not in left_out)
    taken = {node.name for node in scenario.nodes}
    names = (name for i in count(len(own)) if (name := f"{own[-1].pool}-{i}") not in taken)
    more = (alike(own[-1], name) for name in islice(names, max(0, wanted - len(own))))
    return replace(scenario, nodes=(*kept, *more))


def _pool(scenario: Scenario, knob: str, pool: str, value: str) -> list[NodeSpec]:
    """The nodes of the pool that is meant: the only one, or the one named."""
    pools = list(dict.fromkeys(node.pool for node in scenario.nodes))
    if not pool and len(pools) > 1:
        raise UsageError(f"--vary {knob}: say of which pool, as in {knob}.{pools[0]}={value}")
    if pool and pool not in pools:
        raise UsageError(f"--vary {knob}.{pool}: the pools are {', '.join(pools)}")
    return [node for node in scenario.nodes if pool in ("", node.pool)]


def _named_nodes(scenario: Scenario) -> set[str]:
    """The nodes that actions and pods are about."""
    found = {pod.node for pod in scenario.running}
    for action in scenario.actions:
        for each in (action, getattr(action, "target", None)):
            found.update(node for node in getattr(each, "nodes", ()) if isinstance(node, str))
    return found


#: Combinations of all knobs at most.
MOST_VARIANTS = 10_000
#: The knobs that are no field of a scenario, by name.
KNOBS: dict[str, workload_knobs.Turn] = {
    "maxSurge": workload_knobs.budget("maxSurge"),
    "maxUnavailable": workload_knobs.budget("maxUnavailable"),
    "replicas": workload_knobs.replicas,
    "minReadySeconds": workload_knobs.min_ready_seconds,
    "label": workload_knobs.label,
    **{kind: template_knobs.probe(kind) for kind in template_knobs.PROBES},
    template_knobs.GRACE_PERIOD: template_knobs.grace_period,
    "nodes": _nodes,
    "spareNodes": _spare_nodes,
}


def short_names(knobs: Sequence[str]) -> list[str]:
    """What tables call knobs: the end of a path, where that names no other of them; whose a knob is stays with it."""
    ends = [knob if knob.partition(".")[0] in KNOBS else knob.rpartition(".")[2] for knob in knobs]
    return [end if ends.count(end) == 1 else knob for end, knob in zip(ends, knobs, strict=True)]
