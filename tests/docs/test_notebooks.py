"""The notebooks: whole, small, and as they were played last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import ROOT

FOLDER = ROOT / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))


def code_cells(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_each_notebook_was_played_from_start_to_end_without_an_error(path: Path) -> None:
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [each for cell in cells for each in cell["outputs"] if each["output_type"] == "error"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_what_may_be_changed_stands_in_the_first_cell_of_each_notebook_and_nowhere_else(path: Path) -> None:
    first, *others = ("".join(cell["source"]) for cell in code_cells(path))
    names = [line.split(" = ")[0] for line in first.splitlines() if " = " in line and line[0].isupper()]
    assert names
    for name in names:
        assert any(name in text for text in others), name
        assert not any(text.startswith(f"{name} = ") or f"\n{name} = " in text for text in others), name


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_each_picture_of_a_notebook_is_there_as_an_image_beside_the_interactive_one(path: Path) -> None:
    shown = [each["data"] for cell in code_cells(path) for each in cell["outputs"] if "data" in each]
    pictures = [data for data in shown if "application/vnd.plotly.v1+json" in data]
    assert pictures
    assert all("image/png" in data for data in pictures)
    assert not any("<script" in json.dumps(data) for data in shown)


def test_all_notebooks_together_are_below_three_megabytes_and_are_all_linked() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 3_000_000
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    assert BOOKS
    for path in BOOKS:
        assert f"../notebooks/{path.name}" in page
