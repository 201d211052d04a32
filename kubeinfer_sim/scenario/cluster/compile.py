"""From the cluster a user writes (in the scenario, in a file of kind Cluster, or as kubectl prints it) to its nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.file_kinds import only_document
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.kubernetes.validation.resources import is_extended_resource
from kubeinfer_sim.manifest.kubernetes.well_known_labels import ARCHITECTURE
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.cluster.forms import ClusterForm
from kubeinfer_sim.scenario.cluster.model import NodeSpec, RunningPod
from kubeinfer_sim.scenario.cluster.node_counts import too_many_devices
from kubeinfer_sim.scenario.cluster.node_labels import (
    ARCHITECTURE_LABELS,
    architecture_of,
    ask_for_architecture,
)
from kubeinfer_sim.scenario.cluster.pools import COMMON_RESOURCES, pool_nodes
from kubeinfer_sim.scenario.cluster.short_form import short_nodes
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.findings import read_form

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.cluster.kubectl.pods import Running
    from kubeinfer_sim.scenario.cluster.pool_forms import PoolForm
    from kubeinfer_sim.scenario.file_forms import ClusterSpecForm


class Cluster(Struct, frozen=True):
    """The nodes, what runs on them, and what a report says of both.

    Attributes:
        lines: the defaults in force, and where the nodes come from.
        warnings: what is odd about a real cluster: nodes that take no pods, or have given away too much.
    """

    nodes: tuple[NodeSpec, ...] = ()
    running: tuple[RunningPod, ...] = ()
    lines: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


NO_CLUSTER = Cluster()


def compile_cluster(
    form: ClusterForm | ClusterSpecForm, kubeinfers: Sequence[KubeInfer], context: Context, path: Path
) -> Cluster:
    """The cluster; one without nodes when it is wrong, which is noted."""
    if isinstance(form, ClusterForm) and form.path is not None:
        from kubeinfer_sim.scenario.cluster.kubectl.listing import MAX_KUBECTL_BYTES

        written = context.document.value["spec"].get("cluster")
        where = (*path, "path") if isinstance(written, dict) else path
        source = context.read(form.path, where, MAX_KUBECTL_BYTES)
        cluster = source and context.attempt(where, lambda: read_cluster(source, kubeinfers))
        return cluster or NO_CLUSTER
    if form.file is not None:
        from kubeinfer_sim.scenario.cluster.kubectl.listing import MAX_KUBECTL_BYTES

        nodes_text = context.read(form.file, (*path, "file"), MAX_KUBECTL_BYTES)
        pods_text = form.pods and context.read(form.pods, (*path, "pods"), MAX_KUBECTL_BYTES)
        if nodes_text is None or (pods_text is None and form.pods is not None):
            return NO_CLUSTER
        cluster = context.attempt(path, lambda: read_real_cluster(nodes_text, pods_text or None, kubeinfers))
        return cluster or NO_CLUSTER
    if form.nodes is not None:
        short = form.nodes
        made = context.attempt(
            path, lambda: short_nodes(short, kubeinfers, images=form.images, weights=form.weights)
        )
        return Cluster() if made is None else Cluster(tuple(made[0]), (), tuple(made[1]))
    return _pools(form.pools or [], kubeinfers, context, (*path, "pools"))


def read_cluster(source: SourceText, kubeinfers: Sequence[KubeInfer]) -> Cluster:
    """The cluster in a file of kind Cluster, or in one that kubectl wrote.

    Raises:
        InputError: everything that is wrong with the document; the file holds none, or several.
    """
    from kubeinfer_sim.scenario.cluster.kubectl.listing import is_from_kubectl

    if is_from_kubectl(source):
        return read_real_cluster(source, None, kubeinfers)
    document = only_document(source, "Cluster")
    from kubeinfer_sim.scenario.file_forms import ClusterFile

    context = Context(document)
    form = read_form(ClusterFile, context.document)
    cluster = compile_cluster(form.spec, kubeinfers, context, ("spec",))
    if context.errors:
        raise InputError(context.errors)
    return cluster


def read_real_cluster(
    nodes_text: SourceText, pods_text: SourceText | None, kubeinfers: Sequence[KubeInfer]
) -> Cluster:
    """The nodes kubectl wrote, and the pods that run on them beside the KubeInfers.

    Raises:
        InputError: everything that is wrong in either file.
    """
    from kubeinfer_sim.scenario.cluster.kubectl.nodes import read_nodes
    from kubeinfer_sim.scenario.cluster.kubectl.pods import read_pods

    errors: list[Diagnostic] = []
    nodes: list[NodeSpec] = []
    warnings: list[Diagnostic] = []
    running: Running | None = None
    try:
        nodes, warnings = read_nodes(nodes_text)
    except InputError as error:
        errors += error.diagnostics
    try:
        running = None if pods_text is None else read_pods(pods_text, nodes, kubeinfers)
    except InputError as error:
        errors += error.diagnostics
    if errors:
        raise InputError(errors)
    lines = [f"cluster.file: {len(nodes):,} nodes from {nodes_text.name}"]
    if running is None:
        lines.append("cluster.pods: none given, so the nodes count as empty")
        return Cluster(tuple(nodes), (), tuple(lines), tuple(warnings))
    lines += running.lines()
    return Cluster(tuple(nodes), tuple(running.pods), tuple(lines), (*warnings, *running.warnings))


def _pools(
    pools: Sequence[PoolForm], kubeinfers: Sequence[KubeInfer], context: Context, path: Path
) -> Cluster:
    nodes: list[NodeSpec] = []
    lines: list[str] = []
    names: set[str] = set()
    for index, pool in enumerate(pools):
        if pool.name in names:
            context.error((*path, index, "name"), f"there is another pool {pool.name!r} above")
        names.add(pool.name)
        allocatable = amounts(pool.allocatable, context, (*path, index, "allocatable"))
        nodes += context.attempt((*path, index, "npuTopology"), partial(pool_nodes, pool, allocatable)) or []
        if ask_for_architecture(kubeinfers) and not pool.labels.keys() & ARCHITECTURE_LABELS:
            assumed = f"{ARCHITECTURE}={architecture_of(allocatable)}"
            lines.append(f"cluster.pools.{pool.name}: {assumed} (no label of the pool says otherwise)")
        missing = [name for name in COMMON_RESOURCES if name not in allocatable]
        if missing:
            lines.append(f"cluster.pools.{pool.name}: {', '.join(missing)} unlimited (not named)")
    return Cluster(tuple(nodes), (), tuple(lines))


def amounts(written: Mapping[str, str], context: Context, path: Path) -> dict[str, int]:
    """What a node offers; what is wrong is noted."""
    return {name: _amount(name, text, context, (*path, name)) for name, text in written.items()}


def _amount(name: str, text: str, context: Context, path: Path) -> int:
    """A quantity as the scheduler counts it: cpu in millicores, everything else in whole units."""
    quantity = context.attempt(path, lambda: Quantity.parse(text))
    if quantity is None:
        return 0
    if quantity.sign < 0:
        context.error(path, f"must not be negative, found {text}")
    if is_extended_resource(name) and not quantity.is_integer():
        context.error(path, f"{name} comes in whole units, found {text}")
    amount = quantity.milli_value() if name == "cpu" else quantity.value()
    if message := too_many_devices(name, amount):
        context.error(path, message)
        return 0
    return amount
