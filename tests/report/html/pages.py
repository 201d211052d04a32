"""Pages as tests read them: what a browser's parser would make of them, without one."""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

#: In place of Plotly's five megabytes.
BUNDLE = "globalThis.Plotly = {};\n// the bundle"


@pytest.fixture(autouse=True)
def small_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plotly is there, and small."""
    package, offline = ModuleType("plotly"), ModuleType("plotly.offline")
    package.__spec__ = ModuleSpec("plotly", None)
    offline.get_plotlyjs = lambda: BUNDLE  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "plotly", package)
    monkeypatch.setitem(sys.modules, "plotly.offline", offline)


class Read(HTMLParser):
    """Elements with their attributes, scripts, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.figures: list[dict[str, Any]] = []
        self.text = ""
        self._within: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within.append((tag, dict(attrs).get("type")))

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        where = self._within[-1] if self._within else ("", None)
        if where == ("script", "application/json"):
            self.figures.append(json.loads(data))
        elif where[0] == "script":
            self.scripts.append(data)
        elif where[0] != "style":
            self.text += data

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}
