"""Files checked without playing anything: manifests with what lint finds, and files of our own kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.file_kinds import OWN_KINDS, own_kind, what_for
from kubeinfer_sim.manifest.kubernetes_findings import INVALID_IMAGE_NAME
from kubeinfer_sim.manifest.load import Manifests, OtherObject, load_manifest
from kubeinfer_sim.manifest.model import KubeInfer, PlainWorkload
from kubeinfer_sim.manifest.other_objects import is_checked
from kubeinfer_sim.manifest.references import without_given
from kubeinfer_sim.manifest.register.kinds import is_simulated
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.manifest.template import unknown_values

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.cluster.model import NodeSpec
    from kubeinfer_sim.scenario.configuration import Configuration
    from kubeinfer_sim.scenario.model import Configured


class CheckedFile(Struct, frozen=True):
    """A file of one of our kinds, which is valid.

    Attributes:
        tells: what it holds, in a few words.
        warnings: what is legal but will surprise.
        taken: names of the values from the command line that its manifest asked for.
        unasked: what is to be said of the others, if no other file asks for them.
    """

    name: str
    kind: str
    tells: str
    warnings: tuple[Diagnostic, ...] = ()
    taken: frozenset[str] = frozenset()
    unasked: tuple[Diagnostic, ...] = ()


class Checked(Struct, frozen=True):
    """Files that were checked.

    Attributes:
        kubeinfers, plain (all else that owns pods), objects (that own none, of kinds that are checked),
            files: what is valid; none where anything is not.
        findings: in the order of the files, then of the text.
        configured: what the configuration gave to lint for.
    """

    kubeinfers: Sequence[KubeInfer] = ()
    plain: Sequence[PlainWorkload] = ()
    objects: Sequence[OtherObject] = ()
    files: Sequence[CheckedFile] = ()
    findings: Sequence[Diagnostic] = ()
    configured: Configured | None = None


def check_files(
    names: Sequence[str],
    values: Mapping[str, str],
    *,
    nodes: str | None = None,
    disabled: frozenset[str] | None = frozenset(),
    configuration: Configuration | None = None,
) -> Checked:
    """Check files, and all files that those of our own kinds name.

    Args:
        names: the files, `-` for standard input.
        values: what fills the holes of manifests, as on the command line; each must be asked for by one of them.
        nodes: the cluster to lint for: `8x8`, or a file; None: that of the configuration, if it has one.
        disabled: lint rules that are left out; None leaves out all.
        configuration: what holds where a scenario says nothing.

    Raises:
        InputError, UsageError: the cluster is wrong.
    """
    findings: list[Diagnostic] = []
    manifests: list[SourceText] = []
    checked: list[CheckedFile] = []
    for name in names:
        try:
            source = read_source(name)
            kind = own_kind(source)
            if kind is None:
                manifests.append(source)
            else:
                checked.append(check_file(source, kind, values, configuration))
                findings += checked[-1].warnings
        except InputError as error:
            findings += error.diagnostics
    loaded = Manifests((), ())
    if manifests:
        try:
            loaded = load_manifest(manifests, set_values=values, all_values_used=False)
            findings += (
                each
                for each in without_given(loaded.diagnostics, (each.key for each in loaded.others))
                if not _told_by_lint(each, linted=disabled is not None)
            )
        except InputError as error:
            findings += error.diagnostics
    objects = [each for each in loaded.others if is_checked(each.document.value)]
    if loaded.others:
        from kubeinfer_sim.scenario.workloads.objects import READERS

        for each in loaded.others:
            if each.kind in READERS and is_simulated(each.document.value):
                READERS[each.kind](each, findings)
                if each not in objects:
                    objects.append(each)
    if not _wrong(findings):
        taken = loaded.holes.union(*(each.taken for each in checked))
        findings += (
            unknown_values(values, set(taken))
            if loaded.documents
            else [each for file in checked for each in file.unasked if _name(each) not in taken]
        )
    if _wrong(findings):
        return Checked(findings=_in_order(findings, names))
    configured = None
    if disabled is not None and loaded.documents:
        from kubeinfer_sim.manifest.lint.catalogue import lint
        from kubeinfer_sim.scenario.timings.expectations import expectations

        cluster, configured = _nodes(nodes, configuration, loaded)
        findings += lint(loaded.written, expectations(cluster), disabled=disabled)
    return Checked(loaded.kubeinfers, loaded.plain, objects, checked, _in_order(findings, names), configured)


def _nodes(
    nodes: str | None, configuration: Configuration | None, loaded: Manifests
) -> tuple[Sequence[NodeSpec], Configured | None]:
    """The cluster to lint for, and what of it the configuration gave; no nodes where it is not known.

    Raises:
        InputError, UsageError: it is wrong.
    """
    if nodes is None and configuration is None:
        return (), None
    # Only with a cluster: Pydantic takes longer to import than a manifest to check.
    from kubeinfer_sim.scenario.cluster.compile import compile_cluster
    from kubeinfer_sim.scenario.cluster.forms import ClusterForm
    from kubeinfer_sim.scenario.context import Context
    from kubeinfer_sim.scenario.load import check_nodes, typed_value
    from kubeinfer_sim.scenario.model import Configured
    from kubeinfer_sim.scenario.workloads.plain import as_kubeinfer

    path: Path = ("spec", "cluster")
    document = Document(SourceText("validate", ""), {"spec": {}}, 0)
    configured = None
    if nodes is not None:
        check_nodes(nodes)
        document = replace(
            document, value={"spec": {"cluster": nodes}}, parts={path: typed_value("--nodes", nodes)}
        )
    elif configuration is not None:
        document, facts = configuration.give(
            document, without=frozenset({"timings", "kubernetesVersion", "assumptions"})
        )
        if not facts:
            return (), None
        configured = Configured(configuration.file, tuple(facts))
    context = Context(document, typed=frozenset(filter(None, (nodes,))))
    form = ClusterForm.model_validate(document.value["spec"]["cluster"])
    pods = [*loaded.kubeinfers, *map(as_kubeinfer, loaded.plain)]
    cluster = compile_cluster(form, pods, context, path)
    if context.errors:
        raise InputError(context.errors)
    return cluster.nodes, configured


def _told_by_lint(diagnostic: Diagnostic, *, linted: bool) -> bool:
    """Whether lint tells of it, more sternly: images of containers that are there while the pod runs."""
    return linted and diagnostic.code == INVALID_IMAGE_NAME and "initContainers" not in diagnostic.path


def _wrong(findings: Sequence[Diagnostic]) -> bool:
    return any(each.severity is Severity.ERROR for each in findings)


def _in_order(diagnostics: Sequence[Diagnostic], names: Sequence[str]) -> list[Diagnostic]:
    """By file as given, then by line; what was found twice (in a file that two others name) once."""
    places = {name: index for index, name in reversed(list(enumerate(names)))}
    return sorted(
        dict.fromkeys(diagnostics),
        key=lambda each: (places.get(each.file, len(places)), each.line, each.column),
    )


def check_file(
    source: SourceText, kind: str, values: Mapping[str, Any], configuration: Configuration | None = None
) -> CheckedFile:
    """Check a file of one of our kinds (`own_kind`), and all files it names.

    Values that a scenario's manifest has no hole for may be for another file.

    Raises:
        InputError: everything that is wrong with it.
    """
    # Only for these kinds: Pydantic takes longer to import than a manifest to check.
    from kubeinfer_sim.scenario.cluster.compile import read_cluster
    from kubeinfer_sim.scenario.recovery.compile import read_recovery
    from kubeinfer_sim.scenario.timings.compile import read_timings

    match kind:
        case "Scenario":
            return _check_scenario(source, values, configuration)
        case "Cluster":
            return CheckedFile(source.name, kind, _number(len(read_cluster(source, ()).nodes), "node"))
        case "Recovery":
            return CheckedFile(source.name, kind, _number(len(read_recovery(source, ())), "rule"))
        case "Timings":
            stages = read_timings(source)
            number = len(stages.common) + sum(map(len, stages.roles.values()))
            return CheckedFile(source.name, kind, _number(number, "stage"))
    message = (
        what_for(kind, source.name) or f"there are no files of kind {kind}{did_you_mean(kind, OWN_KINDS)}"
    )
    raise InputError([source.diagnostic(None, message, code="kind")])


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _check_scenario(
    source: SourceText, values: Mapping[str, Any], configuration: Configuration | None
) -> CheckedFile:
    from kubeinfer_sim.scenario.load import load_scenario

    taken = dict(values)
    unasked: tuple[Diagnostic, ...] = ()
    try:
        scenario = load_scenario(source, set_values=taken, configuration=configuration)
    except InputError as error:
        unasked = tuple(each for each in error.diagnostics if _name(each) in taken)
        if not unasked:
            raise
        taken = {name: value for name, value in values.items() if name not in set(map(_name, unasked))}
        scenario = load_scenario(source, set_values=taken, configuration=configuration)
    objects = [
        each.name if each.kind == "KubeInfer" else f"{each.kind} {each.name}" for each in scenario.workloads
    ]
    tells = f"{scenario.name}: {', '.join(objects)} on {_number(len(scenario.nodes), 'node')}"
    if scenario.configuration is not None:
        tells += f", with {', '.join(scenario.configuration.facts)} from {scenario.configuration.file}"
    return CheckedFile(source.name, "Scenario", tells, tuple(scenario.warnings), frozenset(taken), unasked)


def _name(diagnostic: Diagnostic) -> str:
    """Of a finding about a value on the command line that no hole asks for, its name; else nothing."""
    return diagnostic.file.removeprefix("--set ") if diagnostic.code == "unknown-value" else ""
