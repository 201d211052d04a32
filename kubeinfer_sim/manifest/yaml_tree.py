"""YAML text as plain data that remembers where each value stands.

PyYAML's scanner and parser (libyaml when it is there) yield events; values and positions are built from
them here, as the API server would (sigs.k8s.io/yaml, i.e. goyaml.v2 and then JSON): YAML 1.1 scalars
(`scalars.py`), keys as text, anchors and merge keys honoured. Nothing is ever built from a tag but text,
numbers, booleans and null: reading cannot run code. Stricter than the API server in two places:
duplicate keys are errors, tags that ask for objects of a programming language are errors.

Bounds, per source; beyond them there is an error and reading ends, so time and memory grow with them and
not with what an attacker writes: `MAX_SOURCE_BYTES` of text, `MAX_NODES` values and `MAX_TEXT` characters
with every alias counted as often as it is used, `MAX_DEPTH` levels, `MAX_SCALAR` characters in one
scalar, `MAX_NUMBER_CHARS` in a number, `MAX_FINDINGS` findings.
Without libyaml PyYAML takes no tab between tokens (`a:<tab>b`), which the API server does, and is 15 times
slower. Aliased values are shared, not copied: treat what `Document.value` holds as read-only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.document import Document, Place, place_offset
from kubeinfer_sim.manifest.scalars import (
    MAX_NUMBER_CHARS,
    SCALAR_TAGS,
    SPECIAL_STARTS,
    TAG_PREFIX,
    Scalar,
    ScalarError,
    key_text,
    resolve,
    resolve_tagged,
    to_json,
)
from kubeinfer_sim.manifest.source import MAX_SOURCE_BYTES, SourceText
from kubeinfer_sim.manifest.yaml_errors import explain_syntax_error

MAX_DEPTH = 100
MAX_NODES = 400_000
MAX_TEXT = MAX_SOURCE_BYTES
MAX_SCALAR = 1024 * 1024
MAX_FINDINGS = 200

_OCTAL = re.compile(r"[-+]?0[0-7_]+").fullmatch
#: Fields that are written in octal by custom.
_FILE_MODES = ("mode", "defaultMode")
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)


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
    return reader.read(), reader.errors


class _StopReading(Exception):
    """A bound is passed, or there are too many findings."""


class _SkipDocument(Exception):
    """The rest of this document cannot be read."""


@dataclass(slots=True)
class _Anchor:
    """What an alias stands for, and what it adds to the bounds."""

    value: Any
    place: Place
    nodes: int
    chars: int
    height: int
    raw: Scalar = None  # a scalar before it became JSON: as a key, `1e6` and `1000000` differ


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read."""

    value: Any
    tree: Any
    offset: int
    nodes_before: int
    chars_before: int
    anchor: _Anchor | None = None
    height: int = 1
    key: str | None = None  # mapping: the key whose value comes next
    key_offset: int = -1  # -1: a key comes next
    merge: bool = False
    flow: bool = False  # written with [ ] or { }
    merged: set[str] | None = None  # mapping: keys that came by `<<`, which an own key may repeat


