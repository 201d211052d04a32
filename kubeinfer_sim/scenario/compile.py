"""From a scenario as written to the scenario as simulated; what needs more than one field is checked here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from pydantic.alias_generators import to_camel

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.model import SCHEDULERS, Kind, KubeInfer, WorkloadSpec
from kubeinfer_sim.manifest.references import CLASSES, class_assumed
from kubeinfer_sim.manifest.releases import release_of, since
from kubeinfer_sim.scenario.actions.compile import (
    check_images,
    check_returns,
    compile_action,
)
from kubeinfer_sim.scenario.actions.gates import warn_of_gates
from kubeinfer_sim.scenario.actions.model import Action, Create, Fault
from kubeinfer_sim.scenario.actions.node_changes import NodesThen
from kubeinfer_sim.scenario.cluster import priority_classes
from kubeinfer_sim.scenario.cluster.absent_objects import compile_absent
from kubeinfer_sim.scenario.cluster.compile import NO_CLUSTER, compile_cluster
from kubeinfer_sim.scenario.cluster.disruption_budgets import compile_budgets, warn_of_budgets
from kubeinfer_sim.scenario.cluster.model import NodeLifecycle
from kubeinfer_sim.scenario.cluster.services import service_selectors
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.faults.checks import (
    assumed_lines,
    check_storage,
    warn_of_spared_pods,
    warn_of_unseen_faults,
)
from kubeinfer_sim.scenario.faults.compile import compile_faults
from kubeinfer_sim.scenario.findings import Readable
from kubeinfer_sim.scenario.model import Assumptions, Linted, Scenario, Traffic, VolcanoConfiguration
from kubeinfer_sim.scenario.objectives import compile_objectives
from kubeinfer_sim.scenario.recovery.compile import compile_recovery, raised_kinds, warn_of_recovery
from kubeinfer_sim.scenario.schema import SpecForm
from kubeinfer_sim.scenario.timings.compile import compile_timings, unknown_role
from kubeinfer_sim.scenario.timings.model import CrashBackOff, Link, Transfers
from kubeinfer_sim.scenario.units import format_duration, format_size
from kubeinfer_sim.scenario.workloads.adoption import warn_of_adoption
from kubeinfer_sim.scenario.workloads.manifests import Loaded, Manifests
from kubeinfer_sim.scenario.workloads.restart_rules import check_restart_rules
from kubeinfer_sim.scenario.workloads.time_line import TimeLine

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
    from kubeinfer_sim.scenario.cluster.transfer_forms import LinkForm
    from kubeinfer_sim.scenario.demand.curve import OfferedLoad
    from kubeinfer_sim.scenario.scheduler_forms import SchedulerForm


def compile_scenario(readable: Readable, context: Context, values: Mapping[str, Any]) -> Scenario | None:
    """The scenario; None, or one that must not be used, when something is wrong, which is noted."""
    spec, broken = readable.spec, readable.broken
    creates = any(each.create is not None for each in spec.actions)
    manifests = Manifests(context, spec.manifest, values, may_be_empty=creates)
    first = None if "manifest" in broken else manifests.initial()
    time_line = _time_line(first, context, manifests, [each.name for each in spec.pod_disruption_budgets])
    # Keys (time, place, one of several): ties are taken in the order written, the update first.
    actions: dict[tuple[int, int, int], Action] = {}
    written = sorted(zip(readable.places, spec.actions, strict=True), key=lambda each: (each[1].at, each[0]))
    if time_line is not None and spec.update is not None:
        update = time_line.apply(0, spec.update, ("spec", "update"))
        actions |= {(0, -1, index): each for index, each in enumerate(update)}
    for place, form in written:
        path: Path = ("spec", "actions", place)
        if spec.horizon is not None and form.at > spec.horizon:
            context.error((*path, "at"), f"is after the horizon, {format_duration(spec.horizon)}")
        changes = time_line.change(form, path) if time_line is not None else []
        actions |= {(form.at, place, index): each for index, each in enumerate(changes)}
    versions = [] if time_line is None else time_line.everything
    kubeinfers = [] if time_line is None else time_line.kubeinfers
    cluster = NO_CLUSTER
    if "cluster" not in broken:
        cluster = compile_cluster(spec.cluster, versions, context, ("spec", "cluster"))
    by_name = {node.name: node for node in cluster.nodes}
    nodes = NodesThen(cluster.nodes)
    for place, form in written:
        path = ("spec", "actions", place)
        other = nodes.compile_change(form, path, context)
        if other is None:
            other = compile_action(form, path, nodes, time_line, context)
        if other is not None:
            actions[form.at, place, 0] = other
            nodes.note(other)
    check_returns(actions, cluster.nodes, context)
    storage = spec.transfers is not None and spec.transfers.storage is not None
    for (_, place, _), action in actions.items():
        if isinstance(action, Fault):
            check_storage([action.kind], context, ("spec", "actions", place, "fault"), storage=storage)
    faults, fault_lines = compile_faults(
        spec.faults,
        by_name,
        versions,
        context,
        horizon=spec.horizon,
        storage=storage,
        pods=time_line is None or bool(kubeinfers),
    )
    timings, timing_lines = compile_timings(spec.timings, versions, context, ("spec", "timings"))
    struck = [action for action in actions.values() if isinstance(action, Fault)]
    recovery = compile_recovery(
        spec.recovery, kubeinfers, context, ("spec", "recovery"), raised_kinds(struck, faults)
    )
    if time_line is None:
        return None
    assumptions = compile_assumptions(spec.assumptions)
    broken_images = [(image, ("spec", "brokenImages", i)) for i, image in enumerate(spec.broken_images)]
    timed = () if spec.timings is None else spec.timings.images
    timed_images = [(image, ("spec", "timings", "images", image)) for image in timed]
    check_images([*broken_images, *timed_images], versions, context)
    others = manifests.others.values()
    created = {
        (kind, namespace, name)
        for kind, namespace, name in time_line.created_objects
        if kind != priority_classes.KIND or name not in spec.priority_classes
    }
    absent = compile_absent(spec.absent, created, versions, context)
    absent_classes = {name for kind, _, name in absent if kind == priority_classes.KIND}
    classes = priority_classes.compile_priority_classes(
        spec.priority_classes,
        others,
        versions,
        context,
        matter=assumptions.preemption,
        absent=absent_classes,
    )
    budgets = compile_budgets(spec.pod_disruption_budgets, others, versions, context)
    unscaled = kubeinfers if assumptions.scale_subresource == "none" else []
    # What cannot be read was meant all the same: it must not make other findings.
    later = spec.update or spec.actions or faults or broken & {"update", "actions", "faults"}
    initial = spec.initial or ("running" if later else "empty")
    scenario = Scenario(
        name=readable.metadata.name,
        description=readable.metadata.description,
        workloads=time_line.first,
        objects=time_line.objects,
        absent=absent,
        nodes=cluster.nodes,
        running=cluster.running,
        priority_classes=classes,
        services=service_selectors(others, [each for each in time_line.first if isinstance(each, KubeInfer)]),
        timings=timings,
        initial=initial,
        actions=tuple(actions[key] for key in sorted(actions)),
        assumptions=assumptions,
        volcano=compile_scheduler(spec.scheduler),
        recovery=recovery,
        faults=faults,
        objectives=compile_objectives(
            spec,
            time_line.by_object,
            frozenset(time_line.by_object) if initial == "empty" else time_line.changing,
            context,
        ),
        confidence=spec.confidence,
        horizon=spec.horizon,
        quiet_after=spec.quiet_after,
        seed=spec.seed,
        kubernetes_version=spec.kubernetes_version,
        broken_images=frozenset(spec.broken_images),
        schedulers=frozenset((*SCHEDULERS, *spec.schedulers)),
        node_lifecycle=_node_lifecycle(spec),
        crash_back_off=_crash_back_off(spec, context),
        load=_load(spec, kubeinfers, context),
        traffic=_traffic(spec, context),
        disruption_budgets=budgets,
        transfers=_transfers(spec, versions, context),
        defaults=(
            *_defaults(spec, initial),
            *cluster.lines,
            *timing_lines,
            *fault_lines,
            *assumed_lines(spec.faults, struck, faults),
        ),
        lint=tuple(lint_of(manifests.written)) if manifests.written else (),
        warnings=(
            *_warnings_of_manifests(
                manifests,
                versions,
                spec,
                {
                    *((priority_classes.KIND, each.name) for each in classes),
                    *((kind, name) for kind, _, name in (*absent, *manifests.others)),
                },
            ),
            *cluster.warnings,
            *check_restart_rules(versions, spec.kubernetes_version, context),
            *warn_of_recovery(kubeinfers, assumptions, rules=spec.recovery is not None),
            *warn_of_budgets(budgets, versions, unscaled),
            *warn_of_gates(versions, actions.values(), manifests.written),
            *warn_of_adoption(
                (
                    *time_line.first,
                    *(each.workload for each in actions.values() if isinstance(each, Create)),
                )
            ),
            *time_line.warnings,
            *warn_of_unseen_faults(kubeinfers, struck, faults),
            *warn_of_spared_pods(faults, time_line.first, context),
        ),
    )
    ever = [*others, *(each for each in manifests.since.values() if each is not None)]
    volcano_s = spec.scheduler or any(each.kind in ("PodGroup", "Queue") for each in ever)
    if spec.assumptions is None and not volcano_s:
        return scenario
    # Only then: few scenarios say anything of Volcano.
    from kubeinfer_sim.scenario.workloads.volcano_settings import warn_of_volcano_settings

    no_effect = warn_of_volcano_settings(scenario, spec, versions, ever, context)
    return replace(scenario, warnings=(*scenario.warnings, *no_effect))


def lint_of(written: Iterable[tuple[WorkloadSpec, Document]]) -> Iterator[Linted]:
    """What `validate` says of what owns pods, where a run shows whether it comes about."""
    from kubeinfer_sim.manifest.lint.shown_by_runs import RULES, SHOWN_BY_RUNS, lint
    from kubeinfer_sim.scenario.timings.expectations import expectations

    others = RULES.keys() - SHOWN_BY_RUNS
    revisions: dict[tuple[Kind, str, Diagnostic], list[str]] = {}
    for workload, document in written:
        for finding in lint([(workload, document)], expectations(), disabled=others):
            key = (workload.kind, workload.name, finding)
            revisions.setdefault(key, []).append(workload.revision)
    for (kind, name, finding), those in revisions.items():
        yield Linted(kind, name, finding, tuple(dict.fromkeys(those)))


def _warnings_of_manifests(
    manifests: Manifests, versions: Sequence[KubeInfer], spec: SpecForm, given: Collection[tuple[str, str]]
) -> Iterator[Diagnostic]:
    """Those of the files, but for schedulers that the scenario says run, and classes that are given or not there."""
    of_known = {class_assumed(kind, name) for kind, name in given if kind in CLASSES.values()}
    named = {role.template.scheduler_name for version in versions for role in version.roles}
    all_run = named <= {*SCHEDULERS, *spec.schedulers}
    for each in manifests.warnings:
        if not (all_run and each.path[-1:] == ("schedulerName",)) and each.message not in of_known:
            yield each


def _time_line(
    first: Loaded | None, context: Context, manifests: Manifests, budgets: Sequence[str]
) -> TimeLine | None:
    """The workloads; None when the manifest is wrong."""
    if first is None:
        return None
    return TimeLine(context, manifests, first.workloads, budgets)


def _load(spec: SpecForm, kubeinfers: Sequence[KubeInfer], context: Context) -> OfferedLoad | None:
    if spec.load is None:
        return None
    from kubeinfer_sim.scenario.demand.compile import compile_load

    return compile_load(spec.load, kubeinfers, context, ("spec", "load"), spec.horizon)


def _traffic(spec: SpecForm, context: Context) -> Traffic | None:
    if spec.traffic is None:
        return None
    from kubeinfer_sim.scenario.demand.traffic import compile_traffic

    return compile_traffic(spec.traffic, context, ("spec", "traffic"))


def compile_assumptions(form: AssumptionsForm | None) -> Assumptions:
    """The switches in force."""
    if form is None:
        return Assumptions()
    values = {name: getattr(form, name) for name in type(form).model_fields}
    return Assumptions(**{**values, "backoff": tuple(form.backoff)})


def compile_scheduler(form: SchedulerForm | None) -> VolcanoConfiguration:
    """Volcano's configuration."""
    if form is None:
        return VolcanoConfiguration()
    return VolcanoConfiguration(
        "preempt" in form.actions,
        form.binpack.weight,
        form.binpack.resources,
        form.queue,
        enqueues="enqueue" in form.actions,
    )


