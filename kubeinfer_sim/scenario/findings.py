"""Pydantic's errors as findings with line, column and path, in words that say what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, get_args

from msgspec import Struct
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kubeinfer_sim.diagnostics import Diagnostic, Path
from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.document import Document
from kubeinfer_sim.manifest.file_kinds import first_kind, what_for
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.scenario.context import Context
from kubeinfer_sim.scenario.forms import Form, MetadataForm, json_schema, shown
from kubeinfer_sim.scenario.schema import ScenarioFile, SpecForm

F = TypeVar("F", bound=Form)

#: What stands in for a required field that is wrong, while the rest is checked.
_REQUIRED = {"manifest": "-", "cluster": "1x1"}
#: Names of columns, in capitals.
_TABLE = r"(?:NAME|NAMESPACE) +[A-Z]{2,}"
_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def read_form(form: type[F], document: Document) -> F:
    """A document as a form.

    Raises:
        InputError: everything that is wrong with it, in the order of the text; of a file of another kind that alone.
    """
    own = form.model_fields.get("kind")
    if isinstance(document.value, str) and re.match(_TABLE, document.value):
        message = "this is a table as kubectl prints it for people"
        raise InputError([document.diagnostic((), message, hint="write it with -o json")])
    value = document.value if isinstance(document.value, dict) else {}
    kind = value.get("kind")
    if own is not None and isinstance(kind, str) and kind not in get_args(own.annotation):
        listed = kind.removesuffix("List") or first_kind(document.source.text)
        if meant := what_for(listed, document.source.name):
            message = f"expected kind {get_args(own.annotation)[0]}, found {kind}"
            raise InputError([document.diagnostic(("kind",), message, hint=meant)])
    try:
        return form.model_validate(document.value)
    except ValidationError as error:
        raise InputError(findings(form, document, error)) from None


class Readable(Struct):
    """What can be read of a scenario file, even if some of it is wrong.

    Attributes:
        places: of each action, its index in the file.
        broken: fields of spec that are wrong; the form holds something harmless in their place.
    """

    metadata: MetadataForm
    spec: SpecForm
    places: list[int]
    broken: set[str]


def read_scenario(context: Context) -> Readable | None:
    """Read a scenario file; what is wrong is noted, the rest read all the same, so that all can be said at once."""
    document = context.document
    value = document.value
    if not isinstance(value, dict):
        context.error((), f"expected a scenario, which is a mapping, found {shown(value)}")
        return None
    kind = value.get("kind")
    if isinstance(kind, str) and kind != "Scenario":
        listed = kind.removesuffix("List") or first_kind(document.source.text)
        if meant := what_for(listed, document.source.name):
            context.error(("kind",), f"expected kind Scenario, found {kind}", hint=meant)
            return None
    spec = value.get("spec")
    actions = spec.get("actions") if isinstance(spec, dict) else None
    actions = actions if isinstance(actions, list) else []
    places = list(range(len(actions)))
    try:
        form = ScenarioFile.model_validate(value)
        return Readable(form.metadata, form.spec, places, set())
    except ValidationError as error:
        context.errors += findings(ScenarioFile, document, error)
        wrong = [document_path(value, each["loc"]) for each in error.errors(include_url=False)]
    if not isinstance(spec, dict):
        return None
    bad_actions = {path[2] for path in wrong if path[:2] == ("spec", "actions") and len(path) > 2}
    broken = {str(path[1]) for path in wrong if path[:1] == ("spec",) and len(path) > 1}
    broken |= _REQUIRED.keys() - spec.keys()
    harmless = {name: each for name, each in spec.items() if name not in broken}
    places = [place for place in places if place not in bad_actions]
    harmless["actions"] = [actions[place] for place in places]
    harmless |= {name: each for name, each in _REQUIRED.items() if name in broken}
    try:
        return Readable(MetadataForm(name="-"), SpecForm.model_validate(harmless), places, broken)
    except ValidationError:
        return None


def findings(form: type[Form], document: Document, error: ValidationError) -> list[Diagnostic]:
    """What Pydantic found, in the order of the text."""
    diagnostics = {_diagnostic(form, document, each): None for each in error.errors(include_url=False)}
    return sorted(diagnostics, key=lambda each: (each.line, each.column))


def _diagnostic(form: type[Form], document: Document, error: ErrorDetails) -> Diagnostic:
    path = document_path(document.value, error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    value = error["input"]
    if kind == "missing":
        return document.diagnostic(path, f'"{error["loc"][-1]}" is required', code="required", key=True)
    if kind == "extra_forbidden":
        known = fields_at(form, path[:-1])
        hint = did_you_mean(str(path[-1]), known) or f"; known here: {', '.join(known)}"
        return document.diagnostic(path, f"unknown field{hint}", code="unknown-field", key=True)
    return document.diagnostic(path, _words(kind, context, value, error["msg"]))


def _words(kind: str, context: Mapping[str, Any], value: object, message: str) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind in _EXPECTED:
        quotes = ", in quotes" if kind == "string_type" and isinstance(value, bool | int | float) else ""
        return f"expected {_EXPECTED[kind]}{quotes}, found {shown(value)}"
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "")
        known = expected.replace(" or ", ", ").split(", ")
        one = "" if len(known) == 1 else "one of "
        return f"expected {one}{expected}, found {shown(value)}{did_you_mean(str(value), known)}"
    bounds = {"greater_than": "more than", "greater_than_equal": "at least", "less_than_equal": "at most"}
    if kind in bounds:
        bound = next(context[name] for name in ("gt", "ge", "le") if name in context)
        return f"must be {bounds[kind]} {bound:g}, found {shown(value)}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return f"expected a name of lower case letters, digits and -, found {shown(value)}"
    if kind == "finite_number":
        return f"expected a finite number, found {shown(value)}"
    return f"{message[0].lower()}{message[1:]}, found {shown(value)}"


def document_path(value: Any, location: tuple[str | int, ...]) -> Path:
    """The part of a location that is in the document: short spellings and unions add steps of their own."""
    path: list[str | int] = []
    for step in location:
        held = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(held, dict) and step in held:
            value = held[step]
            path.append(step)
    return tuple(path)


@cache
def _schema(form: type[Form]) -> dict[str, Any]:
    return json_schema(form)


def fields_at(form: type[Form], path: Path) -> list[str]:
    """The names a mapping at this place may hold, from the form's own JSON Schema."""
    root = _schema(form)
    places = [root]
    for step in path:
        places = [inner for place in places for inner in _steps(root, place, step)]
    names = {
        name: None
        for place in places
        for each in _choices(root, place)
        for name in each.get("properties", {})
    }
    return list(names)


def _choices(root: dict[str, Any], place: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a place, references followed."""
    if "$ref" in place:
        return _choices(root, root["$defs"][place["$ref"].rpartition("/")[2]])
    return [place, *(each for choice in place.get("anyOf", ()) for each in _choices(root, choice))]


def _steps(root: dict[str, Any], place: dict[str, Any], step: str | int) -> list[dict[str, Any]]:
    schemas = []
    for each in _choices(root, place):
        inner = each.get("items") if isinstance(step, int) else each.get("properties", {}).get(step)
        inner = inner if inner is not None else each.get("additionalProperties")
        if isinstance(inner, dict):
            schemas.append(inner)
    return schemas
