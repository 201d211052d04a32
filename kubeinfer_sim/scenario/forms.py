"""Building blocks of the files a user writes: strict models and texts with units.

A form that can be written short (`20m`) or long (`{triangular: {...}}`) is one model whose `expand` turns the
short spelling into the long one before validation; its JSON Schema offers both. So an error is always about
one model, and its location is a path into the document.
"""

import math
import re
from fractions import Fraction
from importlib import import_module
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_plain_validator_function

from kubeinfer_sim.manifest.kubernetes.intstr import parse_amount
from kubeinfer_sim.manifest.model import IntOrPercent
from kubeinfer_sim.manifest.releases import LATEST, RELEASES, release_of
from kubeinfer_sim.manifest.suggest import did_you_mean, nearest
from kubeinfer_sim.scenario.units import (
    DURATION_PATTERN,
    RATE_PATTERN,
    SIZE_PATTERN,
    format_duration,
    parse_duration,
    parse_rate,
    parse_size,
)


class Form(BaseModel):
    """A mapping a user writes: camelCase keys, nothing converted, nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,
    )


def written_name(form: type[Form], name: str) -> str:
    """How a field is written. Pydantic before 2.12 gives a field its alias only when the form is built."""
    return form.model_fields[name].alias or to_camel(name)


class ShortForm(Form):
    """A form that may also be written short; `short` is the JSON Schema of that spelling."""

    short: ClassVar[dict[str, Any]] = {}

    @classmethod
    def expand(cls, value: Any) -> Any:
        """The long spelling of a short one; anything else as it is.

        Raises:
            ValueError: neither spelling.
        """
        raise NotImplementedError

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return cls.expand(value)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The short spelling beside the long one."""
        schema = handler(core)
        own = handler.resolve_ref_schema(schema)
        long = dict(own)
        description = long.pop("description", None)
        own.clear()
        own.update({"anyOf": [*cls.short.get("anyOf", [cls.short]), long]})
        if description:
            own["description"] = description
        return schema


