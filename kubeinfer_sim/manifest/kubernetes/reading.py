"""What the API server makes of a value: decode, fill defaults, drop what is off, validate, warn, store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.kubernetes.decode import decode, stored
from kubeinfer_sim.manifest.kubernetes.defaults import fill_defaults
from kubeinfer_sim.manifest.kubernetes.field_errors import (
    DECODE,
    Errors,
    Field,
    FieldError,
    FieldWarning,
    Warnings,
)
from kubeinfer_sim.manifest.kubernetes.schema import types


class Reading(Struct, frozen=True):
    """What the API server makes of a value.

    Attributes:
        effective: the value as stored: defaults filled in, quantities as texts, what is empty or unknown left
            out. Where there are errors, as much of it as could be read.
        errors: everything wrong with it; field errors only where every value has the right type.
        warnings: what is accepted with a warning; empty where there are errors.
        typed: the effective value with quantities as `Quantity`.
    """

    effective: dict[str, Any]
    errors: list[FieldError]
    warnings: list[FieldWarning]
    typed: dict[str, Any]


def read(
    value: Any,
    type_name: str,
    at: Field,
    *,
    validate: Callable[[dict[str, Any], Field, Errors], None],
    prepare: Callable[[dict[str, Any]], None] | None = None,
    warn: Callable[[dict[str, Any], Field, Warnings], None] | None = None,
) -> Reading:
    """Read a value of a type of the schema.

    Args:
        value: decoded YAML, which is not changed.
        type_name: the type in the schema.
        at: the place of the value.
        validate: checks the typed value once its defaults are filled in.
        prepare: changes the typed value in place before it is validated.
        warn: looks for what is odd in a valid value.
    """
    errors, warnings = Errors(), Warnings()
    schema = types()[type_name]
    typed = decode(value, schema, at, errors, fill_defaults)
    if prepare is not None:
        prepare(typed)
    if not any(error.type == DECODE for error in errors.found):
        validate(typed, at, errors)
        if warn is not None and not errors.found:
            warn(typed, at, warnings)
    return Reading(stored(typed, schema), errors.found, warnings.found, typed)
