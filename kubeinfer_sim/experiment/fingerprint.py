"""What a run follows from, as plain data: scenarios with the same are played the same; else it shows what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from enum import Enum
from fractions import Fraction
from typing import Any, cast

from msgspec import Struct

from kubeinfer_sim.experiment.replication import Variant
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.scenario.timings import distributions
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.units import format_duration

#: Under which key data has the name of the class it was.
_KIND = ""
#: What is only told: of a scenario, of an action, and (`source`: in which file, on which line) of all it is made of.
_TOLD = {"description", "warnings", "configuration", "defaults"}
_TOLD_OF = {"Apply": {"label"}}
_WHERE = "source"
#: Numbers that are times, ms.
_TIMES = {"at", "horizon", "completes_within", "longest_outage", "max_overload", "quiet_after"}


def fingerprint(variant: Variant) -> dict[str, Any]:
    """The scenario as it is resolved, and the function that decides about recovery, as data that JSON can hold."""
    scenario = {
        name: _plain(getattr(variant.scenario, name))
        for name in variant.scenario.__struct_fields__
        if name not in _TOLD
    }
    rare = {} if variant.rare is None else {"rare": dict(variant.rare)}
    watched = {"watched": True} if variant.watched else {}
    return {"scenario": scenario, "recovery": _plain(variant.recovery), **rare, **watched}


def differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Where two fingerprints differ: `timings.default.warmUp: constant 30s, now constant 40s`."""
    if isinstance(before, dict) and isinstance(after, dict) and _words(before) and _words(after):
        if before != after:
            yield f"{place}: {_words(before)}, now {_words(after)}"
    elif isinstance(before, dict) and isinstance(after, dict) and before.get(_KIND) != after.get(_KIND):
        yield f"{place}: {before.get(_KIND)}, now {after.get(_KIND)}"
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{place}.{_camel(key)}" if place else _camel(key)
            yield from differences(before.get(key), after.get(key), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{place}[{index}]")
    elif isinstance(before, list) and isinstance(after, list):
        yield f"{place}: {len(before)} of them, now {len(after)}"
    elif before != after:
        times = place.rpartition(".")[2] in map(_camel, _TIMES)
        yield f"{place}: {_short(before, time=times)}, now {_short(after, time=times)}"


def _camel(key: str) -> str:
    """As it is spelled in a scenario: `completesWithin`."""
    return re.sub(r"(?<=[a-z])_([a-z])", lambda found: found[1].upper(), str(key))


def _words(value: Mapping[str, Any]) -> str:
    """A distribution as it describes itself, if it is one: `constant 30s`."""
    kind = getattr(distributions, str(value.get(_KIND)), None)
    if not (isinstance(kind, type) and issubclass(kind, Struct)):
        return ""
    try:
        made = kind(**{name: each for name, each in value.items() if name != _KIND})
        return cast("Distribution", made).describe()
    except (AttributeError, TypeError, ValueError):  # one of others: told by what differs in it
        return ""


def _short(value: Any, *, time: bool = False) -> str:
    if value is None:
        return "none"
    if time and isinstance(value, int):
        return format_duration(value)
    text = _words(value) or "a mapping" if isinstance(value, dict) else str(value)
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
            **{
                name: _plain(getattr(value, name))
                for name in value.__struct_fields__
                if name != _WHERE and name not in _TOLD_OF.get(type(value).__name__, ())
            },
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
