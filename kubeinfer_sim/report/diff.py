"""What a change of manifests does, as text and as a JSON document (`kind: Diff`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kubeinfer_sim.diagnostics import format_path, shown_value
from kubeinfer_sim.manifest.diff import Change, Diff, changed_place
from kubeinfer_sim.manifest.model import KubeInfer
from kubeinfer_sim.manifest.object_diff import Key, ObjectDiff
from kubeinfer_sim.manifest.refusals import Refusal
from kubeinfer_sim.manifest.wrapping import wrap
from kubeinfer_sim.report.kinds import by_kind


def diff_text(
    differences: Sequence[Diff],
    others: Sequence[ObjectDiff] = (),
    refused: Sequence[Refusal] = (),
    *,
    predicted: Sequence[str] = (),
    width: int = 80,
) -> str:
    """A paragraph for each object: what follows, then the changes by what they do.

    `others` are objects beside workloads that differ, `refused` those that the API server does not take;
    `predicted`: paragraphs of what becomes of it.
    """
    beside = (_object_paragraph(each, width) for each in others)
    rest = ("\n".join(_wrap(refusal_sentence(each), width)) for each in refused)
    return "\n\n".join((*(_paragraph(each, width) for each in differences), *beside, *rest, *predicted))


def refusal_sentence(refused: Refusal) -> str:
    """What becomes of an object that is no workload, in a line of text."""
    key = Key(refused.kind, refused.namespace, refused.name)
    return f"{key}: refused, nothing changes: {refused.words}"


def diff_json(
    differences: Sequence[Diff],
    others: Sequence[ObjectDiff] = (),
    refused: Sequence[Refusal] = (),
    prediction: Mapping[str, Any] | None = None,
) -> str:
    """The document described in docs/validate.md."""
    document = {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Diff",
        **by_kind((each.object.kind, _document(each)) for each in differences),
        "objects": [
            {**each.key._asdict(), "summary": each.summary, "changes": _change_documents(each.changes)}
            for each in others
        ],
        "refused": [
            *(each.refused for each in differences if each.refused),
            *(each.words for each in refused),
        ],
        **({} if prediction is None else {"prediction": prediction}),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _document(difference: Diff) -> dict[str, Any]:
    return {
        "namespace": difference.object.namespace,
        "name": difference.object.name,
        "rollout": difference.rollout,
        "revision": {
            "old": difference.old.revision if difference.old is not None else None,
            "new": difference.new.revision if difference.new is not None else None,
        },
        "summary": difference.summary(),
        "changes": _change_documents(difference.changes),
    }


def _change_documents(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [
        {
            "path": format_path(change.path),
            "old": change.old,
            "new": change.new,
            "effect": change.effect.value,
            "explanation": change.words,
        }
        for change in changes
    ]


def _paragraph(difference: Diff, width: int) -> str:
    kind = "" if isinstance(difference.object, KubeInfer) else f"{difference.object.kind} "
    lines = _wrap(
        f"{kind}{difference.object.namespace}/{difference.object.name}: {difference.summary()}", width
    )
    heading = ""
    for each in difference.by_effect:
        if each.words != heading:
            heading = each.words
            lines += _wrap(f"  {heading}:", width)
        lines += _change_lines(each, changed_place(each, difference), width)
    return "\n".join(lines)


def _object_paragraph(difference: ObjectDiff, width: int) -> str:
    lines = _wrap(f"{difference.key}: {difference.summary}", width)
    for each in difference.changes:
        lines += _change_lines(each, format_path(each.path), width)
    return "\n".join(lines)


def _change_lines(change: Change, place: str, width: int) -> list[str]:
    old, new = shown_value(change.old), shown_value(change.new)
    if len(f"    {place}: {old} → {new}") <= width:
        return [f"    {place}: {old} → {new}"]
    if len(f"      {old} → {new}") <= width:
        return [f"    {place}:", f"      {old} → {new}"]
    return [f"    {place}:", f"      {old}", f"    → {new}"]  # one above the other, to be compared


def _wrap(text: str, width: int) -> list[str]:
    """A sentence in lines; the following ones are indented by two more columns than the first."""
    indent = text[: len(text) - len(text.lstrip())]
    return wrap(text, width, later=f"{indent}  ")
