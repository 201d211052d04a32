"""What an unquoted YAML scalar means to the API server: YAML 1.1 as goyaml.v2 reads it, then JSON.

Rules: sigs.k8s.io/yaml, `goyaml.v2/resolve.go` (which scalar is what) and `yaml.go` (numbers and keys on
their way to JSON). Sexagesimals and dates stay text; `yes`, `no`, `on`, `off`, `y`, `n` are booleans;
`010`, `0o10`, `0x8`, `0b1000` and `1_000` are integers.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from decimal import Decimal

Scalar = str | int | float | bool | None

#: Digits of the longest number read as one; longer ones are refused (float64 needs at most 770).
MAX_NUMBER_CHARS = 1_000

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
#: First characters of everything that is not plain text; the rest needs no further look.
SPECIAL_STARTS = frozenset("+-0123456789.yYnNtTfFoO~")

TAG_PREFIX = "tag:yaml.org,2002:"
_TAGGED_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "null": (type(None),),
}
#: Tags a scalar may have, without `TAG_PREFIX`.
SCALAR_TAGS = frozenset({"str", "binary", "timestamp", "merge", *_TAGGED_TYPES})

_TIMESTAMP = r"\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|[ \t]+)\d{1,2}:\d\d:\d\d.*)?"
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASES = (16, 2, 8, 10)


class ScalarError(ValueError):
    """A scalar that cannot be read; the message says why."""


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted, untagged) scalar; infinities and NaN come back as floats.

    Raises:
        ScalarError: a number of thousands of digits.
    """
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first == ".":
        return _float(text) if _FLOAT.fullmatch(text) else text
    if first not in "+-0123456789":
        return text
    plain = text.replace("_", "") if "_" in text else text
    match = _INTEGER.fullmatch(plain)
    if match is not None:
        _check_length(plain)
        for digits, base in zip(match.groups()[1:], _BASES, strict=True):
            if digits is not None:
                number = int(digits, base)
                # int64, or uint64 when written without a sign; beyond that decimal ones become floats.
                if number < 1 << 63 or (match[1] == "-" and number == 1 << 63):
                    return -number if match[1] == "-" else number
                if not match[1] and number < 1 << 64:
                    return number
    return _float(plain, text) if _FLOAT.fullmatch(plain) else text


def to_json(value: Scalar) -> Scalar:
    """The value as it stands in JSON: whole floats below 1e21 have no fraction there, so they are ints.

    Raises:
        ScalarError: infinity or NaN.
    """
    if type(value) is not float:
        return value
    if not math.isfinite(value):
        raise ScalarError(f"{_float32_text(value)} has no place in JSON, which is what the API server reads")
    if value.is_integer() and abs(value) < 1e21:
        # The digits Go writes (shortest that read back, then zeros), not the exact value of the float.
        return int(Decimal(repr(value)))
    return value


def key_text(value: Scalar) -> str:
    """A mapping key as text.

    Raises:
        ScalarError: null or an integer beyond int64, which sigs.k8s.io/yaml refuses.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise ScalarError(f"{value} cannot be a key")
        return str(value)
    if isinstance(value, float):
        return _float32_text(value)
    raise ScalarError("null cannot be a key")


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag of `SCALAR_TAGS`, quoted or not (`d.scalar` in `decode.go`).

    Raises:
        ScalarError: the text is not what the tag says.
    """
    if tag in ("str", "merge"):
        return text
    if tag == "binary":
        try:
            data = base64.b64decode(re.sub(r"[\r\n]", "", text), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ScalarError("!!binary is not valid base64") from error
        return data.decode("utf-8", errors="replace")
    if tag == "timestamp":
        if not re.fullmatch(_TIMESTAMP, text):
            raise ScalarError(f'"{text[:60]}" is not a !!timestamp')
        return text
    value = resolve(text)
    if type(value) not in _TAGGED_TYPES[tag]:
        raise ScalarError(f'"{text[:60]}" is not a !!{tag}')
    return float(value) if tag == "float" and value is not None else value


def _float(plain: str, text: str | None = None) -> float | str:
    _check_length(plain)
    number = float(plain)
    return (plain if text is None else text) if math.isinf(number) else number


def _check_length(plain: str) -> None:
    if len(plain) > MAX_NUMBER_CHARS:
        raise ScalarError(f"a number of {len(plain):,} characters; at most {MAX_NUMBER_CHARS:,} are read")


def _float32_text(value: float) -> str:
    """Go's `strconv.FormatFloat(value, 'g', -1, 32)`, with YAML's names for infinities and NaN."""
    if math.isnan(value):
        return ".nan"
    try:
        rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        rounded = math.copysign(math.inf, value)
    if math.isinf(rounded):
        return ".inf" if rounded > 0 else "-.inf"
    for precision in range(9):  # nine significant digits always tell float32 numbers apart
        mantissa, exponent = f"{rounded:.{precision}e}".split("e")
        if struct.unpack("f", struct.pack("f", float(f"{mantissa}e{exponent}")))[0] == rounded:
            break
    power = int(exponent)
    if power < -4 or power >= 6:  # Go's bounds for the shortest precision
        return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return format(Decimal(f"{mantissa}e{power}"), "f")
