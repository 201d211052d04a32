"""What a prediction rests on: the switches of the scenario, each with its value and whether it is the default."""

from __future__ import annotations

import re

from msgspec import Struct

from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.units import format_duration

_DEFAULTS = Assumptions()
#: What None means where it is not "never".
_NONE = {
    "traffic": "by recovery level",
    "max_restarts": "no limit",
    "min_member": "all",
    "scheduler": "by schedulerName",
}


class Assumption(Struct, frozen=True):
    """One switch by its name in a scenario file; `value` as one writes it there."""

    name: str
    value: str
    default: bool


def assumptions(given: Assumptions) -> list[Assumption]:
    """All switches in the order of the scenario page."""
    return [
        Assumption(
            re.sub(r"_(.)", lambda match: match[1].upper(), name),
            _text(name, getattr(given, name), is_time="Millis" in kind),
            getattr(given, name) == getattr(_DEFAULTS, name),
        )
        for name, kind in Assumptions.__annotations__.items()
    ]


def _text(name: str, value: object, *, is_time: bool) -> str:
    if value is None:
        return _NONE.get(name, "never")
    if isinstance(value, tuple):
        return ", ".join(_text(name, each, is_time=is_time) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    if is_time and isinstance(value, int):
        return format_duration(value)
    return str(value)
