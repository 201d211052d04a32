"""Errors about fields: where in the document, where in the API server's words, what kind, what is wrong.

The kinds are the error types of k8s.io/apimachinery pkg/util/validation/field/errors.go, and two of our own
for what comes before validation: `Unknown` (a field the type does not have) and `Decode` (a value of the wrong
type).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from kubeinfer_sim.diagnostics import Path

REQUIRED = "FieldValueRequired"
INVALID = "FieldValueInvalid"
NOT_SUPPORTED = "FieldValueNotSupported"
FORBIDDEN = "FieldValueForbidden"
DUPLICATE = "FieldValueDuplicate"
NOT_FOUND = "FieldValueNotFound"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"
UNKNOWN = "Unknown"
DECODE = "Decode"


class FieldError(Struct, frozen=True):
    """One error about one field.

    Attributes:
        path: where it is in the document, under the path the caller gave; what is missing there is named too.
        type: kind of error, see the constants of this module.
        message: what was found and what would be right, without the path.
        bad_value: the value found, None where there is none or it is a whole object.
        field: where it is as the API server words it, from the root of what was validated. It differs from
            `path` in places: list indexes left out, names in another case.
        answer: how the API server words it, of a rule about several fields: an update may break it that is right by
            itself. Empty of all others.
    """

    path: Path
    type: str
    message: str
    bad_value: Any = None
    field: str = ""
    answer: str = ""


class Field:
    """A place in the document, built on the way down and spelled out only where there is an error."""

    __slots__ = ("label", "parent", "part")

    def __init__(self, parent: Field | None, part: str | int | None, label: str | None = None) -> None:
        self.parent = parent
        self.part = part  # key or index in the document; None for no step
        self.label = label  # how the API server spells the step, None for the usual way

    def child(self, name: str, label: str | None = None) -> Field:
        """A field of an object; `label` is the API server's spelling with its dot, where that differs."""
        return Field(self, name, label)

    def index(self, number: int, label: str | None = None) -> Field:
        """An item of a list; an empty `label` where the API server leaves the index out."""
        return Field(self, number, label)

    def key(self, name: str) -> Field:
        """An entry of a map, spelled `[name]`."""
        return Field(self, name, f"[{name}]")

    def down(self, *names: str) -> Field:
        """A field of a field."""
        place = self
        for name in names:
            place = Field(place, name)
        return place

    @property
    def path(self) -> Path:
        """Keys and indexes from the root of the document."""
        parts: list[str | int] = []
        place: Field | None = self
        root: Path = ()
        while place is not None:
            if isinstance(place, Root):
                root = place.base
            elif place.part is not None:
                parts.append(place.part)
            place = place.parent
        return (*root, *reversed(parts))

    @property
    def text(self) -> str:
        """The path as the API server words it."""
        labels: list[str] = []
        place: Field | None = self
        while place is not None:
            if place.label is not None:
                labels.append(place.label)
            elif isinstance(place.part, int):
                labels.append(f"[{place.part}]")
            elif place.part is not None:
                labels.append(f".{place.part}")
            place = place.parent
        return "".join(reversed(labels)).removeprefix(".")


class Root(Field):
    """The root of what is validated, at `base` in the document."""

    __slots__ = ("base",)

    def __init__(self, base: Path = ()) -> None:
        super().__init__(None, None, "")
        self.base = base


def shown(value: Any) -> str:
    """A value in a message: JSON, cut to a readable length."""
    text = (
        json.dumps(value, ensure_ascii=False) if isinstance(value, str | int | float | bool) else str(value)
    )
    return text if len(text) <= 80 else text[:60] + f"… ({len(text)} characters)"


def as_json(value: Any) -> str:
    """A value as the API server quotes it: JSON without blanks, keys in order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True, default=str)


class Errors:
    """Collects field errors."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[FieldError] = []

    def add(self, at: Field, type: str, message: str, bad_value: Any = None) -> None:
        """Note an error as it is."""
        self.found.append(FieldError(at.path, type, message, bad_value, at.text))

    def required(self, at: Field, message: str = "is required") -> None:
        """A value that must be there is missing or empty."""
        self.add(at, REQUIRED, message)

    def invalid(self, at: Field, value: Any, message: str) -> None:
        """A value breaks a rule; scalars are shown in the message."""
        if isinstance(value, str | int | float | bool):
            self.add(at, INVALID, f"{message}, got {shown(value)}", value)
        else:
            self.add(at, INVALID, message)

    def conflict(self, at: Field, value: Any, message: str, answer: str, *, type: str = INVALID) -> None:
        """What is right by itself does not go with another field; `answer` is the API server's detail."""
        shows = "Forbidden" if type == FORBIDDEN else f"Invalid value: {as_json(value)}"
        scalar = value if isinstance(value, str | int) else None
        self.found.append(
            FieldError(at.path, type, message, scalar, at.text, f"{at.text}: {shows}: {answer}")
        )

    def check(self, at: Field, value: Any, messages: Iterable[str]) -> None:
        """Every message of a format check is an error of its own."""
        for message in messages:
            self.invalid(at, value, message)

    def not_supported(self, at: Field, value: Any, supported: Iterable[str]) -> None:
        """A value is not one of a fixed set."""
        choices = ", ".join(shown(choice) for choice in supported)
        self.add(at, NOT_SUPPORTED, f"must be one of {choices}, got {shown(value)}", value)

    def forbidden(self, at: Field, message: str) -> None:
        """A field must not be set here."""
        self.add(at, FORBIDDEN, message)

    def duplicate(self, at: Field, value: Any) -> None:
        """A value that must be unique occurs again."""
        self.add(at, DUPLICATE, f"must be unique, {shown(value)} occurs more than once", value)

    def not_found(self, at: Field, value: Any, message: str) -> None:
        """A name refers to nothing."""
        self.add(at, NOT_FOUND, f"{message}, got {shown(value)}", value)

    def too_long(self, at: Field, limit: int) -> None:
        """A text has too many bytes."""
        self.add(at, TOO_LONG, f"must have at most {limit} bytes")

    def too_many(self, at: Field, count: int, limit: int) -> None:
        """A list has too many items."""
        self.add(at, TOO_MANY, f"must have at most {limit} items, has {count}", count)

    def choice(self, at: Field, value: str, supported: Iterable[str]) -> None:
        """A value of a fixed set that must be given: `Required` when empty, else one of the set."""
        choices = tuple(supported)
        if not value:
            self.required(at, f"is required: one of {', '.join(choices)}")
        elif value not in choices:
            self.not_supported(at, value, choices)

    def non_negative(self, at: Field, value: int) -> None:
        """A number that must not be below zero."""
        if value < 0:
            self.invalid(at, value, "must be greater than or equal to 0")

    def positive(self, at: Field, value: int) -> None:
        """A number that must be above zero."""
        if value <= 0:
            self.invalid(at, value, "must be greater than 0")


class FieldWarning(Struct, frozen=True):
    """Something the API server accepts with a warning.

    Attributes:
        path: where it is in the document, under the path the caller gave.
        message: what is odd.
        text: the whole warning as the API server words it.
    """

    path: Path
    message: str
    text: str


class Warnings:
    """Collects warnings."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[FieldWarning] = []

    def at(self, at: Field, message: str) -> None:
        """A warning about a field."""
        self.found.append(FieldWarning(at.path, message, f"{at.text}: {message}"))

    def general(self, at: Field, text: str) -> None:
        """A warning whose words do not begin with the field's path."""
        self.found.append(FieldWarning(at.path, text, text))
