"""What a run follows from, as plain data: scenarios with the same are played the same; else it shows what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

from msgspec import Struct

from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.manifest.source import SourceText

#: Under which key data has the name of the class it was.
_KIND = ""
#: What is only told: of a scenario, and (`source`: in which file, on which line) of all it is made of.
_TOLD = {"description", "warnings", "configuration", "defaults"}
_WHERE = "source"


def fingerprint(variant: Variant) -> dict[str, Any]:
    """The scenario as it is resolved, and the function that decides about recovery, as data that JSON can hold."""
    scenario = {
        name: _plain(getattr(variant.scenario, name))
        for name in variant.scenario.__struct_fields__
        if name not in _TOLD
    }
    rare = {} if variant.rare is None else {"rare": dict(variant.rare)}
    return {"scenario": scenario, "recovery": _plain(variant.recovery), **rare}


def differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Where two fingerprints differ: `timings.default.warm_up.value: 30000, now 40000`."""
    if isinstance(before, dict) and isinstance(after, dict) and before.get(_KIND) != after.get(_KIND):
        yield f"{place}: {before.get(_KIND)}, now {after.get(_KIND)}"
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{place}.{key}" if place else str(key)
            yield from differences(before.get(key), after.get(key), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{place}[{index}]")
    elif isinstance(before, list) and isinstance(after, list):
        yield f"{place}: {len(before)} of them, now {len(after)}"
    elif before != after:
        yield f"{place}: {_short(before)}, now {_short(after)}"


def _short(value: Any) -> str:
    text = "a mapping" if isinstance(value, dict) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _plain(value: Any) -> Any:
    """As data: mappings by their keys, sets in order, objects by what they hold and what they are."""
    if value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Mapping):
        return {
            _key(key): _plain(each) for key, each in sorted(value.items(), key=lambda item: _key(item[0]))
        }
    if isinstance(value, Set):
        return sorted((_plain(each) for each in value), key=repr)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, SourceText):
        return value.text
    if isinstance(value, Struct):
        return {
            "": type(value).__name__,
            **{name: _plain(getattr(value, name)) for name in value.__struct_fields__ if name != _WHERE},
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {
            "": type(value).__name__,
            **{each.name: _plain(getattr(value, each.name)) for each in fields(value)},
        }
    if callable(value):
        return f"{value.__module__}:{getattr(value, '__qualname__', type(value).__qualname__)}"
    held = {name: getattr(value, name) for name in _slots(type(value)) if hasattr(value, name)}
    return {
        "": type(value).__name__,
        **{name: _plain(each) for name, each in {**held, **getattr(value, "__dict__", {})}.items()},
    }


def _slots(kind: type) -> list[str]:
    return [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if name != "__dict__"]


def _key(key: Any) -> str:
    return key if isinstance(key, str) else repr(_plain(key))
