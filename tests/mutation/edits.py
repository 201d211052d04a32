"""A change of the source of one module: where, what stands there, and what is to stand there instead."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


class TextIsGone(Exception):
    """An edit asks for a text that its module does not have, or has more than once."""


@dataclass(frozen=True)
class Edit:
    """What stands in the bytes `start` to `end` of a file of the package becomes `new`.

    Offsets are of bytes, as those of `ast` are.
    """

    path: str  # from the root of the repository
    start: int
    end: int
    new: str

    @property
    def file(self) -> Path:
        return ROOT / self.path

    def source(self) -> bytes:
        return _read(self.path)

    def old(self) -> str:
        return self.source()[self.start : self.end].decode()

    def made(self) -> bytes:
        """The source with the change; lines below it keep their numbers."""
        source = self.source()
        lost = source[self.start : self.end].count(b"\n") - self.new.count("\n")
        end_of_line = source.find(b"\n", self.end)
        rest = source[self.end : end_of_line] + b"\n" * max(lost, 0) + source[end_of_line:]
        return source[: self.start] + self.new.encode() + rest

    @property
    def line(self) -> int:
        return self.source()[: self.start].count(b"\n") + 1

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def text(self) -> str:
        """The line before and after, for people."""
        source = self.source()
        first = source.rfind(b"\n", 0, self.start) + 1
        last = source.find(b"\n", self.end)
        before = source[first:last].decode()
        after = source[first : self.start].decode() + self.new + source[self.end : last].decode()
        return f"- {_flat(before)}\n+ {_flat(after)}"


def named(path: str, old: str, new: str) -> Edit:
    """The edit of a text that stands in a module once.

    Raises:
        TextIsGone: it does not, since the code has changed: the edit is to be written anew.
    """
    source = (ROOT / path).read_text(encoding="utf-8")
    if (times := source.count(old)) != 1:
        raise TextIsGone(f"{path}: what is to be changed stands there {times} times, not once:\n{old}")
    start = len(source[: source.index(old)].encode())
    edit = Edit(path, start, start + len(old.encode()), new)
    ast.parse(edit.made())
    return edit


@cache
def _read(path: str) -> bytes:
    return (ROOT / path).read_bytes()


def _flat(text: str) -> str:
    return " ".join(text.split())