def _defaults(spec: SpecForm, initial: str) -> Iterator[str]:
    given = spec.model_fields_set
    if spec.initial is None:
        why = "there is an update or action" if initial == "running" else "nothing is applied later"
        yield f"initial: {initial} ({why})"
    if spec.horizon is None:
        yield f"horizon: settled; given up after {format_duration(spec.quiet_after)} without progress"
    if "seed" not in given:
        yield f"seed: {spec.seed}"
    if "kubernetes_version" not in given:
        yield f"kubernetesVersion: {spec.kubernetes_version} (the newest known)"
    transfers = spec.transfers
    if transfers is None:
        return
    if transfers.registry and "default_image_size" not in transfers.model_fields_set:
        yield f"transfers.defaultImageSize: {format_size(transfers.default_image_size)} (the MindIE image)"
    if transfers.storage and "default_weights_size" not in transfers.model_fields_set:
        yield f"transfers.defaultWeightsSize: {format_size(transfers.default_weights_size)} (assumed)"


def _node_lifecycle(spec: SpecForm) -> NodeLifecycle:
    form = spec.node_lifecycle
    grace = release_of(spec.kubernetes_version).node_monitor_grace
    if form is None:
        return NodeLifecycle(grace)
    if form.monitor_grace_period is not None:
        grace = form.monitor_grace_period
    return NodeLifecycle(grace, form.default_toleration_seconds)


