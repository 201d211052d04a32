"""Plays the notebooks from start to end: `python notebooks/run.py [NAME...]` keeps what they show.

With `--check` nothing is written: a notebook that fails, or shows another text or picture less than it keeps, is named.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def played(path: Path) -> Any:
    """The notebook with what its cells show now, and nothing of when and where that was."""
    book = nbformat.read(path, as_version=4)
    NotebookClient(
        book,
        timeout=120,
        kernel_name="python3",
        coalesce_streams=True,  # else what is printed comes in as many pieces as the kernel happens to send
        resources={"metadata": {"path": str(HERE)}},
    ).execute()
    for cell in book.cells:
        cell.metadata = nbformat.NotebookNode()
    book.metadata = nbformat.NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    return book


def shown(book: Any) -> list[tuple[str, ...]]:
    """What each cell shows: its texts, and which forms of pictures there are (their bytes are Matplotlib's affair)."""
    return [
        tuple(
            output.get("text")
            or "\n".join(
                f"{form}: {data if form.startswith('text/') else ''}"
                for form, data in sorted(output.data.items())
            )
            for output in cell.get("outputs", ())
        )
        for cell in book.cells
    ]


def main() -> int:
    """0: all play, and show what they keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="notebooks; without any, all")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    asked = parser.parse_args()
    others = 0
    for path in sorted(HERE.glob("*.ipynb")):
        if asked.names and path.stem not in asked.names and path.name not in asked.names:
            continue
        now = played(path)
        kept = shown(nbformat.read(path, as_version=4))
        if not asked.check:
            nbformat.write(now, path)
        elif other := [
            at for at, pair in enumerate(zip(kept, shown(now), strict=True)) if pair[0] != pair[1]
        ]:
            others += 1
            for at in other:
                print(f"{path.name}, cell {at + 1} keeps\n{kept[at]}\nand shows\n{shown(now)[at]}")
            continue
        print(f"{path.name}: played")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
