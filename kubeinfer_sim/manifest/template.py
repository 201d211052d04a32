"""Holes `${name}` in a manifest, filled after parsing, so that no value can break indentation or quoting.

What is a hole:

- a value that is nothing but `${name}`, wherever it stands;
- `${name}` inside a longer text, where Kubernetes would take the text as it is (`image: repo/x:${tag}`);
- `${name}` anywhere, when a value for that name is given.

What is not: `${name}` inside a longer text of `command`, `args`, an environment variable or an annotation,
which is for a shell to expand; `$(NAME)`, which is for the kubelet; `$${name}`, which is escaped.

A hole that is a whole unquoted value takes what is given for it as YAML: a list `["/bin/sh", "-c", "x"]`, a
mapping, a number. In quotes, and inside a longer text, it takes the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError, UsageError
from kubeinfer_sim.manifest.checker import MAX_FINDINGS
from kubeinfer_sim.manifest.document import Document, Place, place_offset
from kubeinfer_sim.manifest.scalars import ScalarError, resolve, to_json
from kubeinfer_sim.manifest.source import MAX_SOURCE_BYTES, SourceText, read_source
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.manifest.yaml_tree import load_documents

#: What fills the holes: text as given on the command line, or data as written in a scenario file.
Values = Mapping[str, Any]

#: How a hole that is left open is filled from the command line.
FILL = "fill each with --set NAME=VALUE or --set-file NAME=FILE"

_HOLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SHELL_FIELDS = frozenset({"command", "args", "env", "annotations"})
_LIST_FIELDS = frozenset({"command", "args"})
#: Characters filled into the holes of one document at most.
MAX_FILLED = MAX_SOURCE_BYTES


class Filled(Struct):
    """A document with its holes filled.

    Attributes:
        names: the names of all holes, open or filled.
        open_paths: where holes are left open; what stands there is not worth checking.
    """

    document: Document
    names: set[str] = field(default_factory=set)
    open_paths: list[Path] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)


def parse_settings(
    settings: Iterable[str], files: Iterable[str] = (), *, option: str = "--set"
) -> dict[str, str]:
    """The values of `--set name=value` and `--set-file name=path`; one line break at a file's end is dropped.

    `option` is what messages call the first.

    Raises:
        UsageError: no `=`, a name that cannot be a hole's, a name given twice.
        InputError: a file that cannot be read.
    """
    values: dict[str, str] = {}
    for flag, given in ((option, settings), ("--set-file", files)):
        for each in given:
            name, equals, value = each.partition("=")
            if not equals:
                raise UsageError(f"{flag} {each}: expected NAME=VALUE")
            if not _HOLE.fullmatch(f"${{{name}}}"):
                raise UsageError(f"{flag} {each}: {name!r} is not the name of a hole such as ${{image_name}}")
            if name in values:
                raise UsageError(f"{flag} {each}: {name} is given twice")
            if flag == "--set-file":
                value = read_source(value).text
                value = value.removesuffix("\n").removesuffix("\r")
            values[name] = value
    return values


def fill(document: Document, values: Values) -> Filled:
    """Fill the holes of a document and find those that are left open."""
    if not document.source.may_have_holes:
        return Filled(document)
    filler = _Filler(document, values)
    value, tree = filler.walk(document.value, document.tree, (), shell=False)
    result = filler.result
    if value is not document.value or tree is not document.tree:
        result.document = replace(document, value=value, tree=tree)
    if filler.open:
        first, *others = filler.open_findings
        result.findings += [replace(first, hint=_hint(filler.open)), *others]
    return result


def unknown_values(values: Iterable[str], names: set[str], *, option: str = "--set") -> list[Diagnostic]:
    """A finding for each name of a value that no hole asks for; `option` gave it."""
    return [
        Diagnostic(
            f"{option} {name}",
            0,
            0,
            f"there is no hole ${{{name}}}{did_you_mean(name, names)}",
            code="unknown-value",
            hint=f"holes: {', '.join(sorted(names))}" if names else "the manifest has no holes",
        )
        for name in values
        if name not in names
    ]


def _hint(holes: Mapping[str, list[int]]) -> str:
    """How to fill the holes that are open, from the lines of each."""
    shown = [f"{name} ({_lines(lines)})" for name, lines in holes.items()]
    return f"open holes: {', '.join(shown)}; {FILL}"


def _lines(found: list[int]) -> str:
    lines = sorted(set(found))  # an alias repeats a line
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"


def holes_of(text: str) -> list[str]:
    """The names of the holes in a line of a manifest, in their order."""
    return list(dict.fromkeys(_HOLE.findall(text)))


class _Filler:
    """Walks one document; unchanged parts are handed back as they are."""

    def __init__(self, document: Document, values: Values) -> None:
        self.document = document
        self.values = values
        self.result = Filled(document)
        self.filled = 0
        self.parsed: dict[str, Any] = {}
        self.broken: set[str] = set()
        self.open: dict[str, list[int]] = {}
        self.open_findings: list[Diagnostic] = []

    def walk(self, value: Any, tree: Place, path: Path, shell: bool) -> tuple[Any, Place]:
        """The value and its places with holes filled; `shell` below fields whose text a shell may expand."""
        if type(value) is str:
            return (self._text(value, place_offset(tree), path, shell) if "${" in value else value), tree
        if type(value) is dict:
            places: Any = tree[1]  # type: ignore[index]
            pairs: dict[str, Any] = {}
            inner: dict[str, Any] = {}
            changed = False
            for key, each in value.items():
                key_offset, place = places[key]
                new_key = self._key(key, path) if "${" in key else key
                new, new_place = self.walk(each, place, (*path, key), shell or key in _SHELL_FIELDS)
                changed = changed or new is not each or new_key is not key or new_place is not place
                pairs[new_key] = new
                inner[new_key] = (key_offset, new_place)
            return (pairs, (place_offset(tree), inner)) if changed else (value, tree)
        if type(value) is list:
            places = tree[1]  # type: ignore[index]
            results = [
                self.walk(each, place, (*path, index), shell)
                for index, (each, place) in enumerate(zip(value, places, strict=True))
            ]
            if any(new is not each for (new, _), each in zip(results, value, strict=True)):
                return [new for new, _ in results], (place_offset(tree), [place for _, place in results])
        return value, tree

    def _text(self, text: str, offset: int, path: Path, shell: bool) -> Any:
        whole = _HOLE.fullmatch(text.strip())
        if whole is not None:
            name = whole[1]
            self.result.names.add(name)
            if name not in self.values:
                self._open(name, path, whole=True)
                return text
            quoted = self.document.source.text[offset : offset + 1] in ("'", '"', "|", ">")
            value = self.values[name]
            self._count(len(value) if isinstance(value, str) else 1, path)
            if quoted:
                return value if isinstance(value, str) else self._as_text(name)
            return self._as_data(name)
        for name in _HOLE.findall(text):
            if name in self.values or not shell:
                self.result.names.add(name)
            if name not in self.values and not shell:
                self._open(name, path, whole=False)
        return _HOLE.sub(lambda match: self._inside(match, path), text)

    def _key(self, key: str, path: Path) -> str:
        for name in _HOLE.findall(key):
            self.result.names.add(name)
            if name not in self.values:
                self._open(name, (*path, key), whole=False)
        return _HOLE.sub(lambda match: self._inside(match, path), key)

    def _inside(self, match: re.Match[str], path: Path) -> str:
        if match[1] not in self.values:
            return match[0]
        text = self._as_text(match[1])
        self._count(len(text), path)
        return text

    def _as_text(self, name: str) -> str:
        value = self.values[name]
        if isinstance(value, dict | list):
            self._broken(name, f"the value of {name} is a {_kind(value)}, which cannot stand inside a text")
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)

    def _as_data(self, name: str) -> Any:
        if name not in self.parsed:
            value = self.values[name]
            self.parsed[name] = self._parse(name, value) if isinstance(value, str) else value
        return self.parsed[name]

    def _parse(self, name: str, text: str) -> Any:
        """What an unquoted hole takes: the text read as YAML, where a plain text may hold anything."""
        start = text.lstrip()
        if not start.startswith(("[", "{", '"', "'", "- ")):
            try:
                return to_json(resolve(text.strip())) if "\n" not in start else text
            except ScalarError as error:
                self._broken(name, f"the value of {name}: {error}")
                return ""
        try:
            documents = load_documents(SourceText(f"--set {name}", text))
        except InputError as error:
            self.result.findings += [
                replace(each, hint='as text: put the hole in quotes, "${' + name + '}"')
                for each in error.diagnostics
            ]
            return ""
        if len(documents) != 1:
            self._broken(name, f"the value of {name} holds {len(documents)} YAML documents")
            return ""
        return documents[0].value

    def _broken(self, name: str, message: str) -> None:
        if name not in self.broken:
            self.broken.add(name)
            self.result.findings.append(Diagnostic(f"--set {name}", 0, 0, message, code="template"))

    def _open(self, name: str, path: Path, *, whole: bool) -> None:
        if len(self.result.open_paths) >= MAX_FINDINGS:
            return
        expected = "a list of strings" if whole and path and path[-1] in _LIST_FIELDS else "a value"
        message = f'expected {expected}, got the unexpanded placeholder string "${{{name}}}"'
        diagnostic = self.document.diagnostic(path, message, code="open-hole")
        self.open.setdefault(name, []).append(diagnostic.line)
        self.result.open_paths.append(path)
        self.open_findings.append(diagnostic)

    def _count(self, characters: int, path: Path) -> None:
        self.filled += characters
        if self.filled > MAX_FILLED:
            raise InputError(
                [self.document.diagnostic(path, f"more than {MAX_FILLED:,} characters filled into holes")]
            )


def _kind(value: Any) -> str:
    return "mapping" if isinstance(value, dict) else "list"