def _crash_back_off(spec: SpecForm, context: Context) -> CrashBackOff:
    form = spec.kubelet
    if form is None:
        return CrashBackOff()
    kubernetes = release_of(spec.kubernetes_version)
    for given, key, change in (
        (
            form.max_container_restart_period is not None,
            "maxContainerRestartPeriod",
            "max_container_restart_period",
        ),
        (form.reduced_crash_loop_back_off, "reducedCrashLoopBackOff", "reduced_crash_loop_back_off"),
    ):
        if given and not getattr(kubernetes, change):
            path: Path = ("spec", "kubelet", key)
            message = f'kubelets have it from {since(change)} on, and kubernetesVersion is "{spec.kubernetes_version}"'
            context.error(path, message)
    return CrashBackOff(form.max_container_restart_period, form.reduced_crash_loop_back_off)


def _transfers(spec: SpecForm, versions: Sequence[KubeInfer], context: Context) -> Transfers:
    """The shared links; a stage cannot have both a link and a time of its own."""
    form = spec.transfers
    if form is None:
        return Transfers()
    path: Path = ("spec", "transfers")
    check_images([(image, (*path, "imageSizes", image)) for image in form.image_sizes], versions, context)
    roles = list(dict.fromkeys(role.name for version in versions for role in version.roles))
    for name in form.weights_sizes:
        if name not in roles:
            context.error((*path, "weightsSizes", name), unknown_role(name, roles), key=True)
    for link, stage in ((form.registry, "image_cold"), (form.storage, "weights_shared")):
        if link is not None and getattr(spec.timings, stage, None) is not None:
            name = "registry" if link is form.registry else "storage"
            context.error(
                (*path, name), f"timings.{to_camel(stage)} says how long this takes: leave out one of the two"
            )
    return Transfers(
        registry=_link(form.registry),
        image_sizes=form.image_sizes,
        default_image_size=form.default_image_size,
        storage=_link(form.storage),
        weights_sizes=form.weights_sizes,
        default_weights_size=form.default_weights_size,
        parallel_pulls=form.parallel_pulls,
        registry_pull_qps=form.registry_pull_qps,
        registry_burst=form.registry_burst,
    )


def _link(form: LinkForm | None) -> Link | None:
    return None if form is None else Link(form.bandwidth, form.per_client)
