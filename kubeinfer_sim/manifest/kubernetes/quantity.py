"""Resource quantities (`1500m`, `64Gi`, `1e3`) with the API server's grammar, rounding and canonical form.

A quantity is held exactly, as a whole number times a power of ten, and nothing here takes time or memory that
grows with the exponent: `1e999999999` costs no more than `1`. Source: k8s.io/apimachinery pkg/api/resource
(quantity.go, suffix.go, amount.go, scale_int.go).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.kubernetes.quantity_text import (
    BINARY_SUFFIXES,
    DECIMAL_SUFFIXES,
    INT64,
    MAX_LENGTH,
    Format,
    QuantityError,
    digits_below,
    parse_quantity,
    ten,
)
from kubeinfer_sim.manifest.kubernetes.scalars import json_number

__all__ = ["MAX_DIGITS", "MAX_LENGTH", "ZERO", "Quantity", "QuantityError"]

#: Whole numbers read off a quantity stop at this power of ten.
MAX_DIGITS = 3000

_SUFFIX_OF_DECIMAL = {exponent: suffix for suffix, exponent in DECIMAL_SUFFIXES.items()}
_SUFFIX_OF_BINARY = {exponent: suffix for suffix, exponent in BINARY_SUFFIXES.items()}


class Quantity(Struct, frozen=True, eq=False):
    """An amount of a resource: exactly `unscaled * 10**scale`.

    Equality and order are those of the value: `1` equals `1000m`.

    Attributes:
        format: the family of suffixes it was written with, which the canonical form keeps.
        text: the text it was parsed from, where the API server gives that back unchanged.
        small: the API server holds it as an int64 and a scale (its other form is arbitrary precision).
    """

    unscaled: int
    scale: int = 0
    format: Format = "DecimalSI"
    text: str = ""
    small: bool = True

    @staticmethod
    def parse(text: str) -> Quantity:
        """Read a quantity.

        Raises:
            QuantityError: the text does not follow the grammar, or is longer than `MAX_LENGTH`.
        """
        if len(text) > MAX_LENGTH:
            raise QuantityError(f"a quantity has at most {MAX_LENGTH} characters, this has {len(text)}")
        return _parsed(text)

    @staticmethod
    def from_json(value: Any) -> Quantity:
        """Read a quantity from decoded data: a text, with blanks around it or not, or a bare number.

        Absence (None) is the quantity 0.

        Raises:
            QuantityError: the text is not a quantity, or the value is neither text nor number.
        """
        if value is None:
            return ZERO
        if isinstance(value, str):
            return Quantity.parse(value.strip(_BLANKS))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise QuantityError("a quantity is a text or a number (e.g. 500m, 64Gi, 8)")
        try:
            return Quantity.parse(json_number(value))
        except ValueError as error:
            raise QuantityError(str(error)) from error

    @property
    def sign(self) -> int:
        """-1, 0 or 1."""
        return (self.unscaled > 0) - (self.unscaled < 0)

    def scaled_value(self, scale: int) -> int:
        """The value in units of `10**scale`, rounded away from zero.

        Values below zero that are not `small` but fit an int64 as billionths are cut and then one is added, as
        the source's scaledValue does; where its int64 overflows, the exact number is given.
        """
        if not self.unscaled:
            return 0
        shift = self.scale - scale
        if shift >= 0:
            if shift > MAX_DIGITS:
                return self.sign * ten(MAX_DIGITS)
            return self.unscaled * ten(shift)
        rounded, exact = digits_below(self.unscaled, -shift)
        if not exact and rounded < 0 and not self.small and self.unscaled * ten(self.scale + 9) >= -INT64:
            rounded += 2
        return rounded

    def value(self) -> int:
        """The value as a whole number, rounded up (at most `10**MAX_DIGITS`)."""
        return self.scaled_value(0)

    def milli_value(self) -> int:
        """The value in thousandths, rounded up: millicores of cpu (at most `10**MAX_DIGITS`)."""
        return self.scaled_value(-3)

    def is_integer(self) -> bool:
        """The API server's test of resources that must be whole: thousandths divisible by 1000.

        Its thousandths are an int64 and overflow; so does this, so that `7Ei` is not whole here either.
        """
        if self.small:
            return self._small_milli() % 1000 == 0
        if self.scale == 0 and abs(self.unscaled) == INT64 - 1 and self.format == "BinarySI":
            return True  # capped at the largest int64, whose overflow is whole
        nano = self.unscaled * pow(10, self.scale + 9, 2**64) if self.unscaled else 0
        if self.unscaled < 0 or self.scaled_value(-9) < INT64 - 1:
            quotient, lost = divmod(abs(_wrap(nano)), 10**6)
            milli = (-quotient if _wrap(nano) < 0 else quotient) + bool(lost)
        else:
            milli = _wrap(self.scaled_value(-3))
        return milli % 1000 == 0

    def _small_milli(self) -> int:
        """The thousandths of a `small` amount as positiveScaleInt64 (math.go) reckons them.

        Where the int64 overflows, the powers with a multiplication of their own wrap and all others give 0.
        """
        shift = self.scale + 3
        if shift in (1, 2, 3, 6, 9):
            return _wrap(self.unscaled * ten(shift))
        milli = self.milli_value()
        return milli if -INT64 <= milli < INT64 else 0

    def round_up(self, scale: int) -> tuple[Quantity, bool]:
        """Round away from zero to a multiple of `10**scale`; also whether nothing was lost.

        Defaulting does so at -3 for everything in a resource list.
        """
        if self.scale >= scale:
            return self, True
        unscaled, exact = digits_below(self.unscaled, scale - self.scale)
        return Quantity(unscaled, scale, self.format, "", self.small), exact

    def canonical(self) -> str:
        """The canonical form: the largest suffix of the format that leaves a whole number.

        A decimal value with more than 18 zeros loses them beyond `E`, as the API server's own does.
        """
        if not self.unscaled:
            return "0"
        if self.format == "BinarySI" and (whole := self._binary()) is not None:
            exponent = 0
            while whole % 1024 == 0:
                whole //= 1024
                exponent += 10
            return f"{whole}{_SUFFIX_OF_BINARY.get(exponent, '')}"
        number = str(self.unscaled).rstrip("0")
        exponent = self.scale + len(str(self.unscaled)) - len(number)
        number += "0" * (exponent % 3)
        exponent -= exponent % 3
        if self.format == "DecimalExponent":
            return f"{number}e{exponent}" if exponent else number
        return number + _SUFFIX_OF_DECIMAL.get(exponent, "")

    def _binary(self) -> int | None:
        """The value if a binary suffix can show it: a whole number of at least 1024."""
        if self.scale >= 0:
            value = self.scaled_value(0)
        else:
            value, exact = digits_below(self.unscaled, -self.scale)
            if not exact:
                return None
        return value if abs(value) >= 1024 else None

    def __str__(self) -> str:
        return self.text or self.canonical()

    def compare(self, other: Quantity) -> int:
        """-1, 0 or 1 as this is less than, equal to or greater than the other."""
        if self.sign != other.sign or not self.unscaled:
            return (self.sign > other.sign) - (self.sign < other.sign)
        mine = len(str(abs(self.unscaled))) + self.scale  # order of magnitude
        others = len(str(abs(other.unscaled))) + other.scale
        if mine != others:
            return self.sign if mine > others else -self.sign
        shift = self.scale - other.scale
        a = self.unscaled * ten(max(shift, 0))
        b = other.unscaled * ten(max(-shift, 0))
        return (a > b) - (a < b)

    def add(self, other: Quantity) -> Quantity:
        """The sum, in this one's format unless this is 0.

        Of summands more than `MAX_DIGITS` digits apart the smaller one is lost.
        """
        family: Format = self.format if self.unscaled else other.format
        if not other.unscaled:
            return Quantity(self.unscaled, self.scale, family, "", self.small)
        if not self.unscaled:
            return Quantity(other.unscaled, other.scale, family, "", other.small)
        scale = min(self.scale, other.scale)
        if max(self.scale, other.scale) - scale > MAX_DIGITS:
            larger = self if self.scale > scale else other
            return Quantity(larger.unscaled, larger.scale, family, "", small=False)
        unscaled = self.unscaled * ten(self.scale - scale) + other.unscaled * ten(other.scale - scale)
        return Quantity(unscaled, scale, family, "", self.small and other.small and abs(unscaled) < INT64)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.compare(other) == 0

    def __ne__(self, other: object) -> bool:  # Struct has one of its own, which would not ask __eq__
        return not self == other

    def __lt__(self, other: Quantity) -> bool:
        return self.compare(other) < 0

    def __le__(self, other: Quantity) -> bool:
        return self.compare(other) <= 0

    def __gt__(self, other: Quantity) -> bool:
        return self.compare(other) > 0

    def __ge__(self, other: Quantity) -> bool:
        return self.compare(other) >= 0

    def __hash__(self) -> int:
        digits = str(self.unscaled).rstrip("0") if self.unscaled else ""
        return hash((digits, self.scale + len(str(self.unscaled)) - len(digits) if digits else 0))


ZERO = Quantity(0)

#: What Go's strings.TrimSpace removes and JSON does not escape.
_BLANKS = (
    " \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Quantity:
    return Quantity(*parse_quantity(text))


def _wrap(number: int) -> int:
    """A number as an int64 that overflowed."""
    return (number + INT64) % (2 * INT64) - INT64
