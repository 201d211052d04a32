"""What a team writes once for all its scenarios: `.kubeinfer-sim.yaml`, or `[tool.kubeinfer-sim]` in a pyproject.toml.

The nearest one above the working directory counts. A scenario, and the command line, go before it: field by field of
a scenario's `spec`, and assumption by assumption.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.source import SourceText, read_source

OWN_TABLE = "kubeinfer-sim"
YAML_NAMES = (".kubeinfer-sim.yaml", ".kubeinfer-sim.yml")
PYPROJECT = "pyproject.toml"
#: How a line of TOML can come to our table: `[tool.kubeinfer-sim`, `tool.kubeinfer-sim`, `[tool]`, `tool =`.
_TABLE = rf"""(?m)^[ \t]*\[?[ \t]*["']?tool["']?[ \t]*(?:[]=]|\.[ \t]*["']?{OWN_TABLE}\b)"""


class Configuration(Struct, frozen=True):
    """A configuration file that was found, and is right as far as can be told without a scenario."""

    document: Document

    @property
    def file(self) -> str:
        """Its name, as seen from the working directory."""
        return self.document.source.name

    def give(
        self, scenario: Document, *, without: frozenset[str] = frozenset()
    ) -> tuple[Document, list[str]]:
        """A scenario's document with what it does not have itself, and what that is: `cluster 16x8`.

        Args:
            scenario: the document.
            without: fields of the spec that are given otherwise.
        """
        spec = scenario.value.get("spec") if isinstance(scenario.value, dict) else None
        if not isinstance(spec, dict):
            return scenario, []
        filled: dict[str, Any] = dict(spec)
        parts: dict[Path, tuple[Document, Path]] = {}
        told: list[str] = []
        for path, value in self._facts(spec, without):
            parts[("spec", *path)] = (self.document, path)
            head, *rest = path
            if rest:
                filled[head] = {**filled.get(head, {}), rest[0]: value}
            else:
                filled[head] = value
            told.append(f"{'.'.join(path)} {shown_value(value)}".rstrip())
        value = {**scenario.value, "spec": filled}
        return replace(scenario, value=value, parts={**scenario.parts, **parts}), told

    def _facts(
        self, spec: Mapping[str, Any], without: frozenset[str]
    ) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name, value in self.document.value.items():
            if name in without:
                continue
            if name != "assumptions":
                if name not in spec:
                    yield (name,), value
                continue
            own = spec.get(name, {})
            if isinstance(own, dict):  # what else it may be is told as the scenario's mistake
                yield from (((name, each), value[each]) for each in value if each not in own)


def shown_value(value: Any) -> str:
    """A value as a report names it; nothing of what is too large for a line."""
    if isinstance(value, str | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, dict) and len(value) == 1:
        name, inner = next(iter(value.items()))
        return f"{name} {inner}" if isinstance(inner, str) else ""
    return ""


def find_configuration() -> Configuration | None:
    """The nearest configuration file, from the working directory upwards; None where there is none.

    Raises:
        InputError: it cannot be read, or something in it is wrong; or there are two in one folder.
    """
    try:
        here = FilePath.cwd()
    except OSError:  # the folder was removed
        return None
    for folder in (here, *here.parents):
        read = [_read(folder / name) for name in (*YAML_NAMES, PYPROJECT)]
        configurations = [each for each in read if each is not None]
        if len(configurations) > 1:
            message = f"{configurations[0].source.name} configures kubeinfer-sim, too: keep one of the two"
            raise InputError([Diagnostic(configurations[1].source.name, 0, 0, message, code="configuration")])
        if configurations:
            # Only where there is one: Pydantic takes longer to import than a manifest to check.
            from kubeinfer_sim.scenario.file_forms import ConfigurationForm
            from kubeinfer_sim.scenario.findings import read_form

            read_form(ConfigurationForm, configurations[0])
            return Configuration(configurations[0])
    return None


def _read(path: FilePath) -> Document | None:
    """The configuration in a file; None where there is no such file, or it is about other things."""
    with suppress(OSError):
        if path.is_file():
            name = os.path.relpath(path)
            return _from_pyproject(path, name) if path.name == PYPROJECT else _from_yaml(read_source(name))
    return None


def _from_yaml(source: SourceText) -> Document:
    from kubeinfer_sim.manifest.checker import shown
    from kubeinfer_sim.manifest.yaml_tree import load_documents

    documents = load_documents(source)
    if len(documents) > 1:
        raise InputError([source.diagnostic(None, f"expected one document, found {len(documents)}")])
    if not documents:  # all of it is comments
        return Document(source, {}, 0)
    document = documents[0]
    if not isinstance(document.value, dict):
        known = "cluster, timings, kubernetesVersion, assumptions"
        message = f"expected a mapping of some of {known}, found {shown(document.value)}"
        raise InputError([document.diagnostic((), message)])
    return document


def _from_pyproject(path: FilePath, name: str) -> Document | None:
    """Files of Python projects are many and large, and those that name us seldom configure us."""
    try:
        text = path.read_text(encoding="utf-8")
        if OWN_TABLE not in text or not re.search(_TABLE, text):
            return None
    except (OSError, UnicodeDecodeError):
        return None
    from kubeinfer_sim.scenario.toml_table import read_table

    return read_table(read_source(name), OWN_TABLE)
