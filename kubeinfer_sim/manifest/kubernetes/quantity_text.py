"""The text of a quantity: the API server's grammar, and what it makes of it before anything is reckoned.

Source: k8s.io/apimachinery pkg/api/resource (`ParseQuantity` in quantity.go, suffix.go).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

#: Quantities longer than this are refused; the API server has no such limit.
MAX_LENGTH = 1000

INT64 = 2**63
_GRAMMAR = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII).fullmatch
DECIMAL_SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY_SUFFIXES = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_FAST_DIGITS = 18  # digits the API server keeps in an int64 without looking closer


class QuantityError(ValueError):
    """A text is not a quantity; the message says what would be."""


class Parsed(NamedTuple):
    """What a text says; the fields of `Quantity`."""

    unscaled: int
    scale: int
    format: Format
    text: str = ""
    small: bool = True


def ten(power: int) -> int:
    """A power of ten, the exponent not below zero."""
    return int(10**power)


def digits_below(unscaled: int, places: int) -> tuple[int, bool]:
    """Drop decimal places, rounding away from zero; also whether nothing was lost."""
    if places > MAX_LENGTH * 2:
        return (0 if not unscaled else 1 if unscaled > 0 else -1), not unscaled
    kept, lost = divmod(abs(unscaled), ten(places))
    if lost:
        kept += 1
    return (kept if unscaled >= 0 else -kept), not lost


def _bad(text: str) -> QuantityError:
    if not text:
        return QuantityError("a quantity must not be empty (e.g. 500m, 64Gi, 8)")
    hint = ""
    lower = text.lower()
    if re.fullmatch(r"[+-]?[0-9.]+\s*k", lower):
        hint = "; thousands are written with a small k, 1024s with Ki"
    elif lower.endswith("b"):
        hint = "; leave out the B: bytes are understood"
    elif re.search(r"\s", text):
        hint = "; blanks are not allowed"
    elif "," in text or "_" in text:
        hint = "; digits are not grouped and the decimal point is a point"
    elif re.fullmatch(r"[+-]?[0-9.]+[a-z]+", lower):
        hint = "; upper and lower case of the suffix matter"
    return QuantityError(
        "a quantity is a number and a suffix: n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent "
        f"such as e3 (e.g. 500m, 64Gi, 8){hint}"
    )


def parse_quantity(text: str) -> Parsed:
    """Read a text of at most `MAX_LENGTH` characters by the API server's grammar, rounding and clamping.

    Raises:
        QuantityError: the text is not a quantity; the message says what would be right.
    """
    match = _GRAMMAR(text)
    if match is None or not text:
        raise _bad(text)
    minus, whole, fraction, suffix = match.groups()
    fraction = fraction or ""
    if suffix in DECIMAL_SUFFIXES:
        family: Format = "DecimalSI"
        exponent = DECIMAL_SUFFIXES[suffix]
    elif suffix in BINARY_SUFFIXES:
        family = "BinarySI"
        exponent = BINARY_SUFFIXES[suffix]
    elif suffix[:1] in ("e", "E") and re.fullmatch(r"[+-]?[0-9]{1,19}", suffix[1:]):
        parsed = int(suffix[1:])
        if not -INT64 <= parsed < INT64:
            raise _bad(text)
        family = "DecimalExponent"
        exponent = (parsed + 2**31) % 2**32 - 2**31  # the API server keeps 32 bits
    else:
        raise _bad(text)
    no_digits = not whole and not fraction
    whole = whole.lstrip("0")
    if text == "0":
        return Parsed(0, 0, "DecimalSI", text)
    sign = -1 if minus == "-" else 1
    digits = int((whole + fraction) or "0")
    small = _parse_small(text, sign, whole or "0", fraction, digits, exponent, family)
    if small is not None:
        return small
    if no_digits:  # only the API server's short cut takes `Ki` for 0Ki
        raise _bad(text)

    scale = -len(fraction)
    if family == "BinarySI":
        digits <<= exponent
    else:
        scale += exponent
    if scale < -9:
        digits, _ = digits_below(digits, -9 - scale)
        scale = -9
    if family == "BinarySI":
        if digits > (INT64 - 1) * ten(-scale):
            digits, scale = INT64 - 1, 0
        elif 0 < digits < ten(-scale):
            family = "DecimalSI"
    return Parsed(sign * digits, scale, family, "", small=False)


def _parse_small(
    text: str, sign: int, whole: str, fraction: str, digits: int, exponent: int, format: Format
) -> Parsed | None:
    """The quantity where the API server's short cut takes it; it then often gives the text back as written."""
    length = len(whole) + len(fraction)
    if format == "BinarySI":
        if fraction or 15 - length - exponent * 3 // 10 - 1 < 0:
            return None
        value = digits << exponent
        if value >= INT64:
            return None
        kept = text if exponent % 10 == 0 and digits & 7 else ""
        return Parsed(sign * value, 0, format, kept)
    scale = exponent - len(fraction)
    if length > _FAST_DIGITS or scale < -9:
        return None
    shifted = whole + fraction
    kept = text if scale % 3 == 0 and not shifted.endswith("000") and shifted[0] != "0" else ""
    return Parsed(sign * digits, scale, format, kept)
