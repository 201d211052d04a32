"""A row of the register: where a field or key stands, and why."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Standing(StrEnum):
    """What the simulator makes of something that is written."""

    SIMULATED = "simulated"
    WITHOUT_EFFECT = "without effect on what is predicted"
    NOT_SIMULATED = "would matter and is not simulated"


#: Stands for all fields of a type.
ALL = "*"


def given(value: Any) -> bool:
    """Whether a value says anything: null, false and what is empty are as if left out."""
    return value not in (None, False, "", [], {})


class Row(Struct, frozen=True):
    """Some fields of one type, or some keys of labels or annotations.

    Attributes:
        owner: the type, as the schema names it; `PodTemplateSpec.metadata` of the metadata of pods.
        names: the fields or keys; `ALL` for whatever the type has. Of keys, regular expressions.
        why: how it is simulated, why it has no effect, or what could differ. A sentence without its full stop.
        when: for which values it stands so; for others it has no effect.
        worthless: the prediction would be worthless: an error instead of a warning.
        on_pods: of a key: it stands so in the template of pods; the object's own is simulated.
    """

    owner: str
    names: tuple[str, ...]
    standing: Standing
    why: str = ""
    when: Callable[[Any], bool] = given
    values: str = ""
    worthless: bool = False
    on_pods: bool = False


def simulated(owner: str, names: str, how: str = "") -> Row:
    """Fields (in one text, spaces between them) that are simulated as Kubernetes or the vendor defines them."""
    return Row(owner, tuple(names.split()), Standing.SIMULATED, how)


def without_effect(owner: str, names: str, why: str) -> Row:
    """Fields that change nothing of what is predicted."""
    return Row(owner, tuple(names.split()), Standing.WITHOUT_EFFECT, why)


def not_simulated(
    owner: str,
    names: str,
    what: str,
    *,
    when: Callable[[Any], bool] = given,
    values: str = "",
    worthless: bool = False,
    on_pods: bool = False,
) -> Row:
    """Fields that could make the cluster behave otherwise than predicted; `values` says which values do."""
    return Row(owner, tuple(names.split()), Standing.NOT_SIMULATED, what, when, values, worthless, on_pods)
