"""Label selectors: requirements, their checks, the selector language, and matching.

The operators are those of the selector language (`in`, `notin`, `=`, `==`, `!=`, `exists`, `!`, `gt`, `lt`).
Source: k8s.io/apimachinery pkg/labels/selector.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from kubeinfer_sim.manifest.kubernetes.names import label_value, qualified_name

_SPECIAL = "=!(),><"
_TOKEN = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),><])|([^ \t\r\n=!(),><\0]+)|(\0|$))")
_BINARY_OPERATORS = {"in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}").fullmatch


def parse_int64(text: str) -> int | None:
    """A base-10 integer of 64 bits as Go's strconv.ParseInt reads it, None for anything else."""
    if not _INTEGER(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on the labels of an object; unchecked, see `requirement_errors`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet the requirement. A malformed one is never met."""
        value = labels.get(self.key)
        match self.operator:
            case "in" | "=" | "==":
                return value is not None and value in self.values
            case "notin" | "!=":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "gt" | "lt":
                if value is None or len(self.values) != 1:
                    return False
                number, bound = parse_int64(value), parse_int64(self.values[0])
                if number is None or bound is None:
                    return False
                return number > bound if self.operator == "gt" else number < bound
        return False


def requirement_errors(key: str, operator: str, values: Sequence[str]) -> list[tuple[str, str]]:
    """What is wrong with a requirement: pairs of field (`key`, `values`, `values[0]` ...) and message."""
    errors: list[tuple[str, str]] = []
    if messages := qualified_name(key):
        errors.append(("key", "; ".join(messages)))
    match operator:
        case "in" | "notin":
            if not values:
                errors.append(("values", "must have at least one value for operators In and NotIn"))
        case "=" | "==" | "!=":
            if len(values) != 1:
                errors.append(("values", f"must have exactly one value, has {len(values)}"))
        case "exists" | "!":
            if values:
                errors.append(("values", "must be empty for operators Exists and DoesNotExist"))
        case "gt" | "lt":
            if len(values) != 1:
                errors.append(("values", f"must have exactly one value for Gt and Lt, has {len(values)}"))
            errors += [
                (f"values[{i}]", "must be an integer for operators Gt and Lt")
                for i, value in enumerate(values)
                if parse_int64(value) is None
            ]
        case _:
            errors.append(("operator", f"is not a known operator: {operator!r}"))
    for i, value in enumerate(values):
        if messages := label_value(value):
            errors.append((f"values[{i}][{key}]", "; ".join(messages)))
    return errors


def matches_all(requirements: Iterable[Requirement], labels: Mapping[str, str]) -> bool:
    """Whether labels meet every requirement; no requirements are met by anything."""
    return all(requirement.matches(labels) for requirement in requirements)


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """Read a selector such as `app=infer,tier in (a, b),!canary`, sorted by key.

    Values of a set are sorted and without duplicates.

    Raises:
        ValueError: the text is not a selector; the message says what was found where what was expected.
    """
    return _Parser(text).parse()


class _Parser:
    """Recursive descent over the tokens; `in` and `notin` are plain words wherever a word is expected."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, bool]] = []  # text, whether it is a word
        position = 0
        while True:
            match = _TOKEN.match(text, position)
            if match is None or match.group(3) is not None:
                break
            position = match.end()
            self.tokens.append((match.group(1) or match.group(2), match.group(2) is not None))
        self.tokens.append(("", False))  # end of text
        self.position = 0

    @property
    def ahead(self) -> tuple[str, bool]:
        return self.tokens[self.position]

    def take(self) -> tuple[str, bool]:
        token = self.tokens[self.position]
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def fail(self, expected: str, actual: str) -> NoReturn:
        raise ValueError(
            f"found {actual!r}, expected {expected}" if actual else f"ends where {expected} is missing"
        )

    def parse(self) -> tuple[Requirement, ...]:
        requirements: list[Requirement] = []
        while self.ahead[0] or self.ahead[1]:
            if not self.ahead[1] and self.ahead[0] != "!":
                self.fail("a label key or '!'", self.ahead[0])
            requirements.append(self.requirement())
            text, _ = self.take()
            if not text:
                break
            if text != ",":
                self.fail("',' or the end", text)
            if not self.ahead[1] and self.ahead[0] != "!":
                self.fail("a label key after ','", self.ahead[0])
        return tuple(sorted(requirements, key=lambda requirement: requirement.key))

    def requirement(self) -> Requirement:
        absent = self.ahead[0] == "!"
        if absent:
            self.take()
        key, is_word = self.take()
        if not is_word:
            self.fail("a label key", key)
        if messages := qualified_name(key):
            raise ValueError(f"label key {key!r}: {'; '.join(messages)}")
        values: tuple[str, ...] = ()
        if absent:
            operator = "!"
        elif self.ahead[0] in ("", ","):
            operator = "exists"
        else:
            word, _ = self.take()
            if word not in _BINARY_OPERATORS:
                self.fail("one of in, notin, =, ==, !=, >, <", word)
            operator = _BINARY_OPERATORS[word]
            values = self.value_set() if operator in ("in", "notin") else (self.exact_value(),)
        if errors := requirement_errors(key, operator, values):
            raise ValueError("; ".join(f"{where}: {message}" for where, message in errors))
        return Requirement(key, operator, values)

    def exact_value(self) -> str:
        if self.ahead[0] in ("", ","):
            return ""
        text, is_word = self.take()
        if not is_word:
            self.fail("a value", text)
        return text

    def value_set(self) -> tuple[str, ...]:
        text, _ = self.take()
        if text != "(":
            self.fail("'('", text)
        values: set[str] = set()
        last = ","
        while True:
            text, is_word = self.take()
            if is_word:
                if last != ",":
                    self.fail("',' or ')'", text)
                values.add(text)
            elif text in (",", ")"):
                if last == ",":  # nothing between two commas or at an end is the empty value
                    values.add("")
                if text == ")":
                    return tuple(sorted(values))
            else:
                self.fail("',', ')' or a value", text)
            last = "," if text == "," and not is_word else "word"
