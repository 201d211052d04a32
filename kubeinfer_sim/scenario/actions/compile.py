"""From the actions a user writes to a checked time line, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.model import Container, KubeInfer
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.actions.gates import compile_gates
from kubeinfer_sim.scenario.actions.model import (
    Action,
    Cordon,
    Crash,
    DeletePods,
    Drain,
    EvictPods,
    ForceDelete,
    Health,
    ImageFault,
    NodeDown,
    NodeUp,
    OutOfService,
)
from kubeinfer_sim.scenario.actions.node_changes import NodesThen
from kubeinfer_sim.scenario.actions.probe_answers import passes
from kubeinfer_sim.scenario.actions.start_faults import compile_start_fault, long_running
from kubeinfer_sim.scenario.actions.targets import (
    Meant,
    check_held,
    matched_roles,
    pods_meant,
    struck_by,
)
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.compile import compile_fault, strikes_pods
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.scenario.workloads.time_line import TimeLine

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.failure_forms import CrashForm, HealthForm
    from kubeinfer_sim.scenario.actions.forms import ActionForm


def compile_action(
    form: ActionForm,
    path: Path,
    nodes: NodesThen,
    time_line: TimeLine | None,
    context: Context,
) -> Action | None:
    """An action that leaves the objects as they are; None when it is another one.

    Without nodes (the cluster is wrong) no node is called unknown, without a time line (the manifest is wrong)
    no role.
    """
    if form.cordon is not None:
        return Cordon(form.at, nodes.meant(form.cordon, context, (*path, "cordon")))
    if form.uncordon is not None:
        return Cordon(form.at, nodes.meant(form.uncordon, context, (*path, "uncordon")), uncordon=True)
    if form.drain is not None:
        drain = form.drain
        return Drain(
            form.at,
            nodes.meant(drain, context, (*path, "drain")),
            drain.timeout,
            drain.delete_emptydir_data,
            drain.force,
            drain.ignore_daemonsets,
        )
    meant = Meant()
    deletes = form.force_delete or form.delete_pod or form.evict_pod
    gates = form.set_gate or form.set_readiness_gate or form.remove_finalizers
    strikes = form.health or deletes or gates or form.crash or form.init_fault or form.post_start_fault
    if time_line is not None and (strikes or (form.fault and strikes_pods(form.fault))):
        line = time_line.target(form, path)
        if line is None:
            return None
        # Its name may be given again later, or have been: whose pods are there at that time is known in the run.
        versions = time_line.versions_of(line.kind, line.current.name)
        meant = Meant(line.kind, line.current.name, versions, line.has_instances)
    if gates is not None:
        kind = "setReadinessGate" if form.set_readiness_gate else "removeFinalizers"
        path = (*path, "setGate" if form.set_gate else kind)
        target = pods_meant(gates, nodes.machines, meant, context, path)
        return compile_gates(form.at, gates, target, matched_roles(gates, meant.versions), context, path)
    if form.crash is not None:
        return _crash(form.at, form.crash, nodes.machines, meant, context, (*path, "crash"))
    if (start := form.init_fault or form.post_start_fault) is not None:
        path = (*path, "initFault" if form.init_fault else "postStartFault")
        target = pods_meant(start, nodes.machines, meant, context, path)
        until = _end(form.at, start.until, start.lasts, context, path)
        return compile_start_fault(
            form.at, start, target, until, matched_roles(start, meant.versions), context, path
        )
    if (fault := form.image_fault) is not None:
        path = (*path, "imageFault")
        named_images = [(image, (*path, "images", i)) for i, image in enumerate(fault.images)]
        check_images(named_images, [] if time_line is None else time_line.everything, context)
        until = _end(form.at, fault.until, fault.lasts, context, path)
        return ImageFault(form.at, tuple(fault.images), until, fault.after)
    if form.fault is not None:
        path = (*path, "fault")
        if form.object is not None and not strikes_pods(form.fault):
            context.error(path, "object says whose pods are struck: name pods, or leave it out")
        target = struck_by(form.fault, nodes.machines, meant, context, path)
        check_held(form.fault, matched_roles(form.fault, meant.versions), context, path)
        return compile_fault(form.at, form.fault, target, nodes.machines, context, path)
    if (failure := compile_failure(form, path, nodes, meant, context)) is not None:
        return failure
    if form.health is not None:
        return _health(form.at, form.health, nodes.machines, meant, context, (*path, "health"))
    return None


def compile_failure(
    form: ActionForm,
    path: Path,
    nodes: NodesThen,
    meant: Meant,
    context: Context,
) -> Action | None:
    """A node that fails, or what is done about it; None when the action is another one."""
    at = form.at
    if (down := form.node_down) is not None:
        here = (*path, "nodeDown")
        until = _end(at, down.until, down.lasts, context, here)
        return NodeDown(at, nodes.machines_meant(down, context, here), down.mode, until)
    if (reboot := form.reboot) is not None:
        names = nodes.machines_meant(reboot, context, (*path, "reboot"))
        return NodeDown(at, names, "reboot", at + reboot.takes, reboot.device_plugin_after)
    if (restart := form.kubelet_restart) is not None:
        names = nodes.machines_meant(restart, context, (*path, "kubeletRestart"))
        return NodeDown(at, names, "kubeletRestart", at + restart.takes, restart.device_plugin_after)
    if form.node_up is not None:
        return NodeUp(at, nodes.machines_meant(form.node_up, context, (*path, "nodeUp")))
    if (service := form.out_of_service) is not None:
        return OutOfService(at, nodes.meant(service, context, (*path, "outOfService")), service.ended)
    if (force := form.force_delete) is not None:
        target = pods_meant(force, nodes.machines, meant, context, (*path, "forceDelete"))
        return ForceDelete(at, target, force.terminating_only)
    if (delete := form.delete_pod) is not None:
        target = pods_meant(delete, nodes.machines, meant, context, (*path, "deletePod"))
        grace = None if delete.grace_period is None else delete.grace_period // 1000
        return DeletePods(at, target, grace, delete.first, delete.ready)
    if (evict := form.evict_pod) is not None:
        target = pods_meant(evict, nodes.machines, meant, context, (*path, "evictPod"))
        return EvictPods(at, target, evict.first, evict.ready)
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
    meant: Meant,
    context: Context,
    path: Path,
) -> Health:
    until = _end(at, form.until, form.lasts if form.after is None else None, context, path)
    matched = matched_roles(form, meant.versions)
    target = pods_meant(form, nodes, meant, context, path)
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
        form.after,
        None if form.after is None else form.lasts,
        form.times,
    )


def _crash(
    at: int,
    form: CrashForm,
    nodes: Mapping[str, NodeSpec],
    meant: Meant,
    context: Context,
    path: Path,
) -> Crash:
    names = {
        container.name: None
        for role in matched_roles(form, meant.versions)
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
    target = pods_meant(form, nodes, meant, context, path)
    if form.after is not None and form.container in {
        each.name
        for role in matched_roles(form, meant.versions)
        for each in role.template.init_containers
        if each.restart_policy != "Always"
    }:
        context.error(
            (*path, "container"), f"{form.container!r} is an init container: initFault has its runs fail"
        )
    until = _end(at, form.until, form.lasts, context, path)
    return Crash(at, target, form.reason, code, form.container, form.after, form.times, until)


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
