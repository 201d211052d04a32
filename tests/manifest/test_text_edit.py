"""Values are changed where they stand: nothing else of the text is touched, or nothing is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.text_edit import Edit, edited, json_patch, unified_diff
from kubeinfer_sim.manifest.yaml_tree import load_documents

#: The text, what is to be at which path, and the text after it; None where it cannot be said so.
EDITS: dict[str, tuple[str, Path, Any, str | None]] = {
    "a value, its comment kept": ("a:\n  b: 1  # one\n", ("a", "b"), 2, "a:\n  b: 2  # one\n"),
    "in quotes": ('a: {b: "true"}\n', ("a", "b"), "false", 'a: {b: "false"}\n'),
    "a percentage": ("a: 20%\n", ("a",), "25%", "a: 25%\n"),
    "what would be read as a boolean": ("a: x\n", ("a",), "y", 'a: "y"\n'),
    "a field that is missing": ("a:\n  # of b\n  b: 1\n", ("a", "c"), 2, "a:\n  # of b\n  c: 2\n  b: 1\n"),
    "of a list's item": ("a:\n- b: 1\n  c: 2\n", ("a", 0, "d"), "Pod", "a:\n- d: Pod\n  b: 1\n  c: 2\n"),
    "in brackets": ("a: {b: 1}\n", ("a", "c"), 2, "a: {c: 2, b: 1}\n"),
    "with all that is around it": ("a: 1\n", ("b", "c"), 2, "b: {c: 2}\na: 1\n"),
    "into null": ("a:\n  b:\nc: 1\n", ("a", "b", "d"), 1, None),
    "into nothing": ("a: {}\n", ("a", "b"), 1, "a: {b: 1}\n"),
    "over what is merged": (
        "k: &x {b: 1}\nm:\n  <<: *x\n  c: 1\n",
        ("m", "b"),
        2,
        "k: &x {b: 1}\nm:\n  <<: *x\n  b: 2\n  c: 1\n",
    ),
    "what others share": ("k: &x {b: 1}\nm: *x\n", ("k", "b"), 2, None),
    "in the second document": ("a: 1\n---\na: 2\n", ("a",), 3, None),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_value_is_changed_where_it_stands_or_not_at_all(name: str) -> None:
    text, path, value, after = EDITS[name]
    if name == "in the second document":
        document, after = load_documents(SourceText("m.yaml", text))[1], "a: 1\n---\na: 3\n"
    else:
        (document,) = load_documents(SourceText("m.yaml", text))
    assert edited(document, [Edit(path, value)]) == after


def test_the_patches_say_the_same() -> None:
    source = SourceText("m.yaml", "a:\n  l/b: 1")
    (document,) = load_documents(source)
    edits = [Edit(("a", "l/b"), 2), Edit(("c", "d"), 3), Edit(("c", "e"), 4)]
    assert json.loads(json_patch(document.value, edits)) == [
        {"op": "replace", "path": "/a/l~1b", "value": 2},
        {"op": "add", "path": "/c", "value": {"d": 3}},
        {"op": "add", "path": "/c/e", "value": 4},
    ]
    (empty,) = load_documents(SourceText("m.yaml", "a:\n  b:\n"))
    assert json.loads(json_patch(empty.value, [Edit(("a", "b", "c"), 1), Edit(("a", "b", "d"), 2)])) == [
        {"op": "add", "path": "/a/b", "value": {"c": 1}},
        {"op": "add", "path": "/a/b/d", "value": 2},
    ]
    after = edited(document, edits[:1])
    assert after is not None
    assert unified_diff("m.yaml", source.text, after) == (
        "--- a/m.yaml\n+++ b/m.yaml\n@@ -1,2 +1,2 @@\n a:\n-  l/b: 1\n\\ No newline at end of file\n"
        "+  l/b: 2\n\\ No newline at end of file\n"
    )
