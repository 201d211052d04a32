"""The objects in what kubectl prints: a List, a single object or several documents, as JSON or YAML.

Files of real clusters are large: of JSON only what is used is decoded, an object at a time, and where in the text
something stands is worked out only for what is wrong. What is odd in any way (no list, several documents, another type
than expected) is read by the standard library, whose errors say where they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.file_kinds import nothing_in, what_for
from kubeinfer_sim.manifest.source import SourceText, read_source
from kubeinfer_sim.manifest.yaml_tree import load_documents, read_documents
from kubeinfer_sim.scenario.forms import shown

#: Bytes of one file: `kubectl get pods -A -o json` of a cluster of 5,000 nodes is some hundred MB.
MAX_KUBECTL_BYTES = 1024 * 1024 * 1024
MOST_FINDINGS = 20

_KIND = re.compile(r"""(?:^|[{,\s])["']?kind["']?\s*:\s*["']?(\w+)""")
_KUBECTL_KINDS = frozenset({"List", "Node", "NodeList", "Pod", "PodList", "Event", "EventList"})
#: Python reads numbers of 4,300 digits; nothing in a cluster needs more than 20.
_LONG_NUMBER = re.compile(r"[\[:,\s]-?([0-9]{4301,})")
#: Of every so many characters one is looked at for them: two of so many digits are among those.
_STRIDE = 2_000
_TWO_DIGITS = re.compile(r"[0-9](?=[0-9])")
_BLANK = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_DECODER = json.JSONDecoder()
#: What to do with a table.
_AS_JSON = "of a table that kubectl prints nothing can be read: write it with -o json"
#: How kubectl writes the objects of each kind that are read.
_WRITTEN_BY = {
    "Node": "kubectl get nodes -o json",
    "Pod": "kubectl get pods -A -o json",
    "Event": "kubectl get events -A -o json",
}


#: Where the text of an object begins, and where it ends.
Extent = tuple[int, int]


class Item(Struct, frozen=True):
    """One object of a listing.

    Attributes:
        value: the object as decoded.
        path: where it stands in its document.
        extent: says where its text stands. Of YAML the document knows.
    """

    source: SourceText
    value: dict[str, Any]
    path: Path = ()
    extent: Callable[[], Extent] = lambda: (0, 0)
    document: Document | None = None

    @property
    def uid(self) -> str:
        """Its uid; its kind, namespace and name where none was listed, and where it stands where it has no name."""
        metadata = self.value.get("metadata")
        known = metadata if isinstance(metadata, dict) else {}
        if known.get("uid"):
            return str(known["uid"])
        where = (
            f"{known.get('namespace')}/{known['name']}"
            if known.get("name")
            else (self.source.name, self.path)
        )
        return f"{self.value.get('kind')}/{where}"

    def diagnostic(
        self,
        path: Path,
        message: str,
        *,
        severity: Severity = Severity.ERROR,
        hint: str = "",
        key: bool = False,
    ) -> Diagnostic:
        """A finding about the part of the object at a path, or with `key` about its key."""
        whole = (*self.path, *path)
        if self.document is not None:
            offset = self.document.offset(whole, key=key)
        else:
            # JSON is YAML: the one reader that keeps positions serves both.
            begin, end = self.extent()
            parts, _ = read_documents(SourceText(self.source.name, self.source.text[begin:end]))
            offset = begin + (parts[0].offset(path, key=key) if parts else 0)
        line, column = self.source.position(offset)
        text = self.source.line(line)
        return Diagnostic(
            self.source.name, line, column, message, whole, severity, hint=hint, text=text[:400]
        )


class Wrong(Struct):
    """What is wrong with the objects of a file: as many findings as people read, and how many more there are.

    A large file has one mistake many times, and each place in it costs time to find.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    more: int = 0

    def note(self, item: Item, path: Path, message: str, *, hint: str = "") -> None:
        """Note something wrong with an object."""
        if len(self.diagnostics) < MOST_FINDINGS:
            self.diagnostics.append(item.diagnostic(path, message, hint=hint))
        else:
            self.more += 1

    def raise_if_any(self, source: SourceText) -> None:
        """Raise InputError with everything noted, if anything was."""
        if self.more:
            self.diagnostics.append(source.diagnostic(None, f"{self.more:,} more errors in this file"))
        if self.diagnostics:
            raise InputError(self.diagnostics)


def read_listing_file(name: str) -> SourceText:
    """Read a file kubectl wrote, or standard input for `-`.

    Raises:
        InputError: it cannot be read, or is longer than `MAX_KUBECTL_BYTES`.
    """
    return read_source(name, MAX_KUBECTL_BYTES)


def is_from_kubectl(source: SourceText) -> bool:
    """Whether a text looks like something kubectl prints, by the first kind that it names."""
    match = _KIND.search(source.text, 0, 1_000_000)
    return match is not None and match[1] in _KUBECTL_KINDS


def items_of(source: SourceText, kind: str, used: type[Any] = dict) -> Iterator[Item]:
    """The objects of one kind, in the order of the text.

    Args:
        source: the text.
        kind: of all objects in it.
        used: a TypedDict of what is used of an object; of others than large lists in JSON the rest comes along.

    Raises:
        InputError: the text is neither JSON nor YAML, or holds other things than objects of this kind.
    """
    others: dict[str, list[Item]] = {}
    count = 0
    for item in _objects(source, kind, used):
        name = item.value.get("kind")
        if name == kind:
            count += 1
            yield item
        else:
            others.setdefault(name if isinstance(name, str) else "", []).append(item)
    if others:
        raise InputError([_other_kind(name, items, kind) for name, items in others.items()])
    if not count and kind == "Node":
        message = "holds no nodes"
        raise InputError([empty(source, message, kind)])


def mixed_items(source: SourceText, kinds: Sequence[str], expected: str = "") -> Iterator[Item]:
    """The objects of several kinds, as `kubectl get pods,events` writes them, in the order of the text; maybe none.

    `expected`: what others are said to stand in the place of; the first of the kinds, if not given.

    Raises:
        InputError: the text is neither JSON nor YAML, or holds objects of another kind.
    """
    for item in _objects(source, expected or kinds[0], dict):
        name = item.value.get("kind")
        if name not in kinds:
            raise InputError(
                [_other_kind(name if isinstance(name, str) else "", [item], expected or kinds[0])]
            )
        yield item


def empty(source: SourceText, message: str, kind: str) -> Diagnostic:
    """The error of a file without objects of a kind, with how kubectl writes it."""
    return source.diagnostic(None, message, code="empty", hint=f"write it with: {_WRITTEN_BY[kind]}")


def _other_kind(name: str, items: list[Item], kind: str) -> Diagnostic:
    wanted = _WRITTEN_BY[kind]
    meant = what_for(name, items[0].source.name)
    hint = f"{meant}; {kind}s are written by: {wanted}" if meant else f"{kind}s are written by: {wanted}"
    more = f", and {len(items) - 1:,} more" if len(items) > 1 else ""
    what = f"{_article(name)} {name}{more}" if name else f"an object without a kind{more}"
    return items[0].diagnostic(("kind",), f"expected {_article(kind)} {kind}, found {what}", hint=hint)


def _article(noun: str) -> str:
    return "an" if noun[:1] in "AEIOU" else "a"


def _objects(source: SourceText, kind: str, used: type[Any]) -> Iterator[Item]:
    if source.text.startswith("{", _skip(source.text, 0)):
        listing = _decoded(source)
        yield from _json_objects(source) if listing is None else _used_of(source, listing, used)
        return
    documents = load_documents(source)
    if not documents:
        raise InputError([empty(source, nothing_in(source), kind)])
    for document in documents:
        value = document.value
        if isinstance(value, dict) and isinstance(value.get("items"), list):
            kind = _item_kind(value)
            for place, each in enumerate(value["items"]):
                yield _item(Item(source, each, ("items", place), document=document), kind)
        else:
            yield _item(Item(source, value, document=document))


def _item_kind(listing: dict[str, Any]) -> str:
    """The kind of the items of a typed list (`NodeList`), which the API leaves out of the items themselves."""
    kind = listing.get("kind")
    return kind.removesuffix("List") if isinstance(kind, str) else ""


def _item(item: Item, kind: str = "") -> Item:
    if not isinstance(item.value, dict):
        raise InputError(
            [item.diagnostic((), f"expected an object, found {shown(item.value)}", hint=_AS_JSON)]
        )
    if kind:
        item.value.setdefault("kind", kind)
    return item


class _Listing(Struct):
    """A list as kubectl prints it, its items not yet decoded."""

    items: list[Raw]
    kind: str = ""


def _decoded(source: SourceText) -> _Listing | None:
    """The only document of a text, where that is a list and nothing in it is odd."""
    if _may_hold_a_long_number(source.text):  # of which msgspec takes what nobody reads
        return None
    try:
        return msgspec.json.decode(source.text, type=_Listing)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _may_hold_a_long_number(text: str) -> bool:
    looked_at = (match.start() * _STRIDE for match in _TWO_DIGITS.finditer(text[::_STRIDE]))
    return any(text[at : at + _STRIDE].isdigit() for at in looked_at)


def _used_of(source: SourceText, listing: _Listing, used: type[Any]) -> Iterator[Item]:
    """The objects of a list, of each as much as is used; all of one whose parts are of other types."""
    decoder = msgspec.json.Decoder(used)
    extents: list[Extent] = []
    kind = listing.kind.removesuffix("List")

    def extent(place: int) -> Extent:
        if not extents:
            text = source.text
            begins = _start_of_items(text, _skip(text, 0))
            assert begins is not None
            extents.extend((start, stop) for _, start, stop in _elements(text, begins[0]))
        return extents[place]

    for place, raw in enumerate(listing.items):
        try:
            value = decoder.decode(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            value = json.loads(bytes(raw))
        yield _item(Item(source, value, ("items", place), partial(extent, place)), kind)


def _json_objects(source: SourceText) -> Iterator[Item]:
    """The objects of one or several JSON documents, one after the other."""
    text = source.text
    at = _skip(text, 0)
    try:
        while at < len(text):
            listed = _start_of_items(text, at) if text[at] == "{" else None
            if listed is None:
                value, end = _DECODER.raw_decode(text, at)
                yield _item(Item(source, value, (), partial(_extent, at, end)))
            else:
                end, kind = listed
                for place, (value, start, stop) in enumerate(_elements(text, end)):
                    yield _item(Item(source, value, ("items", place), partial(_extent, start, stop)), kind)
                    end = stop
                end = _rest(text, end)
            at = _skip(text, end)
    except json.JSONDecodeError as error:
        message = f"JSON syntax: {error.msg[0].lower()}{error.msg[1:]}"
        hint = "the file ends too early: was it cut off?" if error.pos >= len(text.rstrip()) else ""
        raise InputError([source.diagnostic(min(error.pos, len(text)), message, hint=hint)]) from None
    except ValueError as error:  # a number longer than Python reads
        number = _LONG_NUMBER.search(text, at)
        where = None if number is None else number.start() + 1
        message = f"a number of {len(number[1]):,} digits is too long" if number else str(error)
        raise InputError([source.diagnostic(where, message)]) from None
    except RecursionError:
        raise InputError([source.diagnostic(None, "JSON is nested too deeply")]) from None


def _extent(begin: int, end: int) -> Extent:
    return begin, end


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    assert match is not None
    return match.end()


def _expect(text: str, at: int, mark: str) -> int:
    """Where what follows a delimiter begins."""
    at = _skip(text, at)
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(f"expected {mark!r}", text, at)
    return _skip(text, at + 1)


def _key(text: str, at: int) -> tuple[str, int]:
    """A key of an object, and where its value begins."""
    if text[at : at + 1] != '"':
        raise json.JSONDecodeError("expected a key in quotes", text, at)
    key, at = scanstring(text, at + 1)
    return key, _expect(text, at, ":")


def _start_of_items(text: str, begin: int) -> tuple[int, str] | None:
    """Of a list: where the array of its items begins, and their kind if a key before it tells.

    None for a single object.
    """
    kind = ""
    at = _expect(text, begin, "{")
    while text[at : at + 1] != "}":
        key, at = _key(text, at)
        if key == "items" and text[at : at + 1] == "[":
            return at, kind
        value, at = _DECODER.raw_decode(text, at)
        if key == "kind" and isinstance(value, str):
            kind = value.removesuffix("List")
        at = _skip(text, at)
        if text[at : at + 1] != "}":
            at = _expect(text, at, ",")
    return None


def _elements(text: str, begin: int) -> Iterator[tuple[Any, int, int]]:
    """The elements of an array: each value, where it begins, and where to go on behind it."""
    at = _skip(text, begin + 1)
    while text[at : at + 1] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield value, at, end
        comma = _COMMA.match(text, end)
        at = _skip(text, end) if comma is None else comma.end()
        if comma is None and text[at : at + 1] != "]":
            at = _expect(text, at, ",")


def _rest(text: str, at: int) -> int:
    """Behind the items of a list: where the list itself ends."""
    at = _skip(text, at)
    if text[at : at + 1] == "[":  # there were no items
        at = _skip(text, at + 1)
    at = _expect(text, at, "]")
    while text[at : at + 1] != "}":
        at = _expect(text, at, ",")
        _, at = _key(text, at)
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
    return at + 1
