"""From decoded YAML to typed values, and from typed values to what the API server stores.

Decoding checks every value against the schema, reports unknown fields with the nearest name that exists, fills
defaults object by object, and leaves out null. Typed values are plain data in which quantities are `Quantity`.
The rules for null, whole floats and numbers are those of sigs.k8s.io/yaml and sigs.k8s.io/json with Go's types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kubeinfer_sim.manifest.kubernetes.field_errors import DECODE, UNKNOWN, Errors, Field, shown
from kubeinfer_sim.manifest.kubernetes.quantity import ZERO, Quantity, QuantityError
from kubeinfer_sim.manifest.kubernetes.scalars import is_time, json_number, whole_number
from kubeinfer_sim.manifest.kubernetes.schema import FieldType, Type
from kubeinfer_sim.manifest.suggest import did_you_mean

#: Fills the defaults of one decoded object in place, given the name of its type.
Defaulter = Callable[[str, dict[str, Any]], None]

_ZERO: dict[str, Any] = {
    "string": "",
    "int32": 0,
    "int64": 0,
    "bool": False,
    "Time": None,
    "Quantity": ZERO,
    "IntOrString": 0,
    "FieldsV1": {},
}
_RANGE = {"int32": 2**31, "int64": 2**63}


class _Refused(Exception):
    """A value was of the wrong type and has been reported."""


def decode(value: Any, type: Type, at: Field, errors: Errors, default: Defaulter | None = None) -> Any:
    """Read a value of a type; what cannot be read is reported and left out.

    Args:
        value: decoded YAML.
        type: what it should be.
        at: its place.
        errors: where `Decode` and `Unknown` errors go.
        default: fills the defaults of each object; None for none.
    """
    decoder = _Decoder(errors, default)
    try:
        return decoder.zero(type) if value is None else decoder.read(value, type, at)
    except _Refused:
        return decoder.zero(type)


#: A number of seconds as people write one.
_SECONDS = r"([0-9]{1,10}) ?(?:s|sec|secs|seconds?)"


class _Decoder:
    def __init__(self, errors: Errors, default: Defaulter | None) -> None:
        self.errors = errors
        self.default = default

    def refuse(self, at: Field, value: Any, expected: str, hint: str = "") -> _Refused:
        actual = (
            f"{_kind_of(value)} {shown(value)}" if not isinstance(value, dict | list) else _kind_of(value)
        )
        bad = value if isinstance(value, str | int | float | bool) else None
        self.errors.add(at, DECODE, f"must be {expected}, got {actual}{hint}", bad)
        return _Refused()

    def zero(self, type: Type) -> Any:
        """What null stands for where there is no such thing as absence: in lists and maps."""
        if type.kind == "object":
            return self.finish({}, type)
        if type.kind == "list":
            return []
        return {} if type.kind == "map" else _ZERO[type.kind]

    def finish(self, decoded: dict[str, Any], type: Type) -> dict[str, Any]:
        if self.default is not None:
            for name, field in type.fields.items():
                if field.type.kind == "object" and not field.pointer and name not in decoded:
                    decoded[name] = self.finish({}, field.type)  # an object that is never absent
            self.default(type.name, decoded)
        return decoded

    def read(self, value: Any, type: Type, at: Field) -> Any:
        match type.kind:
            case "string":
                if isinstance(value, str):
                    return value
                raise self.refuse(at, value, "a text", _string_hint(value))
            case "int32" | "int64":
                return self.read_int(value, type.kind, at)
            case "bool":
                if isinstance(value, bool):
                    return value
                raise self.refuse(at, value, "true or false", "; without quotes" * isinstance(value, str))
            case "object":
                return self.read_object(value, type, at)
            case "list":
                return self.read_list(value, type, at)
            case "map":
                return self.read_map(value, type, at)
            case "Quantity":
                try:
                    return Quantity.from_json(value)
                except QuantityError as error:
                    bad = value if isinstance(value, str | int | float | bool) else None
                    got = f", got {shown(value)}" if bad is not None else ""
                    self.errors.add(at, DECODE, f"{error}{got}", bad)
                    raise _Refused from error
            case "IntOrString":
                return value if isinstance(value, str) else self.read_int(value, "int32", at, "or a text")
            case "Time":
                if isinstance(value, str) and is_time(value):
                    return value
                raise self.refuse(at, value, "a time such as 2026-01-31T12:00:00Z")
            case "FieldsV1":
                return value

    def read_int(self, value: Any, kind: str, at: Field, alternative: str = "") -> int:
        number = whole_number(value)
        if number is None:
            hint = "; without quotes" if isinstance(value, str) and value.strip("+-").isdigit() else ""
            if (
                isinstance(value, str)
                and (seconds := re.fullmatch(_SECONDS, value))
                and str(at.part).endswith("Seconds")
            ):
                hint = f"; write {seconds[1]}"
            raise self.refuse(at, value, f"a whole number {alternative}".rstrip(), hint)
        if not -_RANGE[kind] <= number < _RANGE[kind]:
            message = f"must be a whole number from -2^{kind[3:]}/2 to 2^{kind[3:]}/2-1"
            self.errors.add(at, DECODE, f"{message}, got {_digits(number)}")
            raise _Refused
        return number

    def read_list(self, value: Any, type: Type, at: Field) -> list[Any]:
        item = type.item
        if not isinstance(value, list) or item is None:
            raise self.refuse(at, value, "a list", "; begin each item with '- '")
        items = []
        for i, entry in enumerate(value):
            if item.kind == "string" and isinstance(entry, str):
                items.append(entry)
                continue
            try:
                items.append(self.zero(item) if entry is None else self.read(entry, item, at.index(i)))
            except _Refused:
                items.append(self.zero(item))
        return items

    def read_map(self, value: Any, type: Type, at: Field) -> dict[str, Any]:
        item = type.item
        if not isinstance(value, Mapping) or item is None:
            raise self.refuse(at, value, "a mapping of names to values")
        decoded: dict[str, Any] = {}
        for key, entry in value.items():
            name = key if isinstance(key, str) else self.key_text(key, at)
            if entry is None:
                decoded[name] = self.zero(item)
            elif item.kind == "string" and isinstance(entry, str):
                decoded[name] = entry
            else:
                try:
                    decoded[name] = self.read(entry, item, at.key(name))
                except _Refused:
                    continue
        return decoded

    def read_object(self, value: Any, type: Type, at: Field) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.refuse(at, value, "a mapping with fields")
        fields = type.fields
        decoded: dict[str, Any] = {}
        for key, entry in value.items():
            name = key if isinstance(key, str) else self.key_text(key, at)
            field = fields.get(name)
            if field is None:
                self.errors.add(at.child(name), UNKNOWN, _unknown(name, type))
            elif entry is None:
                continue
            elif field.type.kind == "string" and isinstance(entry, str):
                decoded[name] = entry
            else:
                try:
                    decoded[name] = self.read(entry, field.type, at.child(name))
                except _Refused:
                    continue
        return self.finish(decoded, type)

    def key_text(self, key: Any, at: Field) -> str:
        if isinstance(key, bool):
            return "true" if key else "false"
        if isinstance(key, int | float):
            try:
                return json_number(key)
            except ValueError:
                pass
        self.errors.add(at, DECODE, f"must have texts as keys, got {_kind_of(key)}")
        return str(key)


def _digits(number: int) -> str:
    return str(number) if abs(number) < 10**30 else "a number of more than 30 digits"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "the truth value"
    if isinstance(value, int | float):
        return "the number"
    if isinstance(value, str):
        return "the text"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else "nothing (null)" if value is None else str(value)


def _string_hint(value: Any) -> str:
    if isinstance(value, bool):
        return "; put it in quotes (YAML reads yes, no, on and off as true or false)"
    return "; put it in quotes" if isinstance(value, int | float) else ""


def _unknown(name: str, type: Type) -> str:
    return f"is not a field of {type.name}{did_you_mean(name, type.fields)}"


def stored(value: Any, type: Type) -> Any:
    """A typed value as the API server stores it: plain data, empty optional fields left out.

    Quantities become texts. The order of fields is that of the document, filled ones last.
    """
    match type.kind:
        case "object":
            return _stored_object(value, type)
        case "list":
            item = type.item
            if item is None or item.kind in ("string", "int32", "int64"):
                return list(value)
            return [stored(entry, item) for entry in value]
        case "map":
            item = type.item
            if item is None or item.kind == "string":
                return dict(value)
            return {key: stored(entry, item) for key, entry in value.items()}
        case "Quantity":
            return str(value)
    return value


def _stored_object(value: Mapping[str, Any], type: Type) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for name, entry in value.items():
        field = type.fields[name]
        if field.pointer or field.always or field.type.kind in ("object", "Quantity", "IntOrString") or entry:
            filled[name] = stored(entry, field.type)
    for name, field in type.fields.items():
        if name not in value and (field.always or (field.type.kind == "object" and not field.pointer)):
            filled[name] = _stored_zero(field)
        elif name not in value and field.type.kind == "Quantity" and not field.pointer:
            filled[name] = "0"
    return filled


def _stored_zero(field: FieldType) -> Any:
    if field.pointer or field.type.kind in ("list", "map"):
        return None
    return _stored_object({}, field.type) if field.type.kind == "object" else _ZERO[field.type.kind]
