"""Findings as SARIF 2.1.0, for GitHub code scanning, GitLab, editors and whatever else reads it.

Format: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, errata 01.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from kubeinfer_sim._version import __version__
from kubeinfer_sim.diagnostics import Diagnostic, format_path
from kubeinfer_sim.manifest.lint.catalogue import RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: What standard input is called, which has no URI.
STDIN = "stdin"


def sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """One run with a result for each finding, and the rules behind them; equal input gives equal bytes."""
    codes = sorted({each.code for each in diagnostics})
    places = {code: index for index, code in enumerate(codes)}
    seen: Counter[str] = Counter()
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kubeinfer-sim",
                        "semanticVersion": __version__,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, places[each.code], seen) for each in diagnostics],
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, Any]:
    rule = RULES.get(code)
    if rule is None:
        return {"id": code, "shortDescription": {"text": f"A manifest is refused or read oddly ({code})."}}
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": f"{rule.summary[0].upper()}{rule.summary[1:]}."},
        "fullDescription": {"text": rule.reason},
        "help": {"text": f"{rule.reason}\n\n{rule.right}", "markdown": f"{rule.reason}\n\n**{rule.right}**"},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(diagnostic: Diagnostic, rule: int, seen: Counter[str]) -> dict[str, Any]:
    text = diagnostic.sentence + (f" ({diagnostic.hint})" if diagnostic.hint else "")
    place: dict[str, Any] = {"artifactLocation": {"uri": uri_of(diagnostic.file)}}
    if diagnostic.line:
        place["region"] = {
            "startLine": diagnostic.line,
            **({"startColumn": diagnostic.column} if diagnostic.column else {}),
        }
    location: dict[str, Any] = {"physicalLocation": place}
    if diagnostic.path:
        location["logicalLocations"] = [{"fullyQualifiedName": format_path(diagnostic.path)}]
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity.value,
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"kubeinferSimFinding/v1": _fingerprint(diagnostic, seen)},
    }


def _fingerprint(diagnostic: Diagnostic, seen: Counter[str]) -> str:
    """What stays the same when lines above are added: file, code and path, and which of several alike it is."""
    key = "\n".join((diagnostic.file, diagnostic.code, format_path(diagnostic.path)))
    seen[key] += 1
    return hashlib.sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:32]


def uri_of(file: str) -> str:
    """A file's name as a URI reference: relative ones stay relative, to the repository if that is the folder."""
    if file == "-":
        return STDIN
    path = PurePath(file)
    if path.is_absolute():
        return Path(file).as_uri()
    return quote(path.as_posix(), safe="/")
