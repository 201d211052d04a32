"""docs/published.md shows what is computed, number for number."""

from __future__ import annotations

import re

import pytest
from published.page import LONG, PAGE, SECTIONS, section

pytestmark = pytest.mark.any_version


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.sweep] if name in LONG else []) for name in SECTIONS]
)
def test_a_table_of_the_page_is_what_comes_out(name: str) -> None:
    (shown,) = section(name).findall(PAGE.read_text(encoding="utf-8"))
    assert shown == SECTIONS[name]()


def test_the_page_has_no_table_that_nobody_writes() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"<!-- /([a-z0-9-]+) -->", text) == list(SECTIONS)
    for name in SECTIONS:
        text = section(name).sub("", text)
    assert "\n|" not in text
