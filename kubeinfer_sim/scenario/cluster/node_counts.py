"""How many nodes and NPUs are simulated at most; `8x8`, for 8 nodes of 8 NPUs, and how it is written."""

from __future__ import annotations

import re

from kubeinfer_sim.manifest.accelerators import family_of

MAX_NODES, MAX_NPUS = 100_000, 9_999
_MEANT = re.compile(r"\s*([+-]?[0-9]+)\s*(?:(?:[xX×*]|by)\s*([0-9]+)\s*)?")


def too_many_devices(resource: str, amount: int) -> str:
    """What is wrong with so much of a resource on one node; empty where nothing is."""
    family = family_of(resource) if amount > MAX_NPUS else None
    return (
        ""
        if family is None
        else f"at most {MAX_NPUS:,} {family.noun}s of a node are simulated, found {amount:,}"
    )


def is_short_form(text: str) -> bool:
    """Whether a text means `8x8`, rightly written or not, rather than a file."""
    return _MEANT.fullmatch(text) is not None


def number_alone(value: object) -> object:
    """The value as it is, where a text is expected.

    Raises:
        ValueError: it is a number of nodes alone, and the message says how it is written.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MAX_NODES:
            raise ValueError(
                f"{value}: between 1 and {MAX_NODES:,} nodes: write 8x8 for 8 nodes of 8 NPUs each"
            )
        raise ValueError(f"write {value}x8 for {value} {'node' if value == 1 else 'nodes'} of 8 NPUs each")
    return value


def parse_nodes(text: str) -> tuple[int, int]:
    """`8x8` → 8 nodes of 8 NPUs each.

    Raises:
        ValueError: another form, or a number out of range; the message says what would be right.
    """
    shown = repr(text) if len(text) <= 60 else f"{text[:60]!r}…"
    match = re.fullmatch(r"0*([0-9]+)x0*([0-9]+)", text.strip())
    if match is None:
        meant = _MEANT.fullmatch(text)
        right = "8x8 for 8 nodes of 8 NPUs each"
        if meant is not None and len(text) <= 60 and text.strip()[0] != "-":
            right = f"{meant[1]}x{meant[2]}" if meant[2] else f"{meant[1]}x8 for nodes of 8 NPUs"
        raise ValueError(f"{shown} is not a number of nodes: write {right}")
    for number, what, most in ((match[1], "nodes", MAX_NODES), (match[2], "NPUs of a node", MAX_NPUS)):
        if len(number) > len(str(most)) or int(number) > most:
            raise ValueError(f"{shown}: at most {most:,} {what} are simulated")
        if not int(number):
            raise ValueError(f"{shown}: between 1 and {MAX_NODES:,} nodes, each with at least 1 NPU")
    return int(match[1]), int(match[2])
