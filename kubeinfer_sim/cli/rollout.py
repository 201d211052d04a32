"""`kubeinfer-sim rollout OLD [NEW] --nodes 8x8`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct, field

from kubeinfer_sim.cli.command import (
    cluster_options,
    configuration_option,
    file_argument,
    filename_option,
    new_values_option,
    option,
    subcommand,
    timings_option,
    values_options,
)
from kubeinfer_sim.cli.files import SIMULATED, OutputFile, descriptor, is_simulated, write_file
from kubeinfer_sim.cli.gates import Gates, gate_options
from kubeinfer_sim.cli.manifests import Side, Version, load_each, version_of
from kubeinfer_sim.cli.output import Output, note
from kubeinfer_sim.cli.replications import Many
from kubeinfer_sim.cli.simulation import simulate_and_report, simulation_options
from kubeinfer_sim.diagnostics import Diagnostic, Severity, unrepeated
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.chosen import others_than
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.model import WorkloadSpec

if TYPE_CHECKING:
    from kubeinfer_sim.manifest.load import OtherObject
    from kubeinfer_sim.report.detail import Detail
    from kubeinfer_sim.scenario.configuration import Configuration


class _Others(Struct, frozen=True):
    """What the files hold beside workloads, `objects` of each file; and where what owns pods in them is written."""

    warnings: list[Diagnostic] = field(default_factory=list)
    objects: list[Sequence[OtherObject]] = field(default_factory=list)
    written: list[tuple[WorkloadSpec, Document]] = field(default_factory=list)


def _surplus(ctx: click.Context, rest: Sequence[str]) -> str:
    return (
        "rollout goes from one manifest, OLD, to another, NEW; `diff` and `validate` take the rest one by one"
    )


@subcommand("rollout", short_help="Simulate an update from one manifest to another.", surplus=_surplus)
@file_argument("old")
@file_argument("new", required=False)
@filename_option
@option("--nodes", metavar="COUNTxNPUS", help="8x8: 8 nodes of 8 NPUs.")
@cluster_options
@configuration_option
@new_values_option
@values_options("the manifests")
@option(
    "--name",
    metavar="[NAMESPACE/|KIND/]NAME",
    help="What is updated, where a file holds several; the others run beside it.",
)
@timings_option
@option(
    "--horizon",
    metavar="TIME",
    default="settled",
    help="Stop there (90m, 7d); if not given, when all has settled.",
)
@gate_options
@option(
    "--write-scenario",
    "scenario_to",
    metavar="FILE",
    type=OutputFile(is_simulated, "name a new file: `--write-scenario new.yaml`"),
    help="Write what is simulated as one scenario file with all that it is made of, for run, why, pods and compare.",
)
@simulation_options
def command(
    old: str,
    new: str | None,
    nodes: str | None,
    cluster: str | None,
    pods: str | None,
    settings: tuple[str, ...],
    new_settings: tuple[str, ...],
    files: tuple[str, ...],
    name: str | None,
    timings: str | None,
    horizon: str,
    seed: int | None,
    configuration: Configuration | None,
    output: Output,
    quiet: bool,
    details: bool,
    told: Detail | None,
    estimate: bool,
    assumptions: bool,
    check_determinism: bool,
    check_invariants: bool,
    many: Many,
    gates: Gates,
    scenario_to: str | None,
) -> int:
    """Simulate the update of the KubeInfer (or the Deployment) in OLD, which runs, to the one in NEW.

    Without NEW the same manifest gets a new revision, as `kubectl rollout restart` makes one, or the values of
    --set-new. - is standard input: kubectl get kubeinfer x -o yaml | kubeinfer-sim rollout - new.yaml --nodes 8x8

    Objectives make it a gate: --min-ready 3 --within 45m --probability 99%. Exit code 0: they hold; 1: one does not, or
    the update never finishes; 4: of many runs, it is undecided.
    """
    from kubeinfer_sim.manifest.template import parse_settings
    from kubeinfer_sim.scenario.rollout import asked_of, rollout_scenario

    if [old, new, cluster, pods].count("-") > 1:
        raise UsageError("only one file can come from standard input")
    where = nodes if cluster is None else cluster
    if None not in (nodes, cluster):
        raise UsageError("give the nodes either as --nodes 8x8 or as --cluster FILE")
    if pods is not None and cluster is None:
        raise UsageError("--pods are those of the nodes given as --cluster FILE: give both")
    values, later = parse_settings(settings, files), parse_settings(new_settings, option="--set-new")
    (before, beside), after, others = _load(old, new, values, later, name)
    objectives, places = asked_of(before, beside, gates.objectives(), gates.places())
    profile: Any = timings
    given: dict[str, Any] = {
        "profile": profile,
        "seed": seed or 0,
        "horizon": horizon,
        "pods": pods,
        "beside": beside,
        "beside_new": () if after is None else after[1],
        "objects": others.objects[0],
        "objects_new": others.objects[1] if len(others.objects) > 1 else (),
        "configuration": configuration,
        "objectives": objectives,
        "places": places,
    }
    if name is None and not quiet and (alternatives := others_than(before, [before, *beside])):
        _tell_which(before, alternatives, all_updated=after is not None, asked=bool(objectives))
    update = (before, None if after is None else after[0], where)
    scenario = rollout_scenario(*update, **given, warnings=others.warnings, written=others.written)
    if scenario_to is not None:
        _write_scenario(scenario_to, _whole(update, given), quiet=quiet)
    return simulate_and_report(
        scenario,
        file=old if new is None else new,
        output=output,
        quiet=quiet,
        details=details,
        told=told,
        estimate=estimate,
        assumptions=assumptions,
        check_determinism=check_determinism,
        check_invariants=check_invariants,
        many=gates.many(many),
        inputs=(old, new, cluster, pods),
        whole=lambda: _whole(update, given),
    )


def _tell_which(one: WorkloadSpec, others: Sequence[str], *, all_updated: bool, asked: bool) -> None:
    """Say which of several workloads was taken, where that decides something."""
    which = f"{one.kind}/{one.name} of {1 + len(others)} workloads"
    another = f"--name {others[0]} takes another"
    if not all_updated:
        note(f"what is updated is {which}; {another}")
    elif asked:
        note(f"the objectives are asked of {which}; {another}")


def _whole(update: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario of an update, with all that it is made of."""
    from kubeinfer_sim.scenario.rollout import rollout_document
    from kubeinfer_sim.scenario.self_contained import self_contained

    document, _ = rollout_document(*update, **given)
    return self_contained(document, typed=frozenset(filter(None, (update[2], given["pods"]))))


