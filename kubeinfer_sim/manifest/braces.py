"""Holes, and expressions of templates, where YAML reads their braces as its own."""

from __future__ import annotations

import re

from kubeinfer_sim.manifest.source import SourceText

#: A hole of ours, or an expression of a template, whose braces YAML reads as its own.
_BRACES = re.compile(r"\$\{[^{}]*\}|\{\{.*?\}\}")


def braces_at(source: SourceText, offset: int) -> str:
    """What to do about a hole, or an expression of a template, whose braces stand where YAML reads its own."""
    line, column = source.position(offset)
    for match in _BRACES.finditer(source.line(line)):
        if not match.start() <= column - 1 < match.end():
            continue
        if match[0].startswith("{{"):
            return "this is a template: render it first, `helm template CHART | kubeinfer-sim validate -`"
        return f'between {{ and }} write "{match[0]}", in quotes, which makes it a text; alone on a line it needs none'
    return ""
