"""What was checked and what was found, as a document: `apiVersion: kubeinfer-sim/v1`, `kind: Findings`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from kubeinfer_sim.diagnostics import Diagnostic, format_path
from kubeinfer_sim.manifest.model import WorkloadSpec
from kubeinfer_sim.report.kinds import by_kind
from kubeinfer_sim.scenario.check import Checked


def findings_json(checked: Checked, diagnostics: Iterable[Diagnostic]) -> str:
    """The document, findings in the order of the text; equal input gives equal bytes."""
    configuration = {}
    if checked.configured is not None:
        facts = list(checked.configured.facts)
        configuration = {"configuration": {"file": checked.configured.file, "facts": facts}}
    document = {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Findings",
        **by_kind((each.kind, _summary(each)) for each in (*checked.kubeinfers, *checked.plain)),
        "files": [{"file": each.name, "kind": each.kind} for each in checked.files],
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
        **configuration,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _summary(workload: WorkloadSpec) -> dict[str, str | int]:
    return {
        "namespace": workload.namespace,
        "name": workload.name,
        "source": workload.source,
        "replicas": workload.replicas,
        "revision": workload.revision,
    }
