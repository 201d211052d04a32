"""The man page is made from the commands."""

from __future__ import annotations

from command_line import ROOT

from kubeinfer_sim.cli.group import COMMANDS
from kubeinfer_sim.cli.man_page import man_page


def test_the_man_page_is_the_one_the_commands_make() -> None:
    page = (ROOT / "docs" / "man" / "kubeinfer-sim.1").read_text(encoding="utf-8")
    assert page == man_page()
    assert all(f"\n.SS {name}" in page for name in COMMANDS)
