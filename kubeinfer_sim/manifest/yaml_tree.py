"""YAML text as plain data that remembers where each value stands.

PyYAML's scanner and parser (libyaml when it is there) yield events; values and positions are built from them in
`yaml_builder.py`. Here documents are found, and reading goes on with the next one where one has a syntax error.

Bounds per source (`yaml_builder.py`); beyond them there is an error and reading ends, so that time and memory grow
with them and not with what an attacker writes: `MAX_SOURCE_BYTES` of text, `MAX_NODES` values and `MAX_TEXT`
characters with every alias counted as often as it is used, `MAX_DEPTH` levels, `MAX_SCALAR` characters in one
scalar, `MAX_NUMBER_CHARS` in a number, `MAX_FINDINGS` findings.
Without libyaml PyYAML takes no tab between tokens (`a:<tab>b`), which the API server does, and is 15 times
slower. Aliased values are shared, not copied: treat what `Document.value` holds as read-only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol

import yaml
from yaml.events import DocumentStartEvent, StreamEndEvent
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.yaml_builder import MAX_FINDINGS, Builder, SkipDocument, StopReading

_NEXT_DOCUMENT = r"(?m)^---(?=\s|\Z)"


class _EventSource(Protocol):
    def get_event(self) -> Any: ...


class _PythonParser(Reader, Scanner, Parser):
    """PyYAML's parser without libyaml, stopping at events."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


def _parser(text: str) -> _EventSource:
    if yaml.__with_libyaml__:
        return yaml.CBaseLoader(text)
    return _PythonParser(text)


def load_documents(source: SourceText) -> list[Document]:
    """The documents of a source that hold anything; documents after a syntax error are read as well.

    Raises:
        InputError: all errors of all documents of this source.
    """
    documents, findings = read_documents(source)
    if findings:
        raise InputError(findings)
    return documents


def read_documents(source: SourceText) -> tuple[list[Document], list[Diagnostic]]:
    """What `load_documents` returns and what it raises, so that documents with errors can be checked further.

    Documents with syntax errors are left out.
    """
    findings = source.unreadable()
    if findings:
        return [], findings
    reader = _Reader(source)
    return reader.read(), reader.builder.errors


class _Reader:
    """Reads the documents of one source, again after each syntax error from the next `---` on."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.builder = Builder(source)

    def read(self) -> list[Document]:
        documents: list[Document] = []
        text = self.source.text
        while True:
            parser = _parser(text[self.builder.base :] if self.builder.base else text)
            reached = self.builder.base
            try:
                documents.extend(each for each in self._documents(parser) if each.value is not None)
                return documents
            except StopReading:
                return documents
            except SkipDocument:
                reached = self.builder.errors_at
            except yaml.MarkedYAMLError as error:
                reached = self._syntax_error(error)
            except (RecursionError, UnicodeError, yaml.YAMLError) as error:
                self.builder.error(self.builder.base, f"YAML syntax: {error}")
                return documents
            following = re.compile(_NEXT_DOCUMENT).search(text, max(reached, self.builder.base + 1))
            if following is None:
                return documents
            self.builder.base = following.start()

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> int:
        """Report what the parser could not read; return how far it got."""
        from kubeinfer_sim.manifest.yaml_errors import explain_syntax_error

        mark = error.problem_mark or error.context_mark
        self.builder.errors.append(explain_syntax_error(self.source, self.builder.base, error))
        if len(self.builder.errors) >= MAX_FINDINGS:
            return len(self.source.text)
        return self.builder.base + (mark.index if mark is not None else 0)

    def _documents(self, parser: _EventSource) -> Iterator[Document]:
        get_event = parser.get_event
        while True:
            event = get_event()
            kind = type(event)
            if kind is DocumentStartEvent:
                self.builder.begin()
                version = event.version
                if version is not None and tuple(version) != (1, 1):
                    self.builder.error(
                        self.builder.base + event.start_mark.index,
                        f"YAML syntax: %YAML {version[0]}.{version[1]}: the API server reads YAML 1.1 only",
                        hint="remove the directive",
                    )
                value, place = self.builder.node(get_event)
                yield Document(self.source, value, place, tuple(self.builder.warnings))
            elif kind is StreamEndEvent:
                return
