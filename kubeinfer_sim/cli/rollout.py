"""`kubeinfer-sim rollout OLD [NEW] --nodes 8x8`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from kubeinfer_sim.cli.simulation import cluster_options, simulate_and_report, simulation_options
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.model import Deployment, KubeInfer

#: What a manifest is about, and the Deployments beside it.
Version = tuple[KubeInfer | Deployment | None, Sequence[Deployment]]


@click.command("rollout", short_help="Simulate an update from one manifest to another.")
@click.argument("old")
@click.argument("new", required=False)
@click.option("--nodes", metavar="COUNTxNPUS", help="8x8: 8 nodes of 8 NPUs.")
@cluster_options
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Fill ${NAME} in the manifests.")
@click.option("--set-file", "files", metavar="NAME=PATH", multiple=True, help="Fill ${NAME} from a file.")
@click.option("--name", metavar="[NAMESPACE/]NAME", help="Which KubeInfer, where a file holds several.")
@click.option(
    "--timings",
    type=click.Choice(["typical", "range"]),
    default="typical",
    show_default=True,
    help="Stages at their typical length, or drawn between low and high.",
)
@click.option("--horizon", metavar="TIME", default="settled", show_default=True, help="Stop there (90m, 7d).")
@simulation_options
def command(
    old: str,
    new: str | None,
    nodes: str | None,
    cluster: str | None,
    pods: str | None,
    settings: tuple[str, ...],
    files: tuple[str, ...],
    name: str | None,
    timings: str,
    horizon: str,
    seed: int | None,
    json_to: str | None,
    quiet: bool,
    check_determinism: bool,
) -> int:
    """Simulate the update of the KubeInfer (or the Deployment) in OLD, which runs, to the one in NEW.

    Without NEW the same manifest gets a new revision, as `kubectl rollout restart` makes one. - is standard
    input: kubectl get kubeinfer x -o yaml | kubeinfer-sim rollout - new.yaml --nodes 8x8
    """
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.scenario.load import rollout_scenario

    if [old, new, cluster, pods].count("-") > 1:
        raise UsageError("only one file can come from standard input")
    where = nodes if cluster is None else cluster
    if where is None or None not in (nodes, cluster):
        raise UsageError("give the nodes either as --nodes 8x8 or as --cluster FILE")
    if pods is not None and cluster is None:
        raise UsageError("--pods are those of the nodes given as --cluster FILE: give both")
    (before, beside), (after, beside_new) = _load(old, new, parse_settings(settings, files), name)
    assert before is not None
    profile: Any = timings
    scenario = rollout_scenario(
        before,
        after,
        where,
        profile=profile,
        seed=seed or 0,
        horizon=horizon,
        pods=pods,
        beside=beside,
        beside_new=beside_new,
    )
    again = [
        "rollout",
        old,
        *([new] if new is not None else []),
        "--cluster" if cluster else "--nodes",
        where,
    ]
    again += ["--pods", pods] if pods is not None else []
    again += ["--timings", timings, "--horizon", horizon, "--seed", str(seed or 0)]
    again += [part for each in settings for part in ("--set", each)]
    again += [part for each in files for part in ("--set-file", each)]
    again += ["--name", name] if name is not None else []
    return simulate_and_report(
        scenario,
        seed=seed,
        json_to=json_to,
        quiet=quiet,
        check_determinism=check_determinism,
        again=None if "-" in (old, new, cluster, pods) else again,
    )


def _load(old: str, new: str | None, values: Mapping[str, str], name: str | None) -> tuple[Version, Version]:
    """The one KubeInfer of each manifest with the Deployments beside it, or its one Deployment."""
    from kubeinfer_sim.cli.manifests import load_each

    sources = [old] if new is None else [old, new]
    found: list[Version] = []
    for source, manifests in zip(sources, load_each(sources, values, only=name), strict=True):
        objects = manifests.kubeinfers or manifests.deployments
        if len(objects) != 1:
            names = ", ".join(each.name for each in objects)
            kind = "KubeInfers" if manifests.kubeinfers else "Deployments"
            raise UsageError(f"{source} holds {len(objects)} {kind} ({names}): choose one with --name")
        found.append((objects[0], manifests.deployments if manifests.kubeinfers else ()))
    return found[0], found[1] if len(found) > 1 else (None, ())
