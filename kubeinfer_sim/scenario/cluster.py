"""From the cluster a user writes (in the scenario, or in a file of kind Cluster) to its nodes."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.diagnostics import Path
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.yaml_tree import load_documents
from kubeinfer_sim.scenario.cluster_forms import ClusterForm, ClusterSpecForm, PoolForm
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.findings import read_form
from kubeinfer_sim.scenario.model import NodeSpec
from kubeinfer_sim.scenario.nodes import COMMON_RESOURCES, is_extended, pool_nodes, short_nodes
from kubeinfer_sim.scenario.schema import ClusterFile


def compile_cluster(
    form: ClusterForm | ClusterSpecForm, kubeinfers: Sequence[KubeInfer], context: Context, path: Path
) -> tuple[list[NodeSpec], list[str]]:
    """The nodes, and the defaults in force; none when the cluster is wrong, which is noted."""
    if isinstance(form, ClusterForm) and form.path is not None:
        file = form.path
        where = (*path, "path") if isinstance(context.document.value["spec"]["cluster"], dict) else path
        source = context.read(file, where)
        found = source and context.attempt(where, lambda: read_cluster(source, kubeinfers))
        return found or ([], [])
    if form.nodes is not None:
        nodes = form.nodes
        return context.attempt(
            path, lambda: short_nodes(nodes, kubeinfers, images=form.images, weights=form.weights)
        ) or ([], [])
    return _pools(form.pools or [], context, (*path, "pools"))


def read_cluster(source: SourceText, kubeinfers: Sequence[KubeInfer]) -> tuple[list[NodeSpec], list[str]]:
    """The nodes of a file of kind Cluster, and the defaults in force.

    Raises:
        ValueError: the file holds no document, or several.
        InputError: everything that is wrong with the document.
    """
    documents = load_documents(source)
    if len(documents) != 1:
        raise ValueError(f"{source.name}: expected one document of kind Cluster, found {len(documents)}")
    context = Context(documents[0])
    form = read_form(ClusterFile, context.document)
    found = compile_cluster(form.spec, kubeinfers, context, ("spec",))
    if context.errors:
        raise InputError(context.errors)
    return found


def _pools(pools: Sequence[PoolForm], context: Context, path: Path) -> tuple[list[NodeSpec], list[str]]:
    nodes: list[NodeSpec] = []
    lines: list[str] = []
    names: set[str] = set()
    for index, pool in enumerate(pools):
        if pool.name in names:
            context.error((*path, index, "name"), f"there is another pool {pool.name!r} above")
        names.add(pool.name)
        allocatable = {
            name: _amount(name, text, context, (*path, index, "allocatable", name))
            for name, text in pool.allocatable.items()
        }
        nodes += pool_nodes(pool, allocatable)
        missing = [name for name in COMMON_RESOURCES if name not in allocatable]
        if missing:
            lines.append(f"cluster.pools.{pool.name}: {', '.join(missing)} unlimited (not named)")
    return nodes, lines


def _amount(name: str, text: str, context: Context, path: Path) -> int:
    """A quantity as the scheduler counts it: cpu in millicores, everything else in whole units."""
    quantity = context.attempt(path, lambda: Quantity.parse(text))
    if quantity is None:
        return 0
    if quantity.sign < 0:
        context.error(path, f"must not be negative, found {text}")
    if is_extended(name) and not quantity.is_integer():
        context.error(path, f"{name} comes in whole units, found {text}")
    return quantity.milli_value() if name == "cpu" else quantity.value()
