"""What the recorded answers of a real API server are compared with.

A recorded input is decoded by our YAML reader, read by type, and its answer held against the recorded one: the
verdict, whether there is a decode error, the (place, type) pairs of field errors, the warnings, and every leaf
that defaulting changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.kubernetes.decode import decode, stored
from kubeinfer_sim.manifest.kubernetes.field_errors import DECODE, UNKNOWN, Errors, Field, Root
from kubeinfer_sim.manifest.kubernetes.reading import Reading, read
from kubeinfer_sim.manifest.kubernetes.schema import types
from kubeinfer_sim.manifest.kubernetes.validation.deployments import validate_rolling_update
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.yaml_tree import read_documents

MAPS = {
    *("labels", "annotations", "nodeSelector", "matchLabels", "limits", "requests", "overhead", "selector"),
    *("options", "volumeAttributes"),
}


def read_rolling_update(value: Any, path: Path = ()) -> Reading:
    """Read a DeploymentSpec, held to the rules of its rolling update alone."""
    return read(value, "DeploymentSpec", Field(Root(path), None, "spec"), validate=validate_rolling_update)


def load(text: str) -> tuple[Any, bool, bool]:
    """The first document of a text; whether keys occur twice; whether the text cannot be read at all."""
    try:
        documents, findings = read_documents(SourceText("case", text))
    except InputError as error:
        documents, findings = [], error.diagnostics
    duplicates = any(finding.code == "duplicate-key" for finding in findings)
    unreadable = any(finding.code != "duplicate-key" for finding in findings)
    return (documents[0].value if documents else None), duplicates, unreadable


def assert_same_verdict(case: dict[str, Any], read_as: Callable[[Any], Reading]) -> Reading | None:
    """Hold errors and warnings against the recorded ones; the reading, None where there is a decode error."""
    value, duplicates, unreadable = load(case["input"])
    reading = read_as(value)
    decode_errors = unreadable or any(error.type == DECODE for error in reading.errors)
    assert bool(decode_errors) == bool(case["decode_error"]), reading.errors
    if decode_errors:
        assert not case["valid_if_not_strict"]
        return None
    unknown = any(error.type == UNKNOWN for error in reading.errors)
    assert (unknown or duplicates) == bool(case["strict_errors"])
    found = sorted((e.field, e.type) for e in reading.errors if e.type != UNKNOWN)
    assert found == sorted((e["field"], e["type"]) for e in case["errors"])
    assert (not found) == case["valid_if_not_strict"]
    assert (not reading.errors and not duplicates) == case["valid"]
    if not reading.errors:
        warnings = sorted(plain(warning.text) for warning in reading.warnings)
        assert warnings == sorted(plain(text) for text in case.get("warnings", ()))
    return reading


def plain(warning: str) -> str:
    """A warning without the explanation of what a label's value is, which is worded otherwise here."""
    return re.sub(r"(\.values\[\d+\]: .* is invalid), .*", r"\1", warning)


def assert_same_defaults(case: dict[str, Any], reading: Reading, type_name: str, root: str = "") -> None:
    """Hold what defaulting changed, what decoding rewrote and what is not stored against the recorded leaves."""
    value, _, _ = load(case["input"])
    schema = types()[type_name]
    written = dict(leaves(value, root))
    decoded = dict(leaves(stored(decode(value, schema, Root(), Errors()), schema), root))
    effective = dict(leaves(reading.effective, root))
    defaulted = {
        path: leaf
        for path, leaf in effective.items()
        if not same(decoded.get(path, MISSING), leaf) and not (leaf in ({}, []) and has_below(decoded, path))
    }
    assert defaulted == case["defaulted"]
    dropped = [path for path in written if path not in effective and not has_below(effective, path)]
    assert sorted(dropped) == sorted(case.get("dropped", ()))
    normalized = {
        path: leaf
        for path, leaf in decoded.items()
        if path in written and path not in defaulted and path in effective and not same(written[path], leaf)
    }
    assert normalized == case.get("normalized", {})


MISSING = object()


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def has_below(paths: dict[str, Any], path: str) -> bool:
    return any(other.startswith((f"{path}.", f"{path}[")) for other in paths)


def leaves(value: Any, path: str = "", key: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of every leaf, {} and [] included, in the words of the recordings."""
    if isinstance(value, dict) and value:
        for name, entry in value.items():
            if key in MAPS and not name.startswith("match"):
                yield from leaves(entry, f"{path}[{name}]", "")
            else:
                yield from leaves(entry, f"{path}.{name}" if path else name, name)
    elif isinstance(value, list) and value:
        for i, entry in enumerate(value):
            yield from leaves(entry, f"{path}[{i}]", "")
    else:
        yield path, value
