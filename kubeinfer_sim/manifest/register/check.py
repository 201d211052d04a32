"""A manifest against the register: what is written, would matter and is not simulated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.manifest.checker import Checker
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.kubernetes.schema import Type, types
from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.manifest.register import keys, object_fields, pod_fields
from kubeinfer_sim.manifest.register.kinds import kind_row, what_could_differ
from kubeinfer_sim.manifest.register.row import ALL, Row, Standing
from kubeinfer_sim.manifest.register.volcano_fields import unsimulated_fields
from kubeinfer_sim.manifest.schema_facts import kubeinfer_types

#: The code of all findings of the register.
CODE = "not-simulated"
#: All rows about fields.
FIELD_ROWS = (*object_fields.ROWS, *pod_fields.ROWS)
#: Names in a ResourceQuota of what is no pod and nothing a pod asks for (pkg/quota/v1/evaluator/core).
_COUNTS_OBJECTS = (
    r"count/(?!pods$).*|services(\.loadbalancers|\.nodeports)?|secrets|configmaps|persistentvolumeclaims"
    r"|replicationcontrollers|resourcequotas|requests\.storage|.*\.storageclass\.storage\.k8s\.io/.*"
)
#: Characters with which a pattern begins and that stand for themselves, but for one that is repeated or may be missing.
_LITERALS = r"(?:[\w/-]|\\\.)*(?![?*{])"
#: Where what is said of an object as a whole stands.
_KIND: Path = ("kind",)
#: What rows of pods' fields are about.
_SPECIAL = frozenset(row.owner for row in pod_fields.ROWS)
_KEYED = {"labels": (keys.LABELS, keys.EITHER), "annotations": (keys.ANNOTATIONS, keys.EITHER)}


@cache
def _by_field() -> dict[tuple[str, str], Row]:
    return {(row.owner, name): row for row in FIELD_ROWS for name in row.names}


def row_of(owner: str, field: str) -> Row | None:
    """The row of a field of a type (`owner_of`)."""
    rows = _by_field()
    return rows.get((owner, field)) or rows.get((owner, ALL))


def owner_of(parent: str, field: str, inner: Type) -> str:
    """What rows call the type of a field: metadata of pods stands apart from that of objects."""
    special = f"{parent}.{field}"
    return special if special in _SPECIAL else inner.name


@cache
def key_row(place: str, key: str) -> Row | None:
    """The row of a label or annotation (`place`); None where nobody is known to read it."""
    return _first_row(_KEYED[place], key)


def _first_row(owners: tuple[str, ...], key: str) -> Row | None:
    for row in keys.ROWS:
        if row.owner in owners and any(_matches(name, key) for name in row.names):
            return row
    return None


def _matches(name: str, key: str) -> bool:
    """Whether a key is what a row names; a pattern is compiled only for keys that begin as it does."""
    return key.startswith(_beginning(name)) and re.fullmatch(name, key) is not None


@cache
def _beginning(pattern: str) -> str:
    """With what every key begins that matches a pattern."""
    match = re.match(_LITERALS, pattern)
    return match[0].replace("\\", "") if match else ""


def check_fields(checker: Checker, kind: str) -> None:
    """Report what a valid workload asks for that would matter and is not simulated."""
    # A Pod is its own template.
    owner = "PodTemplateSpec" if kind == "Pod" else kind
    told: set[tuple[tuple[int, int], str]] = set()
    for path, row in _found(checker.document.value, kubeinfer_types()[owner], owner, ()):
        place = checker.document.position(path, key=True)
        # Roles that share a template by an anchor share its lines as well.
        if (place, row.why) not in told:
            told.add((place, row.why))
            checker.report(
                path,
                f"not simulated: {row.why}",
                code=CODE,
                severity=Severity.ERROR if row.worthless else Severity.WARNING,
                key=True,
            )


def check_object(
    document: Document, namespace: str, workloads: Sequence[WorkloadSpec]
) -> Iterator[Diagnostic]:
    """What an object of another kind, of this namespace, would change for these workloads and does not here."""
    for path, what in differences(document.value, namespace, workloads):
        key = path != _KIND
        yield document.diagnostic(path, what, code=CODE, severity=Severity.WARNING, key=key)


def differences(
    value: Mapping[str, Any], namespace: str, workloads: Sequence[WorkloadSpec]
) -> Iterator[tuple[Path, str]]:
    """The same as places in the object and what is to be said of them; of the object as a whole at its `kind`."""
    kind, spec = value["kind"], value.get("spec")
    metadata = value.get("metadata")
    named = metadata if isinstance(metadata, Mapping) else {}
    if what := what_could_differ(kind, value, namespace, workloads):
        row, name = kind_row(kind), f"{kind} {named.get('name') or ''}".rstrip()
        part = name if row is None else row.part.format(name)
        yield _KIND, f"{part} is not simulated: {what}"
    if kind == "ResourceQuota" and isinstance(spec, Mapping):
        yield from _uncounted(spec)
    if kind == "Service" and isinstance(spec, Mapping):
        yield from _of_service(spec, [each for each in workloads if each.namespace == namespace])
    if kind == "Namespace" and any(each.namespace == named.get("name") for each in workloads):
        yield from _of_namespace(named)
    yield from unsimulated_fields(value)
    if kind in ("PersistentVolume", "StorageClass"):
        from kubeinfer_sim.manifest.register.storage_fields import tied_to_nodes

        yield from tied_to_nodes(value)


def _of_service(spec: Mapping[str, Any], workloads: Sequence[WorkloadSpec]) -> Iterator[tuple[Path, str]]:
    """Of a Service that selects pods of these workloads, what it says of traffic and is not simulated."""
    selector = spec.get("selector")
    if not isinstance(selector, Mapping) or not selector:
        return
    templates = (template for each in workloads for template in each.pod_templates)
    if any(selector.items() <= template.labels.items() for template in templates):
        for path, row in _found(spec, types()["ServiceSpec"], "ServiceSpec", ("spec",)):
            yield path, f"not simulated: {row.why}"


def _of_namespace(metadata: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Of a Namespace that workloads are in, what its labels and annotations ask of their pods."""
    for place in _KEYED:
        written = metadata.get(place)
        for key, value in written.items() if isinstance(written, Mapping) else ():
            row = _first_row((keys.OF_NAMESPACES,), str(key))
            if row is not None and row.when(value):
                yield ("metadata", place, key), f"not simulated: {row.why}"


