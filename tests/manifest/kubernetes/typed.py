"""Typed values for tests: what a table writes, read by the schema."""

from typing import Any

from kubeinfer_sim.manifest.kubernetes.decode import decode
from kubeinfer_sim.manifest.kubernetes.defaults import fill_defaults
from kubeinfer_sim.manifest.kubernetes.field_errors import Errors, Field, Root
from kubeinfer_sim.manifest.kubernetes.schema import types


def typed(value: Any, type_name: str, *, defaults: bool = False) -> Any:
    """A value of a type of the schema, without defaults unless asked for; it must have the right types."""
    errors = Errors()
    found = decode(value, types()[type_name], Root(), errors, fill_defaults if defaults else None)
    assert not errors.found, errors.found
    return found


def typed_list(values: Any, type_name: str) -> list[Any]:
    """A list of typed values."""
    return [typed(value, type_name) for value in values]


def place(text: str) -> Field:
    """A root that the API server words `text`."""
    return Field(Root(), None, text)


def pairs(errors: Errors) -> list[tuple[str, str]]:
    """Place and short type of each error, sorted."""
    return sorted((error.field, error.type.removeprefix("FieldValue")) for error in errors.found)
