"""The selector language of a client's command line, in which the recorded tables write selectors.

Source: k8s.io/apimachinery pkg/labels/selector.go.
"""

from __future__ import annotations

import re
from typing import NoReturn

from kubeinfer_sim.manifest.kubernetes.labels import Requirement, requirement_errors
from kubeinfer_sim.manifest.kubernetes.names import qualified_name

_TOKEN = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),><])|([^ \t\r\n=!(),><\0]+)|(\0|$))")
_BINARY_OPERATORS = {"in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}


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
