"""A first scenario for a manifest: what people change first, each with a line of why, and objectives that it holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.names_apart import in_namespace
from kubeinfer_sim.manifest.releases import LATEST
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.wrapping import wrap
from kubeinfer_sim.manifest.yaml_text import one_line
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.report.words import listed
from kubeinfer_sim.scenario.cluster.node_counts import is_short_form
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.rollout import require_nodes
from kubeinfer_sim.simulation.simulate import simulate
from kubeinfer_sim.testing.explained import workloads_of
from kubeinfer_sim.testing.first_files.asked import Asked
from kubeinfer_sim.testing.first_files.objectives import Proposed, kept_ready, name_of, propose

#: Columns of a comment.
_WIDTH = 80


class FirstScenario(Struct, frozen=True):
    """A scenario as a text, and how it comes out.

    Attributes:
        path: where it is to stand; paths in it start there.
        assessment: its run, judged.
        missed: what one would ask for and does not hold, a sentence each.
        kept_ready: how many each workload keeps ready that is updated, of those that keep what an update may leave.
        workloads: how many workloads there are to be named.
    """

    path: str
    text: str
    assessment: Assessment
    missed: tuple[str, ...]
    kept_ready: Mapping[str, int]
    workloads: int


def first_scenario(asked: Asked, path: str) -> FirstScenario:
    """The scenario of an update of all that a manifest holds, played, with what it holds as objectives.

    Args:
        asked: the manifest and the nodes.
        path: where it is to stand, from the working directory; its folder need not be there yet.

    Raises:
        InputError: the manifest, or a file that is named, is wrong.
        UsageError: the manifest holds nothing to update, or nobody gives the nodes.
    """
    require_nodes(asked.cluster, asked.configuration)
    updated = asked.updated()
    proposed = propose(_played(asked, updated, {}), updated)
    assessment = _played(asked, updated, proposed)
    served = workloads_of(assessment)
    kept = {name: kept_ready(served[name]) for name in proposed}
    missed = [
        f"{name}: {each.field}: {each.why}" for name, own in proposed.items() for each in own if each.missed
    ]
    return FirstScenario(
        path,
        _text(asked, updated, proposed, path),
        assessment,
        tuple(missed),
        {name: number for name, number in kept.items() if number is not None},
        len(served),
    )


def _played(
    asked: Asked, updated: Sequence[WorkloadSpec], proposed: Mapping[str, Sequence[Proposed]]
) -> Assessment:
    """It, played from the working directory: the folder in which it is to stand may not be there."""
    source = SourceText("scenario.yaml", _text(asked, updated, proposed, ""))
    return assess(simulate(load_scenario(source, configuration=asked.configuration)))


def _text(
    asked: Asked, updated: Sequence[WorkloadSpec], proposed: Mapping[str, Sequence[Proposed]], path: str
) -> str:
    names = listed([f"{each.kind} {each.name}" for each in updated])
    lines = [
        *_comment("", f"An update of {names}, before it reaches a cluster. Play it, and ask about it:"),
        f"#   kubeinfer-sim run {path}",
        f"#   kubeinfer-sim why {path} --at 10m",
        "# All that may stand here: kubeinfer-sim schema scenario",
        "apiVersion: kubeinfer-sim/v1",
        "kind: Scenario",
        "metadata:",
        f"  name: {one_line(in_namespace(updated[0].name))}",
        "spec:",
        *_manifest(asked, path),
        *_update(updated),
        *_cluster(asked, path),
    ]
    if not asked.configured("timings"):
        why = (
            "How long stages take: typical lengths; `profile: range` draws each between what is low and high."
        )
        lines += [
            *_comment("  ", f"{why} Your own: `kubeinfer-sim calibrate`."),
            "  timings: {profile: typical}",
        ]
    if not asked.configured("kubernetesVersion"):
        why = "The release whose rules hold, written down so that it stays."
        lines += [*_comment("  ", why), f'  kubernetesVersion: "{LATEST.version}"']
    why = "The run ends when nothing more can happen; `7d` ends it then, which faults that come again need."
    lines += [*_comment("  ", why), "  horizon: settled"]
    why = "The same seed is the same run; `run -n 300` plays 300 seeds, with `probability: 99%` beside an objective."
    lines += [*_comment("  ", why), "  seed: 0"]
    return "".join(f"{line}\n" for line in (*lines, *_objectives(updated, proposed)))


def _manifest(asked: Asked, path: str) -> Iterator[str]:
    yield "  # What runs at the start, all of it ready."
    yield "  manifest:"
    yield f"    path: {one_line(_from(asked.manifest, path))}"
    if asked.values:
        yield "    # What fills ${…} in it; each of them needs a value."
        yield "    set:"
        yield from (f"      {name}: {one_line(_number(value))}" for name, value in asked.values.items())
    if asked.value_files:
        yield (
            "    # What fills others, each from a file."
            if asked.values
            else "    # What fills ${…} in it, each from a file."
        )
        yield "    setFile:"
        yield from (
            f"      {name}: {one_line(_from(file, path))}" for name, file in asked.value_files.items()
        )


def _update(updated: Sequence[WorkloadSpec]) -> Iterator[str]:
    again = "the same again, as `kubectl rollout restart` does it"
    others = "Another version: {set: {…}} with other values, or the path of another file."
    if len(updated) == 1:
        yield from _comment("  ", f"What is applied at 0s: {again}. {others}")
        yield "  update: {newRevision: true}"
        return
    yield from _comment("  ", f"What people do, and when: {again}. {others}")
    yield "  actions:"
    for each in updated:
        yield f"  - {{at: 0s, object: {one_line(f'{each.kind}/{each.name}')}, apply: {{newRevision: true}}}}"


def _cluster(asked: Asked, path: str) -> Iterator[str]:
    if asked.cluster is None:
        assert asked.configuration is not None
        yield from _comment("  ", f"The nodes are those of {asked.configuration.file}.")
    elif is_short_form(asked.cluster):
        yield from _comment(
            "  ", "So many nodes of so many NPUs; or a file from `kubectl get nodes -o json`."
        )
        yield f"  cluster: {one_line(asked.cluster)}"
    else:
        yield "  # The nodes."
        nodes = _from(asked.cluster, path)
        given = nodes if asked.pods is None else {"file": nodes, "pods": _from(asked.pods, path)}
        yield f"  cluster: {one_line(given)}"


def _objectives(updated: Sequence[WorkloadSpec], proposed: Mapping[str, Sequence[Proposed]]) -> Iterator[str]:
    if not proposed:
        return
    yield from _comment("  ", "What must hold; one that is missed makes the exit code 1, and fails its test.")
    asked_for = any(each.value is not None for own in proposed.values() for each in own)
    yield f"{'  objectives:' if asked_for else '  # objectives:'}"
    kubeinfers = [each for each in updated if each.kind == "KubeInfer"]
    # At the top they are about every KubeInfer, or where there is none about every other workload.
    top = (kubeinfers or updated)[0] if len(kubeinfers or updated) == 1 else None
    if top is not None:
        yield from _each("    ", proposed[name_of(top)])
    rest = [each for each in updated if each is not top]
    with_values = [each for each in rest if any(one.value is not None for one in proposed[name_of(each)])]
    if rest:
        yield f"{'    objects:' if with_values else '    # objects:'}"
    for each in rest:
        mark = "" if each in with_values else "# "
        yield f"      {mark}{one_line(f'{each.kind}/{each.name}')}:"
        yield from _each("        ", proposed[name_of(each)])


def _each(indent: str, proposed: Sequence[Proposed]) -> Iterator[str]:
    for each in proposed:
        yield from _comment(indent, each.why)
        if each.value is not None:
            yield f"{indent}{each.field}: {one_line(each.value)}"
        elif each.missed:
            yield (
                f"{indent}# {each.field}: true"
                if each.field != "minReadyInstances"
                else f"{indent}# {each.field}: 0"
            )


def _comment(indent: str, text: str) -> list[str]:
    return wrap(f"{indent}# {text}", _WIDTH, later=f"{indent}# ")


def _number(text: str) -> Any:
    """A number where the text is how it is written; all else stays text."""
    return int(text) if text.isascii() and text.isdecimal() and str(int(text)) == text else text


def _from(file: str, path: str) -> str:
    """A file as it is named in the scenario; one with its whole path stays so."""
    if os.path.isabs(file):  # noqa: PTH117
        return file
    folder = os.path.dirname(path)  # noqa: PTH120
    return PurePath(os.path.relpath(file, folder or ".")).as_posix()