def _uncounted(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Of a ResourceQuota, what counts other objects than pods and what they ask for."""
    hard = spec.get("hard")
    for name in hard if isinstance(hard, Mapping) else ():
        if re.fullmatch(_COUNTS_OBJECTS, str(name)):
            what = f"not simulated: objects beyond {name} are refused in a cluster; here they are made"
            yield ("spec", "hard", name), what


def not_simulated(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those of some findings that come from the register, each once."""
    return list(dict.fromkeys(each for each in diagnostics if each.code == CODE))


def _found(value: Any, schema: Type, owner: str, path: Path) -> Iterator[tuple[Path, Row]]:
    """Every field and key below a value that is not simulated, as it is written."""
    if schema.kind == "list" and isinstance(value, list) and schema.item is not None:
        for index, each in enumerate(value):
            yield from _found(each, schema.item, schema.item.name, (*path, index))
    elif schema.kind == "object" and isinstance(value, Mapping):
        for name, each in value.items():
            field, row = schema.fields.get(name), row_of(owner, name)
            if field is None or row is None or each is None:
                continue
            here = (*path, name)
            if row.standing is Standing.NOT_SIMULATED and row.when(each):
                yield here, row
            elif row.standing is Standing.SIMULATED and field.type.kind == "map":
                yield from _found_keys(each, name, here)
            elif row.standing is Standing.SIMULATED:
                yield from _found(each, field.type, owner_of(owner, name, field.type), here)


def _found_keys(value: Any, place: str, path: Path) -> Iterator[tuple[Path, Row]]:
    if place not in _KEYED or not isinstance(value, Mapping):
        return
    for key, each in value.items():
        row = key_row(place, key)
        if row is None or row.standing is not Standing.NOT_SIMULATED or not row.when(each):
            continue
        if not (row.on_pods and path[0] == "metadata"):
            yield (*path, key), row
