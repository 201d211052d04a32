"""From the actions a user writes to a checked time line, in order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubeinfer_sim.manifest.diagnostics import Path
from kubeinfer_sim.manifest.model import KubeInfer, PodTemplate, Role
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.action_forms import ActionForm, ApplyForm, HealthForm
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.manifests import Manifests
from kubeinfer_sim.scenario.model import (
    Action,
    Apply,
    Cordon,
    Drain,
    ForceDelete,
    Health,
    NodeDown,
    NodeSpec,
    NodeUp,
    OutOfService,
    Scale,
    Target,
)
from kubeinfer_sim.scenario.node_forms import ForceDeleteForm, NodesForm
from kubeinfer_sim.scenario.timings import unknown_role
from kubeinfer_sim.scenario.units import format_duration


@dataclass(slots=True)
class TimeLine:
    """The KubeInfer as it changes with time.

    Attributes:
        current: the version in force after the actions so far, its replicas as last scaled.
        versions: every version, the one at time 0 first.
    """

    context: Context
    manifests: Manifests
    current: KubeInfer
    versions: list[KubeInfer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.versions.append(self.current)

    def apply(self, at: int, form: ApplyForm, path: Path) -> Apply | None:
        """Another version of the KubeInfer; None when it is wrong, which is noted."""
        return self._apply(at, self.manifests.applied(form, self.current, path), path)

    def change(self, form: ActionForm, path: Path) -> Action | None:
        """An action that changes the KubeInfer; None when it is another one, or wrong, which is noted."""
        if form.apply is not None:
            return self.apply(form.at, form.apply, (*path, "apply"))
        if form.patch is not None:
            path = (*path, "patch")
            return self._apply(form.at, self.manifests.patched(form.patch, self.current, path), path)
        if form.scale is not None:
            self._replace(self.manifests.scaled(self.current, form.scale, (*path, "scale")))
            return Scale(form.at, form.scale)
        return None

    def _apply(self, at: int, found: tuple[KubeInfer, str] | None, path: Path) -> Apply | None:
        if found is None:
            return None
        kubeinfer, label = found
        first = self.versions[0]
        if (kubeinfer.namespace, kubeinfer.name) != (first.namespace, first.name):
            self.context.error(
                path,
                f"this is KubeInfer {kubeinfer.namespace}/{kubeinfer.name}, another object than "
                f"{first.namespace}/{first.name}; an update keeps name and namespace",
            )
            return None
        self._replace(kubeinfer)
        return Apply(at, kubeinfer, label)

    def _replace(self, kubeinfer: KubeInfer) -> None:
        self.current = kubeinfer
        self.versions.append(kubeinfer)


def compile_action(
    form: ActionForm,
    path: Path,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    context: Context,
) -> Action | None:
    """An action that leaves the KubeInfer as it is; None when it is another one.

    Without `nodes` (the cluster is wrong) no node is called unknown, without `versions` (the manifest is wrong)
    no role.
    """
    if form.cordon is not None:
        return Cordon(form.at, _nodes(form.cordon, nodes, context, (*path, "cordon")))
    if form.uncordon is not None:
        return Cordon(form.at, _nodes(form.uncordon, nodes, context, (*path, "uncordon")), uncordon=True)
    if form.drain is not None:
        drain = form.drain
        return Drain(
            form.at,
            _nodes(drain, nodes, context, (*path, "drain")),
            drain.timeout,
            drain.delete_emptydir_data,
            drain.force,
            drain.ignore_daemonsets,
        )
    if (failure := compile_failure(form, path, nodes, versions, context)) is not None:
        return failure
    if form.health is not None:
        return _health(form.at, form.health, nodes, versions, context, (*path, "health"))
    return None


def compile_failure(
    form: ActionForm,
    path: Path,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    context: Context,
) -> Action | None:
    """A node that fails, or what is done about it; None when the action is another one."""
    at = form.at
    if (down := form.node_down) is not None:
        here = (*path, "nodeDown")
        until = _end(at, down.until, down.lasts, context, here)
        return NodeDown(at, _nodes(down, nodes, context, here), down.mode, until)
    if (reboot := form.reboot) is not None:
        names = _nodes(reboot, nodes, context, (*path, "reboot"))
        return NodeDown(at, names, "reboot", at + reboot.takes)
    if form.node_up is not None:
        return NodeUp(at, _nodes(form.node_up, nodes, context, (*path, "nodeUp")))
    if (service := form.out_of_service) is not None:
        return OutOfService(at, _nodes(service, nodes, context, (*path, "outOfService")), service.ended)
    if (force := form.force_delete) is not None:
        target = _target(force, nodes, versions, context, (*path, "forceDelete"))
        return ForceDelete(at, target, force.terminating_only)
    return None


def check_returns(actions: Mapping[tuple[int, int], Action], context: Context) -> None:
    """A node comes back only after it went, and is taken into service only after it was out of it."""
    down: set[str] = set()
    out: set[str] = set()
    for (_, place), action in sorted(actions.items(), key=lambda each: each[0]):
        path: Path = ("spec", "actions", place)
        match action:
            case NodeDown():
                down.update(action.nodes)
            case NodeUp():
                for name in dict.fromkeys(action.nodes):
                    if name not in down:
                        context.error((*path, "nodeUp"), f"node {name} is not down before")
            case OutOfService(ended=False):
                out.update(action.nodes)
            case OutOfService():
                for name in dict.fromkeys(action.nodes):
                    if name not in out:
                        context.error((*path, "outOfService"), f"node {name} is not out of service before")


def _end(at: int, until: int | None, lasts: int | None, context: Context, path: Path) -> int | None:
    end = at + lasts if lasts is not None else until
    if end is not None and end <= at:
        context.error(path, f"ends at {format_duration(end)}, not after it begins at {format_duration(at)}")
    return end


def _nodes(form: NodesForm, nodes: Mapping[str, NodeSpec], context: Context, path: Path) -> tuple[str, ...]:
    if form.nodes is not None:
        return _known_nodes(form.nodes, nodes, context, path)
    if form.pool is not None:
        found = tuple(name for name, node in nodes.items() if node.pool == form.pool)
        if not found and nodes:
            pools = list(dict.fromkeys(node.pool for node in nodes.values()))
            context.error((*path, "pool"), f"there is no pool {form.pool!r}{did_you_mean(form.pool, pools)}")
        return found
    return _selected(form.node_selector or {}, nodes, context, (*path, "nodeSelector"))


def _selected(
    selector: Mapping[str, str], nodes: Mapping[str, NodeSpec], context: Context, path: Path
) -> tuple[str, ...]:
    found = tuple(name for name, node in nodes.items() if selector.items() <= node.labels.items())
    if not found and nodes:
        asked = ", ".join(f"{key}={value}" for key, value in selector.items())
        context.error(path, f"no node has the labels {asked}")
    return found


def _known_nodes(
    names: Sequence[str], nodes: Mapping[str, NodeSpec], context: Context, path: Path
) -> tuple[str, ...]:
    for name in names:
        if nodes and name not in nodes:
            some = list(nodes)
            known = f"{some[0]} to {some[-1]}" if len(some) > 1 else some[0]
            context.error(
                path, f"there is no node {name!r}{did_you_mean(name, some[:1000])} (nodes: {known})"
            )
    return tuple(names)


def _health(
    at: int,
    form: HealthForm,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    context: Context,
    path: Path,
) -> Health:
    until = _end(at, form.until, form.lasts, context, path)
    matched = _matched_roles(form, versions)
    target = _target(form, nodes, versions, context, path)
    for index, probe in enumerate(form.probes):
        if matched and not any(_has_probe(role.template, probe) for role in matched):
            context.error(
                (*path, "probes", index), f"none of these pods has a {probe} probe, so nothing would fail"
            )
    return Health(at, target, form.healthy, until, tuple(form.probes), form.hang)


def _matched_roles(form: HealthForm | ForceDeleteForm, versions: Sequence[KubeInfer]) -> list[Role]:
    return [
        role for version in versions for role in version.roles if not form.roles or role.name in form.roles
    ]


def _target(
    form: HealthForm | ForceDeleteForm,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    context: Context,
    path: Path,
) -> Target:
    """The pods meant; what can never match is noted."""
    _known_nodes(form.nodes, nodes, context, (*path, "nodes"))
    if form.node_selector:
        _selected(form.node_selector, nodes, context, (*path, "nodeSelector"))
    roles = list(dict.fromkeys(role.name for version in versions for role in version.roles))
    for index, name in enumerate(form.roles):
        if versions and name not in roles:
            context.error((*path, "roles", index), unknown_role(name, roles))
    # A surge instance takes an ordinal above the replicas; twice as many is beyond any budget.
    ordinals = 2 * max((version.replicas for version in versions), default=0) + 1
    for index, ordinal in enumerate(form.instances):
        if versions and ordinal >= ordinals:
            context.error((*path, "instances", index), f"there is never an instance {ordinal}")
    matched = _matched_roles(form, versions)
    places = max((role.replicas for role in matched), default=0)
    for index, place in enumerate(form.pods):
        if matched and place >= places:
            context.error(
                (*path, "pods", index), f"there is no pod {place}: the role has {places}, numbered from 0"
            )
    return Target(
        tuple(form.nodes), form.node_selector, tuple(form.instances), tuple(form.roles), tuple(form.pods)
    )


def _has_probe(template: PodTemplate, probe: str) -> bool:
    containers = (*template.containers, *(each for each in template.init_containers if each.restart_policy))
    return any(getattr(each, f"{probe}_probe") is not None for each in containers)
