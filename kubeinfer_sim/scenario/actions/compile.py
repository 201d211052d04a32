"""From the actions a user writes to a checked time line, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Container, KubeInfer
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.forms import (
    ActionForm,
    ApplyForm,
    CrashForm,
    HealthForm,
)
from kubeinfer_sim.scenario.actions.model import (
    Action,
    Apply,
    Cordon,
    Crash,
    Drain,
    ForceDelete,
    Health,
    ImageFault,
    NodeDown,
    NodeUp,
    OutOfService,
    Scale,
)
from kubeinfer_sim.scenario.actions.probe_answers import passes
from kubeinfer_sim.scenario.actions.start_faults import compile_start_fault, long_running
from kubeinfer_sim.scenario.actions.targets import (
    check_held,
    matched_roles,
    nodes_meant,
    pods_meant,
    struck_by,
)
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.compile import compile_fault, strikes_pods
from kubeinfer_sim.scenario.model import NO_KUBEINFER
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.scenario.workloads.deployments import PREFIX, DeploymentLines, as_kubeinfer
from kubeinfer_sim.scenario.workloads.manifests import Loaded, Manifests


@dataclass(slots=True)
class TimeLine:
    """The KubeInfer, and beside it the Deployments, as they change with time.

    Attributes:
        current: the version in force after the actions so far, its replicas as last scaled.
        versions: every version, the one at time 0 first.
    """

    context: Context
    manifests: Manifests
    current: KubeInfer
    deployments: DeploymentLines
    versions: list[KubeInfer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.versions.append(self.current)

    @property
    def everything(self) -> list[KubeInfer]:
        """Every version of every object, Deployments as KubeInfers of one role."""
        own = [each for each in self.versions if each is not NO_KUBEINFER]
        return own + [as_kubeinfer(each) for each in self.deployments.versions]

    def apply(self, at: int, form: ApplyForm, path: Path) -> list[Action]:
        """Another version of what the manifest holds; empty when it is wrong, which is noted."""
        if self.current is NO_KUBEINFER and (form.new_revision or form.patch is not None):
            name = self._only(path)
            return [] if name is None else [*self.deployments.applied(at, form, name, path)]
        return self._apply(at, self.manifests.applied(form, self.current, path), path)

    def change(self, form: ActionForm, path: Path) -> list[Action]:
        """An action that changes an object; empty when it is another one, or wrong, which is noted."""
        if (
            not (form.apply or form.patch or form.pause or form.resume or form.rollback)
            and form.scale is None
        ):
            return []
        name = self.target(form, path)
        if name is None:
            return []
        if name:
            return [*self.deployments.change(form, name, path)]
        if form.apply is not None:
            return self.apply(form.at, form.apply, (*path, "apply"))
        if form.patch is not None:
            path = (*path, "patch")
            return self._apply(form.at, self.manifests.patched(form.patch, self.current, path), path)
        if form.scale is not None:
            self._replace(self.manifests.scaled(self.current, form.scale, (*path, "scale")))
            return [Scale(form.at, form.scale)]
        if form.rollback:
            return self._roll_back(form.at, (*path, "rollback"))
        word = "pause" if form.pause else "resume"
        self.context.error(
            (*path, word), f"a KubeInfer cannot be {word}d; a Deployment can (object: Deployment/…)"
        )
        return []

    def target(self, form: ActionForm, path: Path) -> str | None:
        """The Deployment an action is about; "" for the KubeInfer, None when it is unclear, which is noted."""
        text = form.object
        if text is not None and text.startswith(PREFIX):
            return self.deployments.named(text, (*path, "object"))
        if text is not None and text != f"KubeInfer/{self.current.name}":
            known = [f"{PREFIX}{each}" for each in self.deployments.current]
            if self.current is not NO_KUBEINFER:
                known.insert(0, f"KubeInfer/{self.current.name}")
            message = f"no object is {text!r}{did_you_mean(text, known)} (there are: {', '.join(known)})"
            self.context.error((*path, "object"), message)
            return None
        if self.current is not NO_KUBEINFER or form.apply is not None:
            return ""
        return self._only(path)

    def _only(self, path: Path) -> str | None:
        """The one Deployment, where there is no KubeInfer."""
        names = list(self.deployments.current)
        if len(names) == 1:
            return names[0]
        known = ", ".join(f"{PREFIX}{name}" for name in names)
        self.context.error(path, f"say which object is meant: object: one of {known}")
        return None

    def _roll_back(self, at: int, path: Path) -> list[Action]:
        """The role templates of the version before the present ones."""
        current = self.current
        before = next((each for each in reversed(self.versions) if each.revision != current.revision), None)
        if before is None:
            self.context.error(path, "there are no earlier role templates to go back to")
            return []
        raw = {**current.raw, "spec": {**current.raw["spec"], "template": before.raw["spec"]["template"]}}
        rolled_back = replace(current, roles=before.roles, raw=raw)
        self._replace(rolled_back)
        return [Apply(at, rolled_back, "rollback")]

    def _apply(self, at: int, found: Loaded | None, path: Path) -> list[Action]:
        """Apply the KubeInfer and the Deployments of a manifest, those that are there and differ."""
        if found is None:
            return []
        actions: list[Action] = []
        if found.kubeinfer is not None:
            actions += self._apply_kubeinfer(at, found.kubeinfer, found.label, path)
        for each in found.deployments:
            current = self.deployments.current.get(each.name)
            if current is None:
                self.context.error(
                    path, f"Deployment {each.name} is not in the scenario's manifest; it would be created"
                )
            elif each.raw != current.raw:
                actions += self.deployments.apply(at, each, found.label)
        return actions

    def _apply_kubeinfer(self, at: int, kubeinfer: KubeInfer, label: str, path: Path) -> list[Action]:
        first = self.versions[0]
        if first is NO_KUBEINFER:
            message = f"KubeInfer {kubeinfer.name} is not in the scenario's manifest; it would be created"
            self.context.error(path, message)
            return []
        if (kubeinfer.namespace, kubeinfer.name) != (first.namespace, first.name):
            self.context.error(
                path,
                f"this is KubeInfer {kubeinfer.namespace}/{kubeinfer.name}, another object than "
                f"{first.namespace}/{first.name}; an update keeps name and namespace",
            )
            return []
        self._replace(kubeinfer)
        return [Apply(at, kubeinfer, label)]

    def _replace(self, kubeinfer: KubeInfer) -> None:
        self.current = kubeinfer
        self.versions.append(kubeinfer)


def compile_action(
    form: ActionForm,
    path: Path,
    nodes: Mapping[str, NodeSpec],
    time_line: TimeLine | None,
    context: Context,
) -> Action | None:
    """An action that leaves the objects as they are; None when it is another one.

    Without `nodes` (the cluster is wrong) no node is called unknown, without a time line (the manifest is wrong)
    no role.
    """
    if form.cordon is not None:
        return Cordon(form.at, nodes_meant(form.cordon, nodes, context, (*path, "cordon")))
    if form.uncordon is not None:
        return Cordon(form.at, nodes_meant(form.uncordon, nodes, context, (*path, "uncordon")), uncordon=True)
    if form.drain is not None:
        drain = form.drain
        return Drain(
            form.at,
            nodes_meant(drain, nodes, context, (*path, "drain")),
            drain.timeout,
            drain.delete_emptydir_data,
            drain.force,
            drain.ignore_daemonsets,
        )
    versions: list[KubeInfer] = []
    deployment = ""
    if time_line is not None:
        versions = time_line.versions
        strikes = form.health or form.force_delete or form.crash or form.init_fault or form.post_start_fault
        if strikes or (form.fault and strikes_pods(form.fault)):
            named = time_line.target(form, path)
            if named is None:
                return None
            deployment = named
        if deployment:
            every = time_line.deployments.versions
            versions = [as_kubeinfer(each) for each in every if each.name == deployment]
    if form.crash is not None:
        return _crash(form.at, form.crash, nodes, versions, deployment, context, (*path, "crash"))
    if (start := form.init_fault or form.post_start_fault) is not None:
        path = (*path, "initFault" if form.init_fault else "postStartFault")
        target = pods_meant(start, nodes, versions, deployment, context, path)
        until = _end(form.at, start.until, start.lasts, context, path)
        return compile_start_fault(
            form.at, start, target, until, matched_roles(start, versions), context, path
        )
    if (fault := form.image_fault) is not None:
        path = (*path, "imageFault")
        named_images = [(image, (*path, "images", i)) for i, image in enumerate(fault.images)]
        check_images(named_images, [] if time_line is None else time_line.everything, context)
        until = _end(form.at, fault.until, fault.lasts, context, path)
        return ImageFault(form.at, tuple(fault.images), until)
    if form.fault is not None:
        path = (*path, "fault")
        if form.object is not None and not strikes_pods(form.fault):
            context.error(path, "object says whose pods are struck: name pods, or leave it out")
        target = struck_by(form.fault, nodes, versions, deployment, context, path)
        check_held(form.fault, matched_roles(form.fault, versions), context, path)
        return compile_fault(form.at, form.fault, target, nodes, context, path)
    if (failure := compile_failure(form, path, nodes, versions, deployment, context)) is not None:
        return failure
    if form.health is not None:
        return _health(form.at, form.health, nodes, versions, deployment, context, (*path, "health"))
    return None


def compile_failure(
    form: ActionForm,
    path: Path,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    deployment: str,
    context: Context,
) -> Action | None:
    """A node that fails, or what is done about it; None when the action is another one."""
    at = form.at
    if (down := form.node_down) is not None:
        here = (*path, "nodeDown")
        until = _end(at, down.until, down.lasts, context, here)
        return NodeDown(at, nodes_meant(down, nodes, context, here), down.mode, until)
    if (reboot := form.reboot) is not None:
        names = nodes_meant(reboot, nodes, context, (*path, "reboot"))
        return NodeDown(at, names, "reboot", at + reboot.takes)
    if (restart := form.kubelet_restart) is not None:
        names = nodes_meant(restart, nodes, context, (*path, "kubeletRestart"))
        return NodeDown(at, names, "kubeletRestart", at + restart.takes)
    if form.node_up is not None:
        return NodeUp(at, nodes_meant(form.node_up, nodes, context, (*path, "nodeUp")))
    if (service := form.out_of_service) is not None:
        return OutOfService(at, nodes_meant(service, nodes, context, (*path, "outOfService")), service.ended)
    if (force := form.force_delete) is not None:
        target = pods_meant(force, nodes, versions, deployment, context, (*path, "forceDelete"))
        return ForceDelete(at, target, force.terminating_only)
    return None


def check_returns(
    actions: Mapping[tuple[int, int, int], Action], nodes: Iterable[NodeSpec], context: Context
) -> None:
    """A node comes back only after it went, and is taken into service only after it was out of it."""
    down = {node.name for node in nodes if node.ready != "True"}
    out: set[str] = set()
    for (_, place, _), action in sorted(actions.items(), key=lambda each: each[0]):
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


def _health(
    at: int,
    form: HealthForm,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    deployment: str,
    context: Context,
    path: Path,
) -> Health:
    until = _end(at, form.until, form.lasts, context, path)
    matched = matched_roles(form, versions)
    target = pods_meant(form, nodes, versions, deployment, context, path)
    probed = [each for role in matched for each in long_running(role.template)]
    named = [each for each in probed if form.container in ("", each.name)]
    if matched and not named:
        known = list(dict.fromkeys(each.name for each in probed))
        context.error(
            (*path, "container"),
            f"none of these pods has a container {form.container!r} that may have probes"
            f"{did_you_mean(form.container, known)} (there are: {', '.join(known)})",
        )
    for index, probe in enumerate(form.probes):
        if matched and named and not any(_has_probe(each, probe) for each in named):
            whose = f"container {form.container}" if form.container else "none of these pods"
            context.error(
                (*path, "probes", index),
                f"{whose} has {'no' if form.container else 'a'} {probe} probe, so nothing would fail",
            )
    latency = form.latency
    if form.answer is not None and passes(form.answer, form.probes, named, context, (*path, "answer")):
        latency = 0
    return Health(
        at,
        target,
        form.healthy,
        until,
        tuple(form.probes),
        form.hang,
        form.flapping,
        latency,
        form.container,
        form.new_pods,
        "" if form.answer is None else str(form.answer),
    )


def _crash(
    at: int,
    form: CrashForm,
    nodes: Mapping[str, NodeSpec],
    versions: Sequence[KubeInfer],
    deployment: str,
    context: Context,
    path: Path,
) -> Crash:
    names = {
        container.name: None
        for role in matched_roles(form, versions)
        for container in (*role.template.containers, *role.template.init_containers)
    }
    if form.container and names and form.container not in names:
        context.error(
            (*path, "container"),
            f"none of these pods has a container {form.container!r}{did_you_mean(form.container, names)}",
        )
    code = form.exit_code
    if code is None:
        code = {"Error": 1, "OOMKilled": 137, "Completed": 0}[form.reason]
    target = pods_meant(form, nodes, versions, deployment, context, path)
    return Crash(at, target, form.reason, code, form.container)


def check_images(images: Sequence[tuple[str, Path]], versions: Sequence[KubeInfer], context: Context) -> None:
    """An image that no pod uses is an error, which is noted."""
    known = {
        container.image: None
        for version in versions
        for role in version.roles
        for container in (*role.template.init_containers, *role.template.containers)
    }
    for image, path in images:
        if known and image not in known:
            context.error(
                path,
                f"no pod uses image {image!r}{did_you_mean(image, known)} (images: {', '.join(known)})",
                key=True,
            )


def _has_probe(container: Container, probe: str) -> bool:
    return getattr(container, f"{probe}_probe") is not None