class _Later:
    """Stands for a form of another module, which is imported when something is first written there."""

    module: ClassVar[str]

    @classmethod
    def _validate(cls, value: Any) -> Form:
        return _form_of(cls.module, cls.__name__).model_validate(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_plain_validator_function(cls._validate)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Where its schema is; `json_schema` puts a reference in place of it."""
        return {_ELSEWHERE: [cls.module, cls.__name__]}


#: The key under which a schema says whose stands there.
_ELSEWHERE = "x-form"


def _form_of(module: str, name: str) -> type[Form]:
    form: type[Form] = getattr(import_module(module), name)
    return form


def later(module: str, *names: str) -> tuple[Any, ...]:
    """Forms of another module, as types of fields: none is built before a scenario writes something there.

    A scenario writes in a tenth of all forms, and to build them all takes longer than to read and play a small one.
    """
    return tuple(type(name, (_Later,), {"module": module}) for name in names)


def json_schema(form: type[Form]) -> dict[str, Any]:
    """The JSON Schema of a form; those of `later` are among its definitions like all others."""
    definitions: dict[str, Any] = {}

    def schema_of(form: type[Form]) -> dict[str, Any]:
        schema = form.model_json_schema()
        inner = schema.pop("$defs", {})
        definitions.update(inner)
        for each in (schema, *inner.values()):
            refer(each)
        return schema

    def refer(node: Any) -> None:
        if isinstance(node, list):
            for each in node:
                refer(each)
        elif isinstance(node, dict) and _ELSEWHERE in node:
            module, name = node.pop(_ELSEWHERE)
            node["$ref"] = f"#/$defs/{name}"
            if name not in definitions:
                definitions[name] = {}
                definitions[name] = schema_of(_form_of(module, name))
        elif isinstance(node, dict):
            for each in node.values():
                refer(each)

    schema = schema_of(form)
    return {"$defs": dict(sorted(definitions.items())), **schema} if definitions else schema


def exactly_one(form: Form, *names: str) -> str:
    """The alias of the one field of `names` that the user set.

    Raises:
        ValueError: none or several of them are set; the message lists them.
    """
    fields = {name: written_name(type(form), name) for name in names}
    given = [alias for name, alias in fields.items() if getattr(form, name) is not None]
    if len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "found none"
        raise ValueError(f"expected exactly one of {', '.join(fields.values())}; {found}")
    return given[0]


def _duration_or_never(value: object) -> int | None:
    return None if value == "never" else parse_duration(value)


def parse_horizon(value: object) -> int | None:
    """A duration in milliseconds; None for `settled`.

    Raises:
        ValueError: it is neither.
    """
    if value == "settled":
        return None
    if isinstance(value, str) and nearest(value.lower(), ("settled",)):
        raise ValueError(f"expected settled or a duration such as 90s, found {shown(value)}")
    return parse_duration(value)


def _int_or_percent(value: object) -> IntOrPercent:
    amount = parse_amount(value)
    if amount is None:
        raise ValueError(f"expected a whole number or a percentage such as 80%, found {shown(value)}")
    if amount.exceeds_all:
        raise ValueError(f"{str(value)[:20]} is more than 100%")
    return amount


def percentage(value: object) -> Fraction:
    """An exact part of a whole of `99.9%`.

    Raises:
        ValueError: no percentage up to 100%.
    """
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?%", value):
        fraction = Fraction(value[:-1]) / 100
        if fraction > 1:
            raise ValueError(f"{value} is more than 100%")
        return fraction
    raise ValueError(f"expected a percentage such as 99.9%, found {shown(value)}")


def _ready_count(value: object) -> str | IntOrPercent:
    if value in ("one", "budget", "all"):
        return str(value)
    try:
        count = _int_or_percent(value)
    except ValueError as error:
        if isinstance(value, str) and not value.endswith("%"):
            message = f"expected one, budget, all, a number or a percentage, found {shown(value)}"
            raise ValueError(f"{message}{did_you_mean(value, ('one', 'budget', 'all'))}") from None
        raise ValueError(str(error)) from None
    if not count.value:
        raise ValueError(f"{shown(value)} are always ready: expected at least 1")
    return count


def _not_zero(value: int) -> int:
    if not value:
        raise ValueError("0s: nothing is ever counted within no time; expected a longer one")
    return value


def _duration_text(value: int | None) -> str:
    return "never" if value is None else format_duration(value)


def _only_true(value: object) -> bool:
    if value is not True:
        raise ValueError("write true, or leave it out")
    return True


def _confident(value: Fraction) -> Fraction:
    if not Fraction(1, 2) <= value < 1:
        raise ValueError("expected a confidence from 50% to below 100%, as in 95%")
    return value


def _kubernetes_version(value: object) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        raise ValueError(f'a version is a text: write it in quotes, as in "{LATEST.version}"')
    try:
        return release_of(value if isinstance(value, str) else "").version
    except ValueError:
        known = f"{RELEASES[0]} to {RELEASES[-1]}"
        raise ValueError(
            f'expected a version from {known}, as in "{LATEST.version}"; found {shown(value)}'
        ) from None


DURATION_SCHEMA = {"type": "string", "pattern": DURATION_PATTERN, "examples": ["90s", "1h30m"]}
NEVER_SCHEMA = {"anyOf": [{"const": "never"}, DURATION_SCHEMA]}

#: Milliseconds, written `90s`.
Duration = Annotated[
    int,
    PlainValidator(parse_duration),
    PlainSerializer(_duration_text),
    WithJsonSchema(DURATION_SCHEMA),
]
#: Milliseconds, more than none: of a window in which something is counted.
PositiveDuration = Annotated[Duration, AfterValidator(_not_zero)]
#: Milliseconds, or None, written `never`.
DurationOrNever = Annotated[
    int | None,
    PlainValidator(_duration_or_never),
    PlainSerializer(_duration_text),
    WithJsonSchema(NEVER_SCHEMA),
]
#: Milliseconds, or None, written `settled`.
Horizon = Annotated[
    int | None,
    PlainValidator(parse_horizon),
    WithJsonSchema({"anyOf": [{"const": "settled"}, DURATION_SCHEMA]}),
]
Size = Annotated[int, PlainValidator(parse_size), WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN})]
Rate = Annotated[int, PlainValidator(parse_rate), WithJsonSchema({"type": "string", "pattern": RATE_PATTERN})]
CountOrPercent = Annotated[
    IntOrPercent,
    PlainValidator(_int_or_percent),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+%$"}]}
    ),
]


OnlyTrue = Annotated[bool, PlainValidator(_only_true), WithJsonSchema({"const": True})]
#: A part of a whole, exact, written `99.9%`.
Percentage = Annotated[
    Fraction,
    PlainValidator(percentage),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]+)?%$", "examples": ["99.9%"]}),
]
#: With which an objective is decided, written `95%`.
Confidence = Annotated[Percentage, AfterValidator(_confident)]
KubernetesVersion = Annotated[
    str,
    PlainValidator(_kubernetes_version),
    WithJsonSchema({"type": "string", "pattern": rf"^v?({'|'.join(map(re.escape, RELEASES))})(\.[0-9]+)?$"}),
]
#: How many instances: `one`, `budget`, `all`, a number or a percentage.
ReadyCount = Annotated[
    str | IntOrPercent,
    PlainValidator(_ready_count),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["one", "budget", "all"]},
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[0-9]+%$"},
            ]
        }
    ),
]


def shown(value: object) -> str:
    """A value as a message names it: scalars as written, containers by what they are."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else f"a text of {len(value)} characters"
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    return str(value) if not isinstance(value, int) or abs(value) < 10**30 else "a huge number"


class MetadataForm(Form):
    """The scenario's name and what it is about."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    description: str = ""
