"""The option `--vectors DIR` of this project's own tests, known to pytest from the start.

pytest takes what follows an option it does not know yet for a path to tests, and then looks for the
configuration and the conftest files beside that path. An option that takes a folder must therefore come from
an installed plugin. Anywhere but in a checkout of this project it adds nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

#: In a checkout, seen from its root.
_TABLES = Path("tests", "vectors")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option; the tests' conftest reads it."""
    if _TABLES.is_dir() and Path("kubeinfer_sim", "testing").is_dir():
        add_vectors_option(parser, _TABLES.absolute())


def add_vectors_option(parser: pytest.Parser, default: Path) -> None:
    """Add `--vectors DIR` to a parser.

    Raises:
        ValueError: it has one already.
    """
    parser.addoption("--vectors", metavar="DIR", default=str(default), help="folder of the vector tables")
