"""A page is one file in which nothing acts but its own two scripts, whatever names say."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from report.html.pages import BUNDLE, Read, small_bundle

from kubeinfer_sim.report.html.page import Cell, Number, Page, Picture, Section, Table, Text, Verbatim
from kubeinfer_sim.report.html.render import page_html
from kubeinfer_sim.report.plots.plot import Plot, layout, name_axis, said, sentence_axis

__all__ = ["small_bundle"]

EVIL = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "</title></style></pre><svg/onload=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "<!-- --><b>bold</b>",
    "<a href='javascript:alert(1)'>x</a>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "line\u2028and\u2029paragraph",
    "%{x} $\\alpha$ ]]>",
    "\x1b[31mred\x1b[0m\x00",
]
#: All elements that a page is made of.
OURS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "p",
        "h1",
        "dl",
        "div",
        "dt",
        "dd",
        "main",
    ),
    *(
        "section",
        "h2",
        "figure",
        "script",
        "figcaption",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "button",
        "span",
    ),
    *("ul", "li", "details", "summary", "pre", "footer"),
}


def page_of(text: str) -> Page:
    """A page that has a text wherever one may stand."""
    trace = {"type": "bar", "name": text, "x": [1], "y": [0], "hovertext": [said(text)]}
    plot = Plot(text, [trace], layout(200, xaxis=sentence_axis([text]), yaxis=name_axis([text])))
    blocks = [
        Picture(plot, text),
        Table((text, "b"), [(text, Cell(text, 1.5, "bad"))], text, 3),
        Text([text]),
        Text([text], as_list=True),
        Verbatim(text),
        Verbatim(f"{text}\n{text}", title=text),
    ]
    return Page(
        text,
        text,
        text,
        "good",
        [Number(text, text, text)],
        [Section(text, blocks)],
        [Section(text, [Text([text])])],
    )


@pytest.mark.parametrize("text", EVIL)
def test_nothing_in_a_text_becomes_an_element_an_attribute_or_a_script(text: str) -> None:
    plain, evil = Read(page_html(page_of("x" * len(text)))), Read(page_html(page_of(text)))
    assert evil.tags <= OURS
    assert [(tag, sorted(attributes)) for tag, attributes in evil.elements] == [
        (tag, sorted(attributes)) for tag, attributes in plain.elements
    ]
    assert evil.scripts == plain.scripts
    assert evil.figures[0]["data"][0]["name"] == text  # as data it is what it was
    assert "\u2028" not in page_html(page_of(text))


@pytest.mark.parametrize("text", EVIL)
def test_texts_in_pictures_have_no_tag_but_breaks_and_no_entity_of_their_own(text: str) -> None:
    vertical, horizontal = name_axis([text])["ticktext"][0], sentence_axis([text])["ticktext"][0]
    for told in (said(text), vertical, horizontal):
        assert re.findall("<(?!br>)", told) == []
        assert re.findall("&(?!(?:amp|lt|gt);)", told) == []


def test_the_policy_names_the_scripts_there_are_and_lets_no_request_go() -> None:
    read = Read(page_html(page_of("x")))
    policy = next(
        each["content"] or "" for tag, each in read.elements if tag == "meta" and "http-equiv" in each
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in read.scripts]
    assert rules["script-src"].split() == [f"'sha256-{each}'" for each in hashes]
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data: blob:")
    assert read.scripts[0] == BUNDLE


def test_a_page_without_pictures_does_without_the_bundle() -> None:
    page = Page("t", "s", "v", "open", [], [Section("empty", []), Section("told", [Text(["x"])])], [])
    read = Read(page_html(page))
    assert len(read.scripts) == 1
    assert "empty" not in read.text
    assert "told" in read.text


def test_a_column_of_numbers_is_sorted_by_them_and_says_what_was_left_out() -> None:
    table = Table(("name", "n"), [("a", Cell("10s", 10)), ("b", Cell("9s", 9)), ("c", "")], "A caption.", 4)
    page = page_html(Page("t", "s", "v", "good", [], [Section("one", [table])], []))
    assert '<th scope="col" class="number"><button type="button">n</button></th>' in page
    assert '<td class="number" data-sort="10">10s</td>' in page
    assert "… and 4 more. A caption." in page


def test_lines_of_a_cell_stand_one_below_the_other() -> None:
    table = Table(("name", "what"), [("Finishes", "with 8 more nodes\nwith <b>maxUnavailable</b> 1")])
    page = page_html(Page("t", "s", "v", "good", [], [Section("one", [table])], []))
    assert ">with 8 more nodes<br>with &lt;b&gt;maxUnavailable&lt;/b&gt; 1</td>" in page


def test_what_is_to_be_typed_stands_in_letters_of_equal_width_and_is_escaped() -> None:
    page = page_html(
        Page("t", "s", "v", "good", [], [Section("one", [Text(["use: `get <b> > x`; a ` b"])])], [])
    )
    assert "<p>use: <code>get &lt;b&gt; &gt; x</code>; a ` b</p>" in page


@pytest.mark.parametrize(
    ("row", "stacks"),
    [
        (("timings.bind", "constant 600ms", "recorded runs of Volcano"), True),
        (("a", "b", "c"), False),
        (("Update", "a text of two columns goes on in its own column, on a phone, too"), False),
        (tuple(["a column of many"] * 7), False),
    ],
)
def test_on_a_phone_rows_that_have_no_room_are_read_one_cell_after_the_other(
    row: tuple[str, ...], stacks: bool
) -> None:
    table = Table(row, [row])
    page = page_html(Page("t", "s", "v", "good", [], [Section("one", [table])], []))
    assert ('<table class="stacks">' in page) is stacks
