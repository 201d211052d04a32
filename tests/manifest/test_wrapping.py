"""Sentences in lines: no word is cut, and a command in backticks is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeinfer_sim.manifest.wrapping import cells, wrap


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a bb ccc", 4, ["a bb", "ccc"]),
        ("write `ks run a.yaml` now", 12, ["write", "`ks run a.yaml`", "now"]),
        ("see (`ks run a`), then", 9, ["see", "(`ks run a`),", "then"]),
        ("it`s a lone tick", 6, ["it`s a", "lone", "tick"]),
        ("名称 名称 ab", 6, ["名称", "名称", "ab"]),
        ("/a/very/long/path x", 5, ["/a/very/long/path", "x"]),
        ("  two  blanks", 20, ["  two  blanks"]),
        ("", 10, [""]),
    ],
)
def test_lines_end_between_words(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


def test_what_is_named_first_stays_whole_with_its_blanks() -> None:
    assert wrap("my own file.yaml:1:2: error: no such", 10, later="  ", whole=21) == [
        "my own file.yaml:1:2:",
        "  error:",
        "  no such",
    ]


def test_without_a_width_a_sentence_is_one_line() -> None:
    assert wrap("a " * 100 + "b", None) == ["a " * 100 + "b"]


@given(st.text(alphabet=" abc`名", max_size=60), st.integers(1, 30), st.integers(0, 4))
def test_nothing_is_lost_and_only_one_word_is_ever_too_long(text: str, width: int, hang: int) -> None:
    lines = wrap(text, width, later=" " * hang)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        inner = line.strip()
        assert cells(line) <= width or " " not in inner or "`" in inner or not inner
