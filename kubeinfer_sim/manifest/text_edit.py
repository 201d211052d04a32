"""Values changed in the text of a manifest, comments and layout kept: a diff for git, and a JSON patch for kubectl."""

from __future__ import annotations

import copy
import difflib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import yaml
from msgspec import Struct
from yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.yaml_tree import load_documents

#: Texts that YAML 1.1 reads as such without quotes, and those it does not.
_PLAIN = re.compile(r"[0-9]+%|[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_NO_NEWLINE = "\\ No newline at end of file\n"


class Edit(Struct, frozen=True):
    """The value that a field is to have."""

    path: Path
    value: Any


def edited(document: Document, edits: Sequence[Edit]) -> str | None:
    """The whole text of a document's source with other values in that document.

    None where the text cannot say that by a change of these values alone: behind anchors and merge keys others may
    have the same text.
    """
    wanted = copy.deepcopy(document.value)
    for each in edits:
        _put(wanted, each)
    text = document.source.text
    ends = _scalar_ends(text)
    changes = sorted((_change(document, each, ends) for each in edits), reverse=True)
    for begin, end, written in changes:
        text = text[:begin] + written + text[end:]
    try:
        after = load_documents(SourceText(document.source.name, text))
        before = load_documents(document.source)
    except InputError:
        return None
    wanted_all = [wanted if each.value == document.value else each.value for each in before]
    return text if [each.value for each in after] == wanted_all else None


def unified_diff(name: str, before: str, after: str) -> str:
    """What `git apply` takes, of a file by its path from where that is run; "" where nothing differs."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in lines)


def json_patch(value: Mapping[str, Any], edits: Sequence[Edit]) -> str:
    """What `kubectl patch --type json --patch-file` takes (RFC 6902).

    A merge patch would replace lists as a whole: a KubeInfer is a custom resource, and its roles are a list.
    """
    state = copy.deepcopy(dict(value))
    operations = []
    for each in edits:
        depth = _known(state, each.path)
        if 0 < depth < len(each.path) and _at(state, each.path[:depth]) is None:
            depth -= 1  # nothing is added to null
        made: Any = each.value
        for part in reversed(each.path[depth + 1 :]):
            made = {part: made}
        there = depth == len(each.path)
        path = each.path if there else each.path[: depth + 1]
        operations.append({"op": "replace" if there else "add", "path": _pointer(path), "value": made})
        _put(state, each)
    return json.dumps(operations, indent=2, ensure_ascii=False) + "\n"


def _pointer(path: Path) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _known(value: Any, path: Path) -> int:
    """How many steps of a path are there."""
    for depth, part in enumerate(path):
        there = (
            part < len(value) if isinstance(value, list) and isinstance(part, int) else part in (value or ())
        )
        if not there:
            return depth
        value = value[part]
    return len(path)


def _put(value: Any, edit: Edit) -> None:
    *way, last = edit.path
    for part in way:
        if isinstance(value, dict):
            # What an alias shares with others is changed here alone.
            value[part] = copy.deepcopy(value.get(part) or {})
        else:
            value[part] = copy.deepcopy(value[part])
        value = value[part]
    value[last] = edit.value


def _change(document: Document, edit: Edit, ends: Mapping[int, int]) -> tuple[int, int, str]:
    """From where to where what is written instead."""
    depth = _known(document.value, edit.path)
    if depth == len(edit.path) and document.offset(edit.path, key=True) < document.offset(edit.path[:-1]):
        depth -= 1  # it comes from what is merged into its parent: here it is written over
    if depth == len(edit.path):
        begin = document.offset(edit.path)
        return begin, ends.get(begin, begin), _written(edit.value)
    made: Any = edit.value
    for part in reversed(edit.path[depth + 1 :]):
        made = {part: made}
    parent = edit.path[:depth]
    held = _at(document.value, parent)
    line = f"{_written(edit.path[depth])}: {_written(made)}"
    start = document.offset(parent)
    own = [document.offset((*parent, key), key=True) for key in held] if isinstance(held, dict) else []
    first = min((each for each in own if each >= start), default=None)
    if first is None:  # `{}`, or nothing: the whole of it is written
        return start, ends.get(start, start), "{" + line + "}"
    begin, text = first, document.source.text
    if text[:begin].rstrip().endswith(("{", ",")):
        return begin, begin, f"{line}, "
    column = begin - (text.rfind("\n", 0, begin) + 1)
    return begin, begin, f"{line}\n{' ' * column}"


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _written(value: Any) -> str:
    """A value on one line of YAML: JSON, but for texts that need no quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(key)}: {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _scalar_ends(text: str) -> dict[int, int]:
    """Where each scalar, and each mapping or list in brackets, ends, by where it begins."""
    loader: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
    ends: dict[int, int] = {}
    open_: list[int] = []
    with suppress(yaml.YAMLError):  # documents behind the error are not edited
        for event in yaml.parse(text, loader):
            begin, end = _index(event.start_mark), _index(event.end_mark)
            if isinstance(event, ScalarEvent):
                ends[begin] = end
            elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                open_.append(begin if event.flow_style else -1)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent) and (opened := open_.pop()) >= 0:
                ends[opened] = end
    return ends


def _index(mark: Any) -> int:
    return int(mark.index)
