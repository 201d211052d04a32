"""Comments that switch rules off: `# kubeinfer-sim: disable=KI007` on a line, above it, or at the file's top.

At the top means before the first line that is no comment, blank line, directive or document start; there it
holds for the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from kubeinfer_sim.diagnostics import Diagnostic, Severity
from kubeinfer_sim.manifest.checker import shown
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.suggest import did_you_mean

_COMMENT = r"(?:^|(?<=\s))#\s*kubeinfer-sim:\s*disable\s*=\s*([^#\n\r]*)"
_PREAMBLE = r"\s*(#.*|---\s*(#.*)?|%.*)?"
UNKNOWN = "KI000"


class Suppressions(Struct):
    """Which rules are off in one source.

    Attributes:
        everywhere: off in the whole source.
        lines: off on a line, by its 1-based number.
        findings: what is wrong with the comments themselves.
    """

    everywhere: set[str] = field(default_factory=set)
    lines: dict[int, set[str]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)

    def off(self, code: str, line: int) -> bool:
        """Whether a rule is off on a line."""
        return code in self.everywhere or code in self.lines.get(line, ())


def read_suppressions(source: SourceText, known: Mapping[str, object]) -> Suppressions:
    """Read the comments of a source; codes that are not `known` are reported."""
    suppressions = Suppressions()
    if "kubeinfer-sim:" not in source.text:
        return suppressions
    head = True
    for number, line in enumerate(re.split(r"\r\n|\n|\r", source.text), 1):
        head = head and re.fullmatch(_PREAMBLE, line) is not None
        match = re.search(_COMMENT, line)
        if match is None:
            continue
        codes = set()
        for code, column in _codes(match):
            if code in known:
                codes.add(code)
            else:
                suppressions.findings.append(_unknown(source, number, column, code, known))
        if head:
            suppressions.everywhere |= codes
        alone = line.lstrip().startswith("#")
        suppressions.lines.setdefault(number + 1 if alone else number, set()).update(codes)
    return suppressions


def _codes(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    for each in re.finditer(r"[^\s,]+", match[1].split(" -- ")[0]):
        yield each.group(), match.start(1) + each.start() + 1


def _unknown(
    source: SourceText, line: int, column: int, code: str, known: Mapping[str, object]
) -> Diagnostic:
    message = f"there is no rule {shown(code)}{did_you_mean(code, known)}"
    hint = "`kubeinfer-sim explain` lists the rules; a reason may follow after ` -- `"
    return Diagnostic(
        source.name, line, column, message, (), Severity.WARNING, UNKNOWN, hint, source.line(line)
    )
