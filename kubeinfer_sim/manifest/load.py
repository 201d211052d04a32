"""Manifests as objects: reads sources, picks what owns pods, checks everything, reports all at once.

    manifests = load_manifest(["infer.yaml"], set_values={"image_name": "repo/vllm:v2"})
    manifests.kubeinfers[0].replicas

KubeInfers, Deployments, ReplicaSets, StatefulSets, DaemonSets and Pods are simulated. What `kubectl get -o yaml`, Helm
and Kustomize print is accepted: status and server-written metadata, `List` objects, several documents, other kinds
(skipped with a note, those that are not known with a warning).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity, distinct
from kubeinfer_sim.errors import InputError, several
from kubeinfer_sim.manifest.checker import Checker, shown
from kubeinfer_sim.manifest.convert import convert_template
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.file_kinds import is_own, nothing_in, objects_in, what_for_any
from kubeinfer_sim.manifest.kubeinfer import (
    API_VERSION,
    KIND,
    KubeInferForm,
    check_kubeinfer,
)
from kubeinfer_sim.manifest.kubernetes.reading import Reading
from kubeinfer_sim.manifest.kubernetes_findings import check_pod_template, check_service_spec
from kubeinfer_sim.manifest.model import (
    BarePod,
    DaemonSet,
    Deployment,
    KubeInfer,
    NetworkService,
    PlainWorkload,
    ReplicaSet,
    Role,
    StatefulSet,
    WorkloadSpec,
)
from kubeinfer_sim.manifest.model_servers import warn_of_no_accelerators
from kubeinfer_sim.manifest.node_ports import NodePorts
from kubeinfer_sim.manifest.pod_group_annotations import warn_of_pod_groups
from kubeinfer_sim.manifest.references import ASSUMED
from kubeinfer_sim.manifest.register.check import check_fields, check_object
from kubeinfer_sim.manifest.register.kinds import is_simulated, kind_row, why_without_effect
from kubeinfer_sim.manifest.render import sort_key
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.suggest import alike, did_you_mean
from kubeinfer_sim.manifest.template import Values, fill, holes_of, unknown_values
from kubeinfer_sim.manifest.yaml_tree import read_documents

#: What to do with what `helm install` prints.
_OF_HELM = "helm install prints more than manifests; `helm template` or `helm get manifest` prints them alone"
#: Kinds of the vendor's API group that stand beside KubeInfer in a cluster.
_SISTER_KINDS = frozenset({"Instance", "InstanceList"})
#: The kinds of Kubernetes' own that are simulated.
_PLAIN = tuple(each.kind for each in (Deployment, ReplicaSet, StatefulSet, DaemonSet, BarePod))


#: Reads an object of one kind; None where it is wrong.
_Reader = Callable[[Checker, Mapping[str, Any]], PlainWorkload | None]


def _reader(kind: str) -> _Reader:
    """What reads objects of a kind of `_PLAIN`; imported when the first of them is met."""
    match kind:
        case Deployment.kind:
            from kubeinfer_sim.manifest.deployment import read_deployment_object

            return read_deployment_object
        case ReplicaSet.kind:
            from kubeinfer_sim.manifest.replica_set import read_replica_set_object

            return read_replica_set_object
        case StatefulSet.kind:
            from kubeinfer_sim.manifest.stateful_set import read_stateful_set_object

            return read_stateful_set_object
        case DaemonSet.kind:
            from kubeinfer_sim.manifest.daemon_set import read_daemon_set_object

            return read_daemon_set_object
        case _:
            from kubeinfer_sim.manifest.bare_pod import read_pod_object

            return read_pod_object


class OtherObject(Struct, frozen=True):
    """An object of another kind, as written."""

    kind: str
    name: str
    document: Document
    namespace: str = "default"

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        return self.kind, self.namespace, self.name


class Manifests(Struct, frozen=True):
    """What was loaded.

    Attributes:
        kubeinfers: in the order of the sources.
        documents: the document of each workload, KubeInfers first, holes filled.
        diagnostics: warnings and notes, in the order of the text.
        others: objects of other kinds.
        holes: names of the holes `${name}` in the sources, filled ones included.
        plain: what else owns pods of one template, and Pods, in the order of the sources; they may stand beside
            KubeInfers or alone.
    """

    kubeinfers: tuple[KubeInfer, ...]
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    others: tuple[OtherObject, ...] = ()
    holes: frozenset[str] = frozenset()
    plain: tuple[PlainWorkload, ...] = ()

    @property
    def workloads(self) -> tuple[WorkloadSpec, ...]:
        """All that owns pods, KubeInfers first."""
        return (*self.kubeinfers, *self.plain)

    @property
    def written(self) -> tuple[tuple[WorkloadSpec, Document], ...]:
        """All of them, each with its document."""
        return tuple(zip(self.workloads, self.documents, strict=True))

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """The Deployments."""
        return tuple(each for each in self.plain if isinstance(each, Deployment))

    @property
    def objects(self) -> tuple[Mapping[str, Any], ...]:
        """Everything there is, as written, holes filled."""
        return (
            *(each.raw for each in self.workloads),
            *(each.document.value for each in self.others),
        )


def load_manifest(
    sources: Sequence[str | SourceText],
    *,
    set_values: Values | None = None,
    only: str | None = None,
    all_values_used: bool = True,
    of_any_kind: bool = False,
) -> Manifests:
    """Load KubeInfers and all else that owns pods, or is one, from files (`-` for standard input) or texts.

    Args:
        sources: file names, or texts with a name for messages.
        set_values: what fills the holes `${name}`, see `template.py`.
        only: keep the KubeInfer of this name, or `namespace/name`; where none has it, what else owns pods.
        all_values_used: a value no hole asks for is an error (a caller who gives the same values to several
            loads checks that by `Manifests.holes`).
        of_any_kind: sources may hold nothing that owns pods, or nothing at all.

    Raises:
        InputError: with every error of every source, and their warnings.
    """
    loader = _Loader(set_values or {}, of_any_kind)
    sources = several(sources)
    for source in sources:
        loader.read(source)
    loader.finish(only, all_values_used)
    diagnostics = sorted(distinct(loader.findings), key=_order(sources))
    if any(each.severity is Severity.ERROR for each in diagnostics):
        # What nothing gives is known of files that are right.
        raise InputError(
            [each for each in diagnostics if each.severity is not Severity.NOTE and each.code not in ASSUMED]
        )
    return Manifests(
        tuple(each for each, _ in loader.loaded),
        tuple(document for _, document in (*loader.loaded, *loader.plain)),
        tuple(diagnostics),
        tuple(loader.others),
        frozenset(loader.holes),
        tuple(each for each, _ in loader.plain),
    )


class _Loader(Struct):
    """Reads source after source; keeps what was found, workloads with their documents."""

    values: Values
    of_any_kind: bool = False
    loaded: list[tuple[KubeInfer, Document]] = field(default_factory=list)
    plain: list[tuple[PlainWorkload, Document]] = field(default_factory=list)
    others: list[OtherObject] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    holes: set[str] = field(default_factory=set)
    node_ports: NodePorts = field(default_factory=NodePorts)

    def read(self, name: str | SourceText) -> None:
        """Read one source."""
        try:
            source = read_source(name) if isinstance(name, str) else name
        except InputError as error:
            self.findings += error.diagnostics
            return
        documents, errors = read_documents(source)
        self.findings += errors
        if errors:
            # What could not be read may ask for values, too: that nothing asks for them cannot be told.
            self.holes |= set(holes_of(source.text))
        before = len(self.loaded) + len(self.plain), len(self.others), len(self.findings)
        for document in documents:
            self.findings += document.warnings
            for each in _objects(document):
                self._object(each)
        loaded, others, findings = before
        nothing_wrong = not errors and not any(
            each.severity is Severity.ERROR for each in self.findings[findings:]
        )
        nothing = len(self.loaded) + len(self.plain) == loaded
        if nothing and nothing_wrong and not self.of_any_kind:
            there = self.others[others:]
            if there:
                holds = f"it holds {objects_in([each.document.value for each in there])}"
            else:
                holds = "it holds a List without items" if documents else nothing_in(source)
            self.findings.append(
                Diagnostic(
                    source.name,
                    0,
                    0,
                    f"there is no {KIND}, {', '.join(_PLAIN[:-1])} or {_PLAIN[-1]} in this file; {holds}",
                    code="no-kubeinfer",
                    hint=what_for_any([each.kind for each in there], source.name)
                    or _misspelt([each.kind for each in there]),
                )
            )

    def finish(self, only: str | None, all_values_used: bool) -> None:
        """What can only be told when all sources are read."""
        workloads: list[WorkloadSpec] = [each for each, _ in (*self.loaded, *self.plain)]
        beside = [(each.document.value, each.namespace) for each in self.others]
        if self.plain:
            from kubeinfer_sim.manifest.autoscalers import autoscaled

            self.plain = [(autoscaled(each, beside), document) for each, document in self.plain]
        for each in self.others:
            own = is_own(each.document.value)
            differences = () if own else check_object(each.document, each.namespace, workloads)
            self.findings += [*differences] or _skipped(each)
        if self.values and all_values_used:
            self.findings += unknown_values(self.values, self.holes)
        if only is not None:
            kept = [each for each in self.loaded if only in _names(each[0])]
            plain = [each for each in self.plain if only in _names(each[0])]
            if not kept and plain:
                self.plain = plain
            elif self.loaded and not kept:
                names = [each.name for each, _ in self.loaded]
                message = f"there is no KubeInfer named {shown(only)}{did_you_mean(only, names)}"
                hint = f"there are: {', '.join(names)}"
                self.findings.append(Diagnostic(self.loaded[0][1].source.name, 0, 0, message, hint=hint))
            self.loaded = kept

    def _object(self, document: Document) -> None:
        value = document.value
        checker = Checker(document)
        if not isinstance(value, dict):
            checker.report((), f"expected a Kubernetes object, which is a mapping, got {shown(value)}")
        elif value.get("kind") is None:
            told_by_helm = "LAST DEPLOYED" in value
            hint = _OF_HELM if told_by_helm else f"write kind: {KIND}"
            checker.report(("kind",), "required", code="required", hint=hint)
        elif not isinstance(value["kind"], str):
            checker.string(value["kind"], ("kind",))
        elif _is_kubeinfer(value):
            self._kubeinfer(document)
        elif value["kind"] in _PLAIN and not _controlled(value):
            self._plain(document, _reader(value["kind"]))
        else:
            self._other(document, checker)
        self.findings += checker.findings

    def _other(self, document: Document, checker: Checker) -> None:
        from kubeinfer_sim.manifest.other_objects import check_other

        value = document.value
        metadata = value.get("metadata")
        names = [metadata.get(key) if isinstance(metadata, dict) else None for key in ("name", "namespace")]
        name, namespace = (each if isinstance(each, str) else "" for each in names)
        other = OtherObject(value["kind"], name, document, namespace or "default")
        self.others.append(other)
        check_other(checker, value)
        if other.kind == "Service":
            self.node_ports.add_service(checker, value.get("spec"), ("spec",), f"Service {other.name}")

    def _plain(self, document: Document, read: _Reader) -> None:
        filled = fill(document, self.values)
        self.holes |= filled.names
        checker = Checker(filled.document)
        workload = read(checker, filled.document.value)
        if workload is not None:
            check_fields(checker, workload.kind)
            warn_of_no_accelerators(checker, workload)
            warn_of_pod_groups(checker, workload)
        findings = [each for each in checker.findings if not _concerns(each.path, filled.open_paths)]
        self.findings += filled.findings + findings
        if workload is not None and not any(
            each.severity is Severity.ERROR for each in filled.findings + findings
        ):
            self.plain.append((workload, filled.document))

    def _kubeinfer(self, document: Document) -> None:
        filled = fill(document, self.values)
        document = filled.document
        self.holes |= filled.names
        checker = Checker(document)
        kind = document.value["kind"]
        if kind != KIND:
            checker.report(("kind",), f"must be {KIND}, got {shown(kind)}")
        form = check_kubeinfer(checker, document.value)
        owner = f"KubeInfer {form.metadata.namespace}/{form.metadata.name}"
        services: list[Reading] = []
        for service in form.services:
            services.append(check_service_spec(checker, service.spec, service.spec_path))
            self.node_ports.add_service(checker, service.spec, service.spec_path, owner)
        roles = [check_pod_template(checker, role.template, role.template_path) for role in form.roles]
        if not any(each.severity is Severity.ERROR for each in checker.findings):
            check_fields(checker, KIND)
        open_paths = filled.open_paths
        findings = [each for each in checker.findings if not _concerns(each.path, open_paths)]
        self.findings += filled.findings + findings
        if not any(each.severity is Severity.ERROR for each in filled.findings + findings):
            kubeinfer = _convert(form, document, services, roles)
            self.loaded.append((kubeinfer, document))
            checker.findings.clear()
            warn_of_no_accelerators(checker, kubeinfer)
            warn_of_pod_groups(checker, kubeinfer)
            self.findings += checker.findings


def _objects(document: Document) -> Iterator[Document]:
    """The objects of a document: itself, or the items of a `List`, which kubectl prints for several objects."""
    value = document.value
    kind = value.get("kind") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            if item is not None:
                yield from _objects(document.within(("items", index), item))
    else:
        yield document


def _misspelt(kinds: Sequence[str]) -> str:
    """Which kind may have been meant by one of these; "" where they are kinds."""
    known = (KIND, *_PLAIN)
    near = (did_you_mean(each, known) for each in kinds if kind_row(each) is None)
    return next((each.removeprefix("; ") for each in near if each), "")


def _skipped(other: OtherObject) -> list[Diagnostic]:
    """A note of an object that changes nothing here, or that another one makes."""
    value = other.document.value
    controlled = _controlled(value)
    if is_simulated(value) and not controlled:
        return []
    name = f"{other.kind} {other.name}".rstrip()
    if controlled:
        message = f"{name} is controlled by another object and is skipped"
    else:
        message = f"{name} is skipped, without effect on what is predicted: {why_without_effect(other.kind)}"
    return [other.document.diagnostic(("kind",), message, code="skipped", severity=Severity.NOTE)]


def _controlled(value: Mapping[str, Any]) -> bool:
    """Whether another object made it, and makes it again (`metadata.ownerReferences` with a controller)."""
    metadata = value.get("metadata")
    owners = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    return isinstance(owners, list) and any(
        isinstance(each, dict) and each.get("controller") is True for each in owners
    )


def _is_kubeinfer(value: Mapping[str, Any]) -> bool:
    """Whether a KubeInfer is meant: by its kind, a misspelling of it, or the vendor's API version."""
    kind: str = value["kind"]
    if kind == KIND:
        return True
    if kind in _SISTER_KINDS or len(kind) > 40:
        return False
    near = alike(kind.lower(), KIND.lower()) >= 0.75
    return near or value.get("apiVersion") == API_VERSION


