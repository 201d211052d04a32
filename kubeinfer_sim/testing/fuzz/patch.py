"""What differs between two documents, so that it can be done again to a later version of the first."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

Step = str | int


class Edit(Struct, frozen=True):
    """One difference.

    Attributes:
        what: `set` at a path, `remove` what is there, `add` to a list there (which is made), `take` out of it.
        value: what is set, added or taken.
    """

    what: str
    path: tuple[Step, ...]
    value: Any = None


def edits_between(before: Any, after: Any, path: tuple[Step, ...] = ()) -> Iterator[Edit]:
    """What makes the second of the first."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from (Edit("remove", (*path, key)) for key in before if key not in after)
        for key, value in after.items():
            if key not in before and isinstance(value, list):
                yield from (Edit("add", (*path, key), each) for each in value)
            elif key not in before:
                yield Edit("set", (*path, key), value)
            else:
                yield from edits_between(before[key], value, (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from edits_between(one, other, (*path, place))
    elif isinstance(before, list) and isinstance(after, list):
        yield from (Edit("take", path, each) for each in before if each not in after)
        yield from (Edit("add", path, each) for each in after if each not in before)
    elif before != after:
        yield Edit("set", path, after)


def edited(document: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """The document with all of them.

    Raises:
        LookupError, TypeError, ValueError: one of them is about something that is not there.
    """
    result = copy.deepcopy(dict(document))
    for edit in edits:
        *way, last = edit.path
        holder: Any = result
        for step in way:
            holder = holder[step]
        if edit.what == "remove":
            del holder[last]
        elif edit.what == "set":
            holder[last] = copy.deepcopy(edit.value)
        elif edit.what == "add":
            there = holder.setdefault(last, []) if isinstance(holder, dict) else holder[last]
            there.append(copy.deepcopy(edit.value))
        else:
            holder[last].remove(edit.value)
    return result


def written(edits: Sequence[Edit]) -> str:
    """On one line."""
    return json.dumps([[each.what, list(each.path), each.value] for each in edits])


def read_edits(text: str) -> list[Edit]:
    """What `written` wrote.

    Raises:
        ValueError, TypeError: it is something else.
    """
    return [Edit(what, tuple(path), value) for what, path, value in json.loads(text)]
