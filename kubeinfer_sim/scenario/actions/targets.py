"""Which pods and nodes an action means, as written: checked against what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.accelerators import common_family
from kubeinfer_sim.manifest.model import Kind, KubeInfer, Role
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.model import Target
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.timings.compile import unknown_role

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.nodes_form import NodesForm
    from kubeinfer_sim.scenario.actions.pods_form import PodsForm
    from kubeinfer_sim.scenario.faults.forms import FaultForm


class Meant(Struct, frozen=True):
    """The workload an action is about.

    Attributes:
        name: "" where the manifest is wrong, so that nobody knows.
        versions: each as a KubeInfer; none where the manifest is wrong.
        has_instances: its pods stand in instances and roles.
    """

    kind: Kind = "KubeInfer"
    name: str = ""
    versions: Sequence[KubeInfer] = ()
    has_instances: bool = True


def nodes_meant(
    form: NodesForm, nodes: Mapping[str, NodeSpec], context: Context, path: Path
) -> tuple[str, ...]:
    """The nodes meant, by name, pool or labels; what matches none is an error, which is noted."""
    if form.nodes is not None:
        return known_nodes(form.nodes, nodes, context, path)
    if form.pool is not None:
        names = tuple(name for name, node in nodes.items() if node.pool == form.pool)
        if not names and nodes:
            pools = list(dict.fromkeys(node.pool for node in nodes.values()))
            context.error((*path, "pool"), f"there is no pool {form.pool!r}{did_you_mean(form.pool, pools)}")
        return names
    return _selected(form.node_selector or {}, nodes, context, (*path, "nodeSelector"))


def _selected(
    selector: Mapping[str, str], nodes: Mapping[str, NodeSpec], context: Context, path: Path
) -> tuple[str, ...]:
    names = tuple(name for name, node in nodes.items() if selector.items() <= node.labels.items())
    if not names and nodes:
        asked = ", ".join(f"{key}={value}" for key, value in selector.items())
        context.error(path, f"no node has the labels {asked}")
    return names


def known_nodes(
    names: Sequence[str], nodes: Mapping[str, NodeSpec], context: Context, path: Path
) -> tuple[str, ...]:
    """The names as they are; a node that does not exist is an error, which is noted."""
    for name in names:
        if nodes and name not in nodes:
            some = list(nodes)
            known = f"{some[0]} to {some[-1]}" if len(some) > 1 else some[0]
            context.error(
                path, f"there is no node {name!r}{did_you_mean(name, some[:1000])} (nodes: {known})"
            )
    return tuple(names)


def matched_roles(
    form: PodsForm | FaultForm,
    versions: Sequence[KubeInfer],
) -> list[Role]:
    """The roles of all versions that are meant."""
    return [
        role for version in versions for role in version.roles if not form.roles or role.name in form.roles
    ]


def pods_meant(
    form: PodsForm | FaultForm,
    nodes: Mapping[str, NodeSpec],
    meant: Meant,
    context: Context,
    path: Path,
) -> Target:
    """The pods meant; what can never match is noted."""
    known_nodes(form.nodes, nodes, context, (*path, "nodes"))
    if form.node_selector:
        _selected(form.node_selector, nodes, context, (*path, "nodeSelector"))
    versions = meant.versions
    if not meant.has_instances:
        # Its pods are told apart by their numbers, in order of creation.
        if form.instances or form.roles:
            context.error(path, f"a {meant.kind} has no instances and roles: name pods by number, or nodes")
        pods = tuple(form.pods)
        return Target(tuple(form.nodes), form.node_selector, pods, kind=meant.kind, name=meant.name)
    roles = list(dict.fromkeys(role.name for version in versions for role in version.roles))
    for index, name in enumerate(form.roles):
        if versions and name not in roles:
            context.error((*path, "roles", index), unknown_role(name, roles))
    # A surge instance takes an ordinal above the replicas; twice as many is beyond any budget.
    ordinals = 2 * max((version.replicas for version in versions), default=0) + 1
    for index, ordinal in enumerate(form.instances):
        if versions and ordinal >= ordinals:
            context.error((*path, "instances", index), f"there is never an instance {ordinal}")
    matched = matched_roles(form, versions)
    places = max((role.replicas for role in matched), default=0)
    for index, place in enumerate(form.pods):
        if matched and place >= places:
            context.error(
                (*path, "pods", index), f"there is no pod {place}: the role has {places}, numbered from 0"
            )
    return Target(
        tuple(form.nodes),
        form.node_selector,
        tuple(form.instances),
        tuple(form.roles),
        tuple(form.pods),
        meant.kind,
        meant.name,
    )


def check_held(form: FaultForm, roles: Sequence[Role], context: Context, path: Path) -> None:
    """Pods whose NPUs a fault strikes have to hold some; the places count those of each pod."""
    if KINDS[form.kind].strikes != "npu" or not (form.instances or form.roles or form.pods) or not roles:
        return
    most = max(role.template.accelerators for role in roles)
    noun = common_family(role.template.requests for role in roles).noun
    key = "npu" if form.npu is not None else "npus"
    place = form.npu if form.npu is not None else max(form.npus, default=0)
    if not most:
        context.error(path, f"{form.kind} strikes nothing: these pods hold no {noun}s")
    elif place >= most:
        context.error(
            (*path, key), f"these pods hold no {noun} {place}: they have {most} each, numbered from 0"
        )


def struck_by(
    form: FaultForm,
    nodes: Mapping[str, NodeSpec],
    meant: Meant,
    context: Context,
    path: Path,
) -> Target:
    """What a fault strikes; `node` is short for one of `nodes`."""
    if form.node is not None:
        known_nodes([form.node], nodes, context, (*path, "node"))
        return replace(pods_meant(form, nodes, meant, context, path), nodes=(form.node,))
    return pods_meant(form, nodes, meant, context, path)