def _convert(
    form: KubeInferForm, document: Document, services: Sequence[Reading], roles: Sequence[Reading]
) -> KubeInfer:
    line, _ = document.position(())
    return KubeInfer(
        name=form.metadata.name,
        namespace=form.metadata.namespace,
        replicas=form.replicas,
        roles=tuple(
            Role(
                role.name,
                convert_template(reading.typed, reading.effective),
                role.replicas,
                role.recovery_policy,
            )
            for role, reading in zip(form.roles, roles, strict=True)
        ),
        rolling_update=form.rolling_update,
        labels=form.metadata.labels,
        annotations=form.metadata.annotations,
        network_services=tuple(
            NetworkService(service.name, reading.effective)
            for service, reading in zip(form.services, services, strict=True)
        ),
        raw=form.raw,
        source=f"{document.source.name}:{line}",
    )


def _names(workload: WorkloadSpec) -> tuple[str, str]:
    return workload.name, f"{workload.namespace}/{workload.name}"


def _concerns(path: Path, open_paths: Sequence[Path]) -> bool:
    """Whether a finding is about an open hole, which is reported by itself."""
    return any(path[: len(each)] == each for each in open_paths)


def _order(sources: Sequence[str | SourceText]) -> Any:
    """Findings in the order of the sources, then of the text."""
    names = [each if isinstance(each, str) else each.name for each in sources]
    places = {name: index for index, name in reversed(list(enumerate(names)))}
    return lambda each: (places.get(each.file, len(names)), *sort_key(each))
