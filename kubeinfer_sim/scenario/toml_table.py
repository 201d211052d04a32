"""A table `[tool.name]` of a pyproject.toml, with the line of each key; the parser itself tells none."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document, Place
from kubeinfer_sim.manifest.source import SourceText

_PART = r"""(?:"[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"^[ \t]*\[[ \t]*({_KEY})[ \t]*\]", re.MULTILINE)
_ENTRY = re.compile(rf"^[ \t]*({_KEY})[ \t]*=[ \t]*", re.MULTILINE)
_WHERE = re.compile(r" \(at line ([0-9]+), column ([0-9]+)\)$")
_LONG_NUMBER = re.compile(r"[0-9_]{1000,}")


def read_table(source: SourceText, name: str) -> Document | None:
    """The table of a tool as a document; None where the file has none, or cannot be read and is not about that tool.

    Raises:
        InputError: it is about that tool and is no TOML, or the table is no table.
    """
    text = source.text
    try:
        whole = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number that Python reads no more
        if not any(_parts(match[1])[:2] == ("tool", name) for match in _HEADER.finditer(text)):
            return None
        raise InputError([_syntax(source, error)]) from None
    tool = whole.get("tool")
    value = tool.get(name) if isinstance(tool, dict) else None
    if value is None:
        return None
    offsets = dict(_offsets(text, ("tool", name)))
    begin = offsets.get((), (0, 0))[0]
    if not isinstance(value, dict):
        raise InputError([source.diagnostic(begin, f"tool.{name} is a table: [tool.{name}]")])
    return Document(source, value, _place(value, (), offsets, begin))


def _syntax(source: SourceText, error: ValueError) -> Diagnostic:
    where = _WHERE.search(str(error))
    if where is not None:
        lines = source.text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: int(where[1]) - 1]) + int(where[2]) - 1
        return source.diagnostic(min(offset, len(source.text)), f"TOML syntax: {_WHERE.sub('', str(error))}")
    number = _LONG_NUMBER.search(source.text)
    if number is None:
        return source.diagnostic(None, f"TOML syntax: {error}")
    return source.diagnostic(number.start(), f"TOML: a number of {len(number[0]):,} digits is too long")


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))


def _offsets(text: str, own: tuple[str, str]) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """For each key of the table, by its path there: where it begins, and where its value does."""
    headers = [(match.start(1), match.end(), _parts(match[1])) for match in _HEADER.finditer(text)]
    for place, (begin, end, table) in enumerate(headers):
        if table[:2] != own:
            continue
        yield table[2:], (begin, begin)
        until = headers[place + 1][0] if place + 1 < len(headers) else len(text)
        for match in _ENTRY.finditer(text, end, until):
            yield (*table[2:], *_parts(match[1])), (match.start(1), match.end())


def _place(
    value: Any, path: tuple[str, ...], offsets: dict[tuple[str, ...], tuple[int, int]], inherited: int
) -> Place:
    """Where a value stands, as far as is known; what stands inside another value stands where that does."""
    _, at = offsets.get(path, (inherited, inherited))
    if isinstance(value, dict):
        inner = {}
        for key, each in value.items():
            begin, _ = offsets.get((*path, key), (at, at))
            inner[key] = (begin, _place(each, (*path, key), offsets, at))
        return (at, inner)
    if isinstance(value, list):
        return (at, [_place(each, (*path, str(index)), offsets, at) for index, each in enumerate(value)])
    return at