def _write_scenario(name: str, document: Mapping[str, Any], *, quiet: bool) -> None:
    """Keep what is simulated as a file, before it is.

    Raises:
        UsageError: there can be no such file, or it is where the report goes.
    """
    from kubeinfer_sim.manifest.yaml_text import yaml_text

    if descriptor(name) == 1 and not quiet:
        raise UsageError(
            "--write-scenario - is where the report goes: name a file, or leave the report out with -q"
        )
    head = f"{SIMULATED}; it writes over this file as long as this line is here.\n"
    write_file(name, head + yaml_text([document]), ours=is_simulated, option="--write-scenario")
    if not quiet:
        note(f"what is simulated is in {name}, for run, why, pods and compare")


def _load(
    old: str, new: str | None, values: Mapping[str, str], later: Mapping[str, str], name: str | None
) -> tuple[Version, Version | None, _Others]:
    """What runs, what is applied (None: the same again, as a new revision), and what else both files say."""
    from kubeinfer_sim.manifest.source import read_source

    sides = [Side(old, values)]
    if new is not None:
        sides.append(Side(new, {**values, **later}))
    elif later:
        text = read_source(old)  # once, since it may be a pipe
        sides = [Side(text, values), Side(text, {**values, **later})]
    versions: list[Version] = []
    others = _Others()
    names = [old, old if new is None else new]
    for file, manifests in zip(names, load_each(sides, values, later), strict=False):
        versions.append(version_of(manifests, name, file))
        warnings = [each for each in manifests.diagnostics if each.severity is Severity.WARNING]
        others.warnings.extend(unrepeated(others.warnings, warnings))
        others.objects.append(manifests.others)
        others.written.extend(manifests.written)
    return versions[0], versions[1] if len(versions) > 1 else None, others
