"""Findings about manifests as a document: `apiVersion: kubeinfer-sim/v1`, `kind: Findings`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from kubeinfer_sim.manifest.diagnostics import Diagnostic, format_path
from kubeinfer_sim.manifest.model import KubeInfer


def findings_json(kubeinfers: Iterable[KubeInfer], diagnostics: Iterable[Diagnostic]) -> str:
    """What was checked and what was found, in the order of the text; equal input gives equal bytes."""
    document = {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Findings",
        "kubeinfers": [
            {
                "namespace": each.namespace,
                "name": each.name,
                "source": each.source,
                "replicas": each.replicas,
                "revision": each.revision,
            }
            for each in kubeinfers
        ],
        "findings": [
            {
                "severity": each.severity.value,
                "code": each.code,
                "file": each.file,
                "line": each.line,
                "column": each.column,
                "path": format_path(each.path),
                "message": each.message,
                "hint": each.hint,
            }
            for each in diagnostics
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
