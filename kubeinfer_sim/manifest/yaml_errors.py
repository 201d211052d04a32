"""What PyYAML's scanner and parser could not read, in words that say what would be right."""

from __future__ import annotations

import re

import yaml

from kubeinfer_sim.diagnostics import Diagnostic
from kubeinfer_sim.manifest.lookalikes import hint_on
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.yaml_builder import TOO_DEEP

#: What is no structure: comments, and texts in quotes.
_NOT_STRUCTURE = r"""(?:^|\s)#.*|"[^"]*"|'[^']*'"""


def explain_syntax_error(source: SourceText, base: int, error: yaml.MarkedYAMLError) -> Diagnostic:
    """The finding for an error of the parser, whose marks count from the offset `base` of the source.

    libyaml and the pure Python parser word the same problem differently; both wordings are known here.
    """
    mark = error.problem_mark or error.context_mark
    offset = min(base + (mark.index if mark is not None else 0), len(source.text))
    line_number, column = source.position(offset)
    line = source.line(line_number)
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation and column <= len(indentation) + 1:
        return source.diagnostic(
            offset - column + 1 + indentation.index("\t"),
            "YAML syntax: tab character used for indentation",
            hint="YAML is indented with spaces only; replace each tab by spaces",
        )
    problem = error.problem or error.context or "cannot be read"
    if "maximum nesting" in problem:
        # Some builds of libyaml give up at 1,000 levels, and their scanner may be there before the builder sees any.
        return source.diagnostic(offset, TOO_DEEP, code="too-large")
    context = error.context_mark
    hint = ""
    if problem.startswith("could not find expected ':'") and context is not None:
        offset = base + context.index
        problem = 'expected "key: value", found no colon followed by a space'
    elif problem.startswith("mapping values are not allowed"):
        problem = '": " is not allowed here'
        hint = "is this line indented too far, or does the text hold a colon and need quotes?"
    elif problem.startswith(("did not find expected key", "expected <block end>")):
        problem = "expected a key, a list item or the end of the block here"
        hint = "is this line indented differently from those before it, or is a quote open above?"
    elif problem == "did not find expected '-' indicator":
        problem = 'expected a list item ("- ") here'
        hint = "is this line indented like the list above it, without being an item of it?"
    elif "cannot start any token" in problem and offset < len(source.text):
        problem = f"{source.text[offset]!r} cannot begin a value"
        hint = "put the value in quotes"
    from kubeinfer_sim.manifest.braces import braces_at

    hint = braces_at(source, offset) or hint
    looks = _lookalikes(source, error, base, source.position(offset)[0])
    if looks:
        hint = looks
    if error.context and context is not None:
        began, _ = source.position(base + context.index)
        if began != source.position(offset)[0]:
            problem += f" ({error.context}, which began on line {began})"
    return source.diagnostic(offset, f"YAML syntax: {problem}", hint=hint)


def _lookalikes(source: SourceText, error: yaml.MarkedYAMLError, base: int, line: int) -> str:
    """What to say of full-width punctuation where the error is told, or on the lines that led to it."""
    marks = [mark for mark in (error.context_mark, error.problem_mark) if mark is not None]
    lines = [line, line - 1, *(source.position(base + mark.index)[0] for mark in marks)]
    for number in range(max(lines), max(min(lines), max(lines) - 20) - 1, -1):
        hint = hint_on(re.sub(_NOT_STRUCTURE, "", source.line(number)))
        if hint:
            return hint if number == line else f"on line {number}, {hint}"
    return ""
