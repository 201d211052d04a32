"""What differs between what was given and its neighbour, in the words of their files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from kubeinfer_sim.diagnostics import format_path
from kubeinfer_sim.manifest.yaml_text import one_line
from kubeinfer_sim.testing.strategies.written import MAIN, WrittenManifest, WrittenScenario

W = TypeVar("W", WrittenScenario, WrittenManifest)

#: Characters of a value that are shown at most.
MOST_SHOWN = 160


def differences(before: W, after: W) -> list[str]:
    """What differs in what stands in two neighbours: `spec.actions[1].at: 5m, now 6m`."""
    if isinstance(before, WrittenManifest) and isinstance(after, WrittenManifest):
        pairs = [(each["metadata"]["name"], each) for each in before.documents]
        others = [(each["metadata"]["name"], each) for each in after.documents]
        return list(_differ(dict(pairs), dict(others), ()))
    assert isinstance(before, WrittenScenario)
    assert isinstance(after, WrittenScenario)
    return list(_differ(before.files[MAIN][0], after.files[MAIN][0], ()))


def _differ(before: Any, after: Any, path: tuple[str | int, ...]) -> Iterator[str]:
    where = format_path(path)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            if key not in before:
                yield f"{format_path((*path, key))}: new, {_short(after[key])}"
            elif key not in after:
                yield f"{format_path((*path, key))}: {_short(before[key])}, now left out"
            else:
                yield from _differ(before[key], after[key], (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        # What was added or left out stands anywhere: the items that are alike are not told.
        left = [each for each in before if each not in after]
        made = [each for each in after if each not in before]
        if len(before) == len(after) and len(left) == len(made):
            for place, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from _differ(one, other, (*path, place))
        else:
            yield from (f"{where}: {_short(each)}, now left out" for each in left)
            yield from (f"{where}: new, {_short(each)}" for each in made)
    elif before != after or type(before) is not type(after):
        yield f"{where}: {_short(before)}, now {_short(after)}"


def _short(value: Any) -> str:
    """A value on one line; not all of a long one."""
    text = one_line(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
