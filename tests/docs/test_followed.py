"""Pages whose commands build on one another: typed from the first to the last, each prints what its page shows."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from docs.followed import PAGES, follow


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_command_prints_what_its_page_shows_with_what_those_before_it_wrote(
    page: Path, tmp_path: Path
) -> None:
    assert follow(page, tmp_path) == page.read_text(encoding="utf-8")
    if page.stem == "tutorial":
        assert (tmp_path / "comment.md").is_file()
        assert (tmp_path / "report.html").is_file() == bool(find_spec("plotly"))
