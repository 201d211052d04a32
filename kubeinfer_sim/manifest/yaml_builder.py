"""Values and their places from the events of a YAML parser, as the API server would build them.

Source: sigs.k8s.io/yaml, i.e. goyaml.v2 and then JSON: YAML 1.1 scalars (`scalars.py`), keys as text, anchors and
merge keys honoured. Nothing is ever built from a tag but text, numbers, booleans and null: reading cannot run
code. Stricter than the API server in two places: duplicate keys are errors, tags that ask for objects of a
programming language are errors. The bounds stand here; `yaml_tree.py` says what they are for.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.document import Place, place_offset
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

MAX_DEPTH = 100
MAX_NODES = 400_000
MAX_TEXT = MAX_SOURCE_BYTES
MAX_SCALAR = 1024 * 1024
MAX_FINDINGS = 200

TOO_DEEP = f"YAML: nested deeper than {MAX_DEPTH} levels"

_OCTAL = re.compile(r"[-+]?0[0-7_]+").fullmatch
#: Fields that are written in octal by custom.
_FILE_MODES = ("mode", "defaultMode")


class StopReading(Exception):
    """A bound is passed, or there are too many findings."""


class SkipDocument(Exception):
    """The rest of this document cannot be read."""


class _Anchor(Struct):
    """What an alias stands for, and what it adds to the bounds."""

    value: Any
    place: Place
    nodes: int
    chars: int
    height: int
    raw: Scalar = None  # a scalar before it became JSON: as a key, `1e6` and `1000000` differ


class _Frame(Struct):
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


class Builder:
    """Builds the documents of one source; the bounds hold for all of them together.

    Attributes:
        base: offset in the source of what the parser reads now, from which its marks count.
        errors: of all documents so far.
        errors_at: offset of the latest error.
        warnings: of the document being built.
    """

    def __init__(self, source: SourceText) -> None:
        self.source = source
        share = source.limit / MAX_SOURCE_BYTES
        self.max_nodes, self.max_text = int(MAX_NODES * share), int(MAX_TEXT * share)
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.base = 0
        self.errors_at = 0
        self.nodes = 0
        self.chars = 0
        self.anchors: dict[str, _Anchor | None] = {}
        self.stack: list[_Frame] = []
        self.known: dict[str, Scalar] = {}

    def begin(self) -> None:
        """A document begins: it knows no anchors of the one before."""
        self.anchors.clear()
        self.warnings = []

    def error(self, offset: int, message: str, *, code: str = "yaml", hint: str = "") -> None:
        """Report an error at an offset of the source; beyond `MAX_FINDINGS` reading stops."""
        self.errors_at = offset
        self.errors.append(self.source.diagnostic(offset, message, code=code, hint=hint))
        if len(self.errors) >= MAX_FINDINGS:
            raise StopReading

    def _warning(self, offset: int, message: str, *, hint: str = "") -> None:
        if len(self.warnings) < MAX_FINDINGS:
            self.warnings.append(
                self.source.diagnostic(offset, message, code="yaml", severity=Severity.WARNING, hint=hint)
            )

    def node(self, get_event: Any) -> tuple[Any, Place]:
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
            self.error(offset, f"YAML: more than {what} when every alias is written out", code="too-large")
            raise StopReading

    def _scalar(self, frame: _Frame, event: Any) -> None:
        text: str = event.value
        offset = self.base + event.start_mark.index
        self._count(1, len(text), offset)
        tag: str | None = event.tag if event.tag != "!" else None
        if len(text) > MAX_SCALAR:
            self.error(offset, f"YAML: a scalar of {len(text):,} characters; at most {MAX_SCALAR:,} are read")
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
            self.error(
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
                self.error(offset, f"YAML: {error}")
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(value, offset, 1, len(text), 0, raw)
        self._add(frame, value, offset)

    def _resolve(self, text: str, offset: int, tag: str = "") -> Scalar:
        if not tag and text in self.known:
            return self.known[text]
        try:
            value = resolve_tagged(tag, text) if tag else resolve(text)
        except ScalarError as error:
            self.error(offset, f"YAML: {error}")
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
            self.error(
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
            from kubeinfer_sim.manifest.braces import braces_at

            self.error(
                offset, "YAML: a mapping or a list cannot be a key", hint=braces_at(self.source, offset)
            )
            return
        try:
            key = raw if type(raw) is str else key_text(raw)
        except ScalarError as error:
            self.error(offset, f"YAML: {error}", hint="put it in quotes")
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
            self.error(
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
            self.error(frame.key_offset, "YAML: << takes a mapping or a list of mappings")
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
            self.error(offset, f"YAML: alias *{_short(event.anchor)} {problem}")
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
        self.error(offset, TOO_DEEP, code="too-large")
        raise SkipDocument


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
