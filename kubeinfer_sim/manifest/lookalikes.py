"""Characters that look like those of YAML and are others: full-width punctuation, typographic quotes, odd blanks."""

from __future__ import annotations

import unicodedata

#: Look-alikes beside the full-width forms (U+FF01 to U+FF5E), which stand for the ASCII character 0xFEE0 below.
_OTHERS = {
    "\u3000": " ",
    "\u00a0": " ",
    "\u2003": " ",
    "\u3001": ",",
    "\u3002": ".",
    "\u201c": '"',
    "\u201d": '"',
    "\u2018": "'",
    "\u2019": "'",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u00d7": "x",
}
_FULL_WIDTH = 0xFEE0


def ascii_of(character: str) -> str:
    """The character of ASCII that one looks like; empty where it looks like none."""
    if "\uff01" <= character <= "\uff5e":
        return chr(ord(character) - _FULL_WIDTH)
    return _OTHERS.get(character, "")


def hint_on(text: str) -> str:
    """What to say of the look-alikes in a text that is wrong; empty where there is none.

    `"：" is FULLWIDTH COLON (U+FF1A): write ":"`
    """
    lookalikes = dict.fromkeys(
        character for character in text if not character.isascii() and ascii_of(character)
    )
    told = [
        f'"{each}" is {unicodedata.name(each)} (U+{ord(each):04X}): write "{ascii_of(each)}"'
        for each in list(lookalikes)[:3]
    ]
    return "; ".join(told)
