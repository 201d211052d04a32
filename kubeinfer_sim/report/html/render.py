"""A page as one file: its own style and script, Plotly's bundle, and the pictures as data.

Nothing of a name acts: texts are escaped wherever they stand, pictures are JSON without `<`, `>`, `&` and separators of
lines, and the page's policy lets no script run but the two that are written here, and no request leave it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

from kubeinfer_sim._version import __version__
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.file_kinds import PAGE_BEGINS
from kubeinfer_sim.manifest.render import printable
from kubeinfer_sim.report.html.page import Block, Cell, Page, Picture, Section, Table, Text, Verbatim

#: What would end the element that holds JSON, or a line of it, and how JSON spells it.
_IN_JSON = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"})
#: What is to be typed.
_CODE = re.compile("`([^`]+)`")
#: Characters of a text that wants room, and of one that wants some.
_LONG, _SHORT = 40, 14
#: Columns of a table whose rows are as well read one cell after the other where a line of a phone has no room for
#: them, and the characters that it has.
_FEW, _PHONE = 6, 44


def page_html(page: Page) -> str:
    """The page as text.

    Raises:
        UsageError: Plotly is not installed.
    """
    return "\n".join(_lines(page)) + "\n"


def _lines(page: Page) -> Iterator[str]:
    sections = [*page.sections, *page.end]
    pictures = any(isinstance(block, Picture) for each in sections for block in each.blocks)
    scripts = [*([_bundle()] if pictures else []), _own("page.js")]
    yield f"{PAGE_BEGINS} {__version__}: a page that needs no other file and sends no request. -->"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f'<meta name="generator" content="kubeinfer-sim {__version__}">'
    yield f"<title>{_text(page.title)}</title>"
    yield f"<style>\n{_own('page.css')}</style>"
    yield "</head>"
    yield "<body>"
    yield '<a class="skip" href="#content">To the content</a>'
    yield "<header>"
    yield f'<p class="subtitle">{_text(page.subtitle)}</p>'
    yield f'<h1 class="{page.tone}">{_text(page.verdict)}</h1>'
    yield '<dl class="numbers">'
    for number in page.numbers:
        note = f'<dd class="note">{_text(number.note)}</dd>' if number.note else ""
        yield f"<div><dt>{_text(number.name)}</dt><dd>{_text(number.value)}</dd>{note}</div>"
    yield "</dl>"
    yield "</header>"
    yield '<main id="content">'
    for place, section in enumerate(each for each in sections if each.blocks):
        yield from _section(section, place)
    yield "</main>"
    yield f"<footer>kubeinfer-sim {__version__}</footer>"
    yield '<p id="said" class="unseen" aria-live="polite"></p>'
    for script in scripts:
        yield f"<script>{script}</script>"
    yield "</body>"
    yield "</html>"


def _section(section: Section, place: int) -> Iterator[str]:
    yield f'<section aria-labelledby="section-{place}">'
    yield f'<h2 id="section-{place}">{_text(section.title)}</h2>'
    for number, block in enumerate(section.blocks):
        yield from _block(block, f"picture-{place}-{number}")
    yield "</section>"


def _block(block: Block, name: str) -> Iterator[str]:
    match block:
        case Picture():
            yield from _picture(block, name)
        case Table():
            yield from _table(block)
        case Text(as_list=True):
            yield f"<ul>{''.join(f'<li>{_prose(each)}</li>' for each in block.paragraphs)}</ul>"
        case Text():
            yield from (f"<p>{_prose(each)}</p>" for each in block.paragraphs)
        case Verbatim(title=""):
            yield f'<pre tabindex="0">{_lines_of(block.text)}</pre>'
        case Verbatim():
            folded = f'<pre tabindex="0">{_lines_of(block.text)}</pre>'
            yield f"<details><summary>{_text(block.title)}</summary>{folded}</details>"


def _picture(picture: Picture, name: str) -> Iterator[str]:
    plot = picture.plot
    height = plot.layout.get("height", 360)
    yield "<figure>"
    yield (
        f'<div class="picture" id="{name}" role="group" tabindex="0" style="min-height:{height:d}px" '
        f'aria-label="{_text(plot.label)}; arrow keys go from one mark to the next"></div>'
    )
    yield f'<script type="application/json">{_json({"data": plot.data, "layout": plot.layout})}</script>'
    if picture.caption:
        yield f"<figcaption>{_text(picture.caption)}</figcaption>"
    yield "</figure>"


def _table(table: Table) -> Iterator[str]:
    numeric = [_is_numeric(table.rows, place) for place in range(len(table.head))]
    kinds = [
        ' class="number"' if number else _width(table.rows, place) for place, number in enumerate(numeric)
    ]
    yield '<p class="edge" aria-hidden="true"></p>'
    yield '<div class="table" tabindex="0">'
    wide = sum(_longest(table.rows, place) + 2 for place in range(len(table.head))) > _PHONE
    yield '<table class="stacks">' if wide and 2 < len(table.head) <= _FEW else "<table>"
    if any(table.head):
        yield "<thead><tr>"
        for name, kind in zip(table.head, kinds, strict=True):
            yield f'<th scope="col"{kind}><button type="button">{_text(name)}</button></th>'
        yield "</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True))}</tr>"
    yield "</tbody></table></div>"
    more = f"… and {table.left_out:,} more. " if table.left_out else ""
    if more or table.caption:
        yield f'<p class="caption">{_text(more + table.caption)}</p>'


def _is_numeric(rows: Sequence[Sequence[str | Cell]], place: int) -> bool:
    """Whether the cells of a column are sorted by numbers, those of it that are not empty."""
    told = [row[place] for row in rows if row[place] != ""]
    return bool(told) and all(isinstance(each, Cell) and each.sort is not None for each in told)


def _width(rows: Sequence[Sequence[str | Cell]], place: int) -> str:
    """The class of a column of texts, by the longest: long ones want room where there is little, too."""
    longest = _longest(rows, place)
    return ' class="long"' if longest > _LONG else ' class="some"' if longest > _SHORT else ""


def _longest(rows: Sequence[Sequence[str | Cell]], place: int) -> int:
    """Characters of the longest cell of a column."""
    cells = (row[place] for row in rows)
    return max((len(each if isinstance(each, str) else each.text) for each in cells), default=0)


def _cell(cell: str | Cell, kind: str) -> str:
    if isinstance(cell, str):
        return f"<td{kind}>{_cell_text(cell)}</td>"
    sort = "" if cell.sort is None else f' data-sort="{cell.sort:.15g}"'
    text = _cell_text(cell.text)
    if cell.tone != "plain":
        text = f'<span class="{cell.tone}">{text}</span>'
    return f"<td{kind}{sort}>{text}</td>"


def _text(text: str) -> str:
    return html.escape(printable(text))


def _prose(text: str) -> str:
    """A text with what is to be typed between backticks."""
    return _CODE.sub(r"<code>\1</code>", _text(text))


def _cell_text(text: str) -> str:
    return "<br>".join(map(_text, text.split("\n")))


def _lines_of(text: str) -> str:
    return "\n".join(map(_text, text.splitlines()))


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_IN_JSON)


def _own(name: str) -> str:
    return (files("kubeinfer_sim.report.html") / name).read_text(encoding="utf-8")


def _bundle() -> str:
    """Plotly's own script, in the line breaks that a browser makes of all others."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise UsageError("a page with pictures needs Plotly: pip install 'kubeinfer-sim[report]'") from None
    text: str = get_plotlyjs()
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _policy(scripts: Sequence[str]) -> str:
    """No request, no script but these; Plotly sets styles, and makes an image of a picture whom it is asked for."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
