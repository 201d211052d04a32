"""From a scenario file to a `Scenario`: everything that is wrong is found and said at once.

scenario = load_scenario("scenarios/rolling-update-2p1d.yaml")
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from kubeinfer_sim.diagnostics import Path, distinct
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.file_kinds import only_document
from kubeinfer_sim.manifest.source import SourceText, source_of
from kubeinfer_sim.scenario.cluster.forms import ClusterForm
from kubeinfer_sim.scenario.cluster.node_counts import is_short_form, parse_nodes
from kubeinfer_sim.scenario.compile import compile_scenario
from kubeinfer_sim.scenario.configuration import Configuration
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.findings import read_scenario
from kubeinfer_sim.scenario.forms import parse_horizon
from kubeinfer_sim.scenario.model import Configured, Scenario


class Overrides(TypedDict, total=False):
    """What is given in place of what a scenario file says; it stands as it is where something is left out, or None.

    Attributes:
        seed: the seed.
        horizon: `settled` or a duration.
        cluster: `8x8`, or the path of a Cluster file or of what kubectl get nodes wrote.
        pods: with a `cluster` from kubectl, the path of what kubectl get pods -A wrote.
        changes: path -> value to read in place of what the file has there; a file's path in it starts at the working
            directory.
        configuration: what holds where the scenario says nothing (`find_configuration`).
    """

    seed: int | None
    horizon: str | None
    cluster: str | None
    pods: str | None
    changes: Mapping[Path, Any] | None
    configuration: Configuration | None


def load_scenario(
    source: str | pathlib.Path | SourceText,
    *,
    set_values: Mapping[str, Any] | None = None,
    **overrides: Unpack[Overrides],
) -> Scenario:
    """Read a scenario file (`-` for standard input) or text.

    Args:
        source: the file's name, or a text with a name for messages; relative paths in it start at its folder.
        set_values: values for `${name}` in the scenario's own manifest, over those the scenario gives.
        overrides: see `Overrides`.

    Raises:
        InputError: everything that is wrong, here and in the files it names.
        UsageError: a wrong override.
    """
    given = read_given(source, **overrides)
    scenario = compile_document(given.document, given.typed, given.overrides, set_values or {})
    configuration = overrides.get("configuration")
    if configuration is None or not given.facts:
        return scenario
    return replace(scenario, configuration=Configured(configuration.file, given.facts))


class Given(Struct, frozen=True):
    """A scenario's document, and what is given otherwise.

    Attributes:
        document: with what changes and a configuration file say in its place.
        typed: paths that come from the command line, and so start at the working directory.
        overrides: fields of its spec as read.
        written: the same fields as they would be written.
        facts: what the configuration file gave.
    """

    document: Document
    typed: frozenset[str]
    overrides: dict[str, Any]
    written: dict[str, Any]
    facts: tuple[str, ...]


def read_given(
    source: str | pathlib.Path | SourceText,
    *,
    seed: int | None = None,
    horizon: str | None = None,
    cluster: str | None = None,
    pods: str | None = None,
    changes: Mapping[Path, Any] | None = None,
    configuration: Configuration | None = None,
) -> Given:
    """A scenario's document before it is compiled; see `load_scenario`.

    Raises:
        InputError: it cannot be read, or holds other than one document.
        UsageError: a wrong override.
    """
    overrides: dict[str, Any] = {} if seed is None else {"seed": seed}
    written = dict(overrides)
    if horizon is not None:
        overrides["horizon"], written["horizon"] = read_horizon(horizon), horizon
    if pods is not None and cluster is None:
        raise UsageError("--pods are those of the nodes given as --cluster FILE: give both")
    if cluster is not None:
        overrides["cluster"] = _cluster(cluster, pods)
        written["cluster"] = cluster if pods is None else {"file": cluster, "pods": pods}
    text = source_of(source, "load_scenario")
    document = only_document(text, "Scenario")
    facts: list[str] = []
    if configuration is not None:
        changed = {str(path[1]) for path in changes or {} if len(path) == 2}
        without = frozenset(changed | {"cluster"} if cluster is not None else changed)
        document, facts = configuration.give(document, without=without)
    typed = [each for each in (cluster, pods, *(changes or {}).values()) if isinstance(each, str)]
    for path, value in (changes or {}).items():
        try:
            document = replace(document, value=_with(document.value, path, value))
        except IndexError as error:
            raise UsageError(f"{'.'.join(map(str, path))}: there is no item {error}") from None
    if cluster is not None:
        document = replace(
            document, parts={**document.parts, ("spec", "cluster"): typed_value("--cluster", cluster)}
        )
    return Given(document, frozenset(typed), overrides, written, tuple(facts))


def compile_document(
    document: Document, typed: frozenset[str], overrides: Mapping[str, Any], set_values: Mapping[str, Any]
) -> Scenario:
    """The scenario of a document; `overrides` are fields of its spec as read.

    Raises:
        InputError: everything that is wrong.
    """
    context = Context(document, typed=typed)
    readable = read_scenario(context)
    scenario = None
    if readable is not None:
        readable.spec = readable.spec.model_copy(update=overrides)
        readable.broken -= overrides.keys()
        scenario = compile_scenario(readable, context, set_values)
    if context.errors or scenario is None:
        raise InputError(sorted(distinct(context.errors), key=_order(document.source.name)))
    return scenario


def _cluster(cluster: str, pods: str | None) -> ClusterForm:
    """What --cluster and --pods say.

    Raises:
        UsageError: it cannot be.
    """
    try:
        return ClusterForm.model_validate(cluster if pods is None else {"file": cluster, "pods": pods})
    except ValidationError as error:
        raise UsageError(f"--cluster {cluster}: {error.errors()[0]['msg']}") from None


def typed_value(option: str, value: str) -> tuple[Document, Path]:
    """Where a value stands that was typed: nowhere but on the command line."""
    return Document(SourceText(f"{option} {value}", ""), value, 0), ()


def _with(value: Any, path: Path, new: Any) -> Any:
    """A copy of what a document holds, with another value at a path; mappings on the way are made.

    Raises:
        IndexError: a list has no such item; the argument is its number.
    """
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(value, list) or step >= len(value):
            raise IndexError(step)
        return [*value[:step], _with(value[step], rest, new), *value[step + 1 :]]
    held = value if isinstance(value, dict) else {}
    return {**held, step: _with(held.get(step), rest, new)}


def check_nodes(nodes: str) -> None:
    """What is given as the nodes is `8x8` or a file.

    Raises:
        UsageError: it is neither.
    """
    may_be_file = nodes == "-" or "." in nodes or "/" in nodes or os.path.exists(nodes)  # noqa: PTH110
    if is_short_form(nodes) or not may_be_file:
        try:
            parse_nodes(nodes)
        except ValueError as error:
            no_file = "" if is_short_form(nodes) else ", and there is no such file"
            raise UsageError(f"nodes: {error}{no_file}") from None


def read_horizon(text: str) -> int | None:
    """What --horizon says, in milliseconds; None for `settled`.

    Raises:
        UsageError: it is neither.
    """
    try:
        return parse_horizon(text)
    except ValueError as error:
        raise UsageError(f"--horizon: {error}") from None


def _order(first: str) -> Any:
    """The scenario's own findings first, then those of other files; each in the order of its text."""
    return lambda each: (each.file != first, each.file, each.line, each.column)
