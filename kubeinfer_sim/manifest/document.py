"""A YAML document: plain data, and where in the text each part of it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Diagnostic, Path, Severity
from kubeinfer_sim.manifest.lookalikes import hint_on
from kubeinfer_sim.manifest.source import SourceText

#: Characters of a wrong value that are searched for look-alikes.
_LOOKED_AT = 200

#: Where a value stands: of a scalar its offset in the text; of a mapping or a list a pair of its offset and
#: the places of what it holds, by key as pairs (offset of the key, place of the value), by index as places.
#: Nothing but numbers and containers, so that keeping places costs little beside the parser.
Place = int | tuple[int, Any]


def place_offset(place: Place) -> int:
    """The offset in the text at which a value begins."""
    return place if isinstance(place, int) else place[0]


class Document(Struct, frozen=True, eq=False):
    """One YAML document.

    Attributes:
        value: the data: dict (text keys), list, str, int, float, bool, None. Read-only: aliases share parts.
        warnings: what is legal but will surprise.
        parts: what was put into it and stands elsewhere: at each path another document, and the path there; at () all
            of it was.
    """

    source: SourceText
    value: Any
    tree: Place
    warnings: tuple[Diagnostic, ...] = ()
    parts: Mapping[Path, tuple[Document, Path]] = field(default_factory=dict)

    def home(self, path: Path) -> tuple[Document, Path]:
        """The document in which the value at a path stands, and its path there."""
        for length in range(len(path), -1, -1) if self.parts else ():
            if path[:length] in self.parts:
                other, there = self.parts[path[:length]]
                return other.home((*there, *path[length:]))
        return self, path

    def offset(self, path: Path, *, key: bool = False) -> int:
        """Where in the text a value (or, with `key`, its key) begins.

        Of a path that is not there, the nearest ancestor's key is meant, or its list item.
        """
        position, key_offset = self.tree, None
        for depth, part in enumerate(path):
            inner = position[1] if isinstance(position, tuple) else None
            if isinstance(inner, dict) and part in inner:
                key_offset, position = inner[part]
            elif isinstance(inner, list) and isinstance(part, int) and 0 <= part < len(inner):
                key_offset, position = None, inner[part]
            elif depth and key_offset is not None:
                return int(key_offset)
            else:
                return place_offset(position)
        return int(key_offset) if key and key_offset is not None else place_offset(position)

    def position(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """1-based line and column of `offset`; 0 of a document that was not read from a text."""
        if not self.source.text:
            return 0, 0
        return self.source.position(self.offset(path, key=key))

    def diagnostic(
        self,
        path: Path,
        message: str,
        *,
        code: str = "invalid",
        severity: Severity = Severity.ERROR,
        hint: str = "",
        key: bool = False,
    ) -> Diagnostic:
        """A finding about the value at a path, or with `key` about its key, where it stands."""
        home, there = self.home(path)
        if home is not self:
            return home.diagnostic(there, message, code=code, severity=severity, hint=hint, key=key)
        if severity is Severity.ERROR:
            looks = hint_on(self._written(path, key=key))
            hint = hint if looks in hint else "; ".join(filter(None, (hint, looks)))
        line, column = self.position(path, key=key)
        text = self.source.line(line)
        return Diagnostic(self.source.name, line, column, message, path, severity, code, hint, text)

    def _written(self, path: Path, *, key: bool) -> str:
        """The key or the text at a path; "" where something else is there."""
        value: Any = self.value
        for part in path[:-1] if key else path:
            held = dict(enumerate(value)) if isinstance(value, list) else value
            value = held.get(part) if isinstance(held, dict) else None
        written = (path[-1] if path else None) if key else value
        return written[:_LOOKED_AT] if isinstance(written, str) else ""

    def within(self, path: Path, value: Any) -> Document:
        """The part at a path as a document of its own, holding `value` (an item of a `List`)."""
        place: Any = self.tree
        for part in path:
            inner = place[1]
            place = inner[part][1] if isinstance(inner, dict) else inner[part]
        return Document(self.source, value, place)
