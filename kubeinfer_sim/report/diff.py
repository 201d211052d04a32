"""What a change of manifests does, as text and as a JSON document (`kind: Diff`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kubeinfer_sim.manifest.diagnostics import format_path
from kubeinfer_sim.manifest.diff import Diff, changed_place

_LONGEST_VALUE = 100


def diff_text(found: Sequence[Diff]) -> str:
    """A paragraph for each KubeInfer: what follows, then the changes by what they do."""
    return "\n\n".join(map(_paragraph, found))


def diff_json(found: Sequence[Diff]) -> str:
    """The document described in docs/validate.md."""
    document = {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Diff",
        "kubeinfers": [
            {
                "namespace": each.kubeinfer.namespace,
                "name": each.kubeinfer.name,
                "rollout": each.rollout,
                "revision": {
                    "old": each.old.revision if each.old is not None else None,
                    "new": each.new.revision if each.new is not None else None,
                },
                "summary": each.summary(),
                "changes": [
                    {
                        "path": format_path(change.path),
                        "old": change.old,
                        "new": change.new,
                        "effect": change.effect.value,
                        "explanation": change.words,
                    }
                    for change in each.changes
                ],
            }
            for each in found
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _paragraph(found: Diff) -> str:
    lines = [f"{found.kubeinfer.namespace}/{found.kubeinfer.name}: {found.summary()}"]
    heading = ""
    for each in found.by_effect:
        if each.words != heading:
            heading = each.words
            lines.append(f"  {heading}:")
        lines.append(f"    {changed_place(each, found)}: {_value(each.old)} → {_value(each.new)}")
    return "\n".join(lines)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