class _Reader:
    """Builds documents from events; one per source."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        share = source.limit / MAX_SOURCE_BYTES
        self.max_nodes, self.max_text = int(MAX_NODES * share), int(MAX_TEXT * share)
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.base = 0  # offset of what the parser reads now
        self.errors_at = 0  # offset of the latest error
        self.nodes = 0
        self.chars = 0
        self.anchors: dict[str, _Anchor | None] = {}
        self.stack: list[_Frame] = []
        self.known: dict[str, Scalar] = {}

    def read(self) -> list[Document]:
        documents: list[Document] = []
        text = self.source.text
        while True:
            parser = _parser(text[self.base :] if self.base else text)
            reached = self.base
            try:
                documents.extend(each for each in self._documents(parser) if each.value is not None)
                return documents
            except _StopReading:
                return documents
            except _SkipDocument:
                reached = self.errors_at
            except yaml.MarkedYAMLError as error:
                reached = self._syntax_error(error)
            except (RecursionError, UnicodeError, yaml.YAMLError) as error:
                self._error(self.base, f"YAML syntax: {error}")
                return documents
            following = _NEXT_DOCUMENT.search(text, max(reached, self.base + 1))
            if following is None:
                return documents
            self.base = following.start()

    # --- findings ------------------------------------------------------------------------------------------

    def _error(self, offset: int, message: str, *, code: str = "yaml", hint: str = "") -> None:
        self.errors_at = offset
        self.errors.append(self.source.diagnostic(offset, message, code=code, hint=hint))
        if len(self.errors) >= MAX_FINDINGS:
            raise _StopReading

    def _warning(self, offset: int, message: str, *, hint: str = "") -> None:
        if len(self.warnings) < MAX_FINDINGS:
            self.warnings.append(
                self.source.diagnostic(offset, message, code="yaml", severity=Severity.WARNING, hint=hint)
            )

    def _syntax_error(self, error: yaml.MarkedYAMLError) -> int:
        """Report what the parser could not read; return how far it got."""
        mark = error.problem_mark or error.context_mark
        self.errors.append(explain_syntax_error(self.source, self.base, error))
        if len(self.errors) >= MAX_FINDINGS:
            return len(self.source.text)
        return self.base + (mark.index if mark is not None else 0)

    # --- events to values ----------------------------------------------------------------------------------

    def _documents(self, parser: _EventSource) -> Iterator[Document]:
        get_event = parser.get_event
        while True:
            event = get_event()
            kind = type(event)
            if kind is DocumentStartEvent:
                self.anchors.clear()
                self.warnings = []
                version = event.version
                if version is not None and tuple(version) != (1, 1):
                    self._error(
                        self.base + event.start_mark.index,
                        f"YAML syntax: %YAML {version[0]}.{version[1]}: the API server reads YAML 1.1 only",
                        hint="remove the directive",
                    )
                value, place = self._node(get_event)
                yield Document(self.source, value, place, tuple(self.warnings))
            elif kind is StreamEndEvent:
                return

    def _node(self, get_event: Any) -> tuple[Any, Place]:
        """The root value of a document, up to its end event."""
        # The root hangs in a list of its own, so that there is always a frame to add to.
        root = _Frame([], [], 0, 0, 0)
        stack = self.stack = [root]
        while True:
            event = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(stack[-1], event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(event, [] if kind is SequenceStartEvent else {})
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close()
            elif kind is AliasEvent:
                self._alias(stack[-1], event)
            elif kind is DocumentEndEvent:
                return root.value[0], root.tree[0]

    def _count(self, nodes: int, chars: int, offset: int) -> None:
        self.nodes += nodes
        self.chars += chars
        if self.nodes > self.max_nodes or self.chars > self.max_text:
            what = (
                f"{self.max_nodes:,} values"
                if self.nodes > self.max_nodes
                else f"{self.max_text:,} characters"
            )
            self._error(offset, f"YAML: more than {what} when every alias is written out", code="too-large")
            raise _StopReading

    def _scalar(self, frame: _Frame, event: Any) -> None:
        text: str = event.value
        offset = self.base + event.start_mark.index
        self._count(1, len(text), offset)
        tag: str | None = event.tag if event.tag != "!" else None
        if len(text) > MAX_SCALAR:
            self._error(
                offset, f"YAML: a scalar of {len(text):,} characters; at most {MAX_SCALAR:,} are read"
            )
            text, tag = "", TAG_PREFIX + "str"
        raw: Scalar = text
        if tag is not None:
            name = tag.removeprefix(TAG_PREFIX)
            if name in SCALAR_TAGS:
                raw = self._resolve(text, offset, name)
            else:
                self._foreign_tag(tag, offset)
        elif event.implicit[0] and (not text or text[0] in SPECIAL_STARTS):
            raw = self._resolve(text, offset)
            if type(raw) is int and _OCTAL(text) and frame.key not in _FILE_MODES:
                self._warning(
                    offset,
                    f"YAML: {text} is octal and means {raw}",
                    hint=f'write {raw}, or "{text}" in quotes where a text is meant',
                )
        if frame.flow and "?" in text and event.implicit[0] and tag is None:
            self._error(
                offset,
                f'YAML: "?" in a text without quotes between brackets or braces: {_short(text)}',
                hint="put it in quotes; kubectl and the API server refuse it",
            )
        takes_key = type(frame.value) is dict and frame.key_offset < 0
        if takes_key:
            merge = text == "<<" and (event.implicit[0] or tag == TAG_PREFIX + "merge")
            self._key(frame, raw, offset, merge)
            if event.anchor is not None:
                self.anchors[event.anchor] = _Anchor(raw, offset, 1, len(text), 0, raw)
            return
        value = raw
        if type(raw) is float:
            try:
                value = to_json(raw)
            except ScalarError as error:
                self._error(offset, f"YAML: {error}")
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(value, offset, 1, len(text), 0, raw)
        self._add(frame, value, offset)

    def _resolve(self, text: str, offset: int, tag: str = "") -> Scalar:
        if not tag and text in self.known:
            return self.known[text]
        try:
            value = resolve_tagged(tag, text) if tag else resolve(text)
        except ScalarError as error:
            self._error(offset, f"YAML: {error}")
            return text[:MAX_NUMBER_CHARS]
        if not tag and len(text) < 100:
            self.known[text] = value
        return value

    def _foreign_tag(self, tag: str, offset: int) -> None:
        shown = "!!" + tag.removeprefix(TAG_PREFIX) if tag.startswith(TAG_PREFIX) else tag
        if tag.startswith("!") and "python" not in tag:
            self._warning(
                offset,
                f"YAML: tag {_short(shown)} means nothing to Kubernetes and is left out",
            )
        else:
            self._error(
                offset,
                f"YAML: tag {_short(shown)} is not allowed",
                hint="a manifest is plain data; remove the tag",
            )

    def _key(self, frame: _Frame, raw: Any, offset: int, merge: bool) -> None:
        """Take what was read as the key of the mapping's next entry."""
        frame.key_offset, frame.merge, frame.key = offset, merge, None
        if merge:
            return
        if isinstance(raw, dict | list):
            self._error(offset, "YAML: a mapping or a list cannot be a key")
            return
        try:
            key = raw if type(raw) is str else key_text(raw)
        except ScalarError as error:
            self._error(offset, f"YAML: {error}", hint="put it in quotes")
            return
        if type(raw) is bool:
            self._warning(
                offset,
                f'YAML: this key is a boolean and becomes "{key}"',
                hint="if a word is meant, quote it",
            )
        if frame.merged is not None and key in frame.merged:
            frame.merged.discard(key)
        elif key in frame.value:
            first, _ = self.source.position(frame.tree[key][0])
            self._error(
                offset,
                f'YAML: duplicate key "{_short(key)}" in {self._where(frame)}, first on line {first}',
                code="duplicate-key",
                hint="kubectl keeps the last one without a word; remove one of them",
            )
        frame.key = key

    def _where(self, frame: _Frame) -> str:
        """The path of an open frame, for messages."""
        path = ""
        for outer in self.stack[1:]:
            if outer is frame:
                break
            if type(outer.value) is list:
                path += f"[{len(outer.value)}]"
            else:
                path += ("." if path else "") + (outer.key or "<<")
        return _short(path) if path else "the document"

    def _add(self, frame: _Frame, value: Any, place: Place) -> None:
        """Put a value where the frame expects one."""
        if type(frame.value) is list:
            frame.value.append(value)
            frame.tree.append(place)
        elif frame.key_offset < 0:
            self._key(frame, value, place_offset(place), merge=False)
        else:
            if frame.merge:
                self._merge(frame, value, place)
            elif frame.key is not None:
                frame.value[frame.key] = value
                frame.tree[frame.key] = (frame.key_offset, place)
            frame.key_offset = -1

    def _merge(self, frame: _Frame, value: Any, place: Place) -> None:
        """`<<`: what is merged loses to keys written later, and wins over keys written before it.

        The latter is goyaml.v2's reading (`d.merge`), which kubectl and the API server share; YAML's own is
        that own keys always win, so there is a warning. Of a list of mappings, the earlier ones win.
        """
        maps = value if type(value) is list else [value]
        if not all(type(each) is dict for each in maps):
            self._error(frame.key_offset, "YAML: << takes a mapping or a list of mappings")
            return
        inner: Any = place[1] if isinstance(place, tuple) else {}
        trees = [each[1] for each in inner] if type(value) is list else [inner]
        arriving: dict[str, Any] = {}
        for each, tree in zip(reversed(maps), reversed(trees), strict=True):
            for key, item in each.items():
                arriving[key] = (item, tree[key])
        if frame.merged is None:
            frame.merged = set()
        hidden = [key for key in arriving if key in frame.value and key not in frame.merged]
        if hidden:
            self._warning(
                frame.key_offset,
                f'YAML: << replaces the value of "{_short(hidden[0])}" written before it',
                hint="kubectl lets the last one win; write << first if the mapping's own key is to count",
            )
        for key, (item, where) in arriving.items():
            frame.value[key] = item
            frame.tree[key] = where
        frame.merged |= arriving.keys()

    def _open(self, event: Any, value: Any) -> None:
        offset = self.base + event.start_mark.index
        self._count(1, 0, offset)
        if len(self.stack) > MAX_DEPTH:
            self._too_deep(offset)
        tag = event.tag
        if tag is not None and tag not in ("!", TAG_PREFIX + ("map" if type(value) is dict else "seq")):
            self._foreign_tag(tag, offset)
        tree: Any = {} if type(value) is dict else []
        frame = _Frame(value, tree, offset, self.nodes - 1, self.chars, flow=bool(event.flow_style))
        if event.anchor is not None:
            frame.anchor = _Anchor(value, (offset, frame.tree), -1, 0, 0)  # -1: still open
            self.anchors[event.anchor] = frame.anchor
        self.stack.append(frame)

    def _close(self) -> None:
        frame = self.stack.pop()
        outer = self.stack[-1]
        if frame.anchor is not None:
            frame.anchor.nodes = self.nodes - frame.nodes_before
            frame.anchor.chars = self.chars - frame.chars_before
            frame.anchor.height = frame.height
        if outer.height <= frame.height:
            outer.height = frame.height + 1
        self._add(outer, frame.value, (frame.offset, frame.tree))

    def _alias(self, frame: _Frame, event: Any) -> None:
        offset = self.base + event.start_mark.index
        anchor = self.anchors.get(event.anchor)
        if anchor is None or anchor.nodes < 0:
            problem = "is not defined above" if anchor is None else "stands inside what it refers to"
            self._error(offset, f"YAML: alias *{_short(event.anchor)} {problem}")
            anchor = _Anchor("", offset, 1, 0, 0, "")
        self._count(anchor.nodes, anchor.chars, offset)
        if len(self.stack) + anchor.height > MAX_DEPTH:
            self._too_deep(offset)
        frame.height = max(frame.height, anchor.height + 1)
        if type(frame.value) is dict and frame.key_offset < 0:
            container = isinstance(anchor.value, dict | list)
            self._key(frame, anchor.value if container else anchor.raw, offset, merge=False)
            return
        place = anchor.place
        self._add(frame, anchor.value, offset if isinstance(place, int) else (offset, place[1]))

    def _too_deep(self, offset: int) -> None:
        self._error(offset, f"YAML: nested deeper than {MAX_DEPTH} levels", code="too-large")
        raise _SkipDocument


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
