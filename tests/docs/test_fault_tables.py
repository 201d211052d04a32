"""The tables of docs/faults.md are the rows of the program."""

from __future__ import annotations

from docs import fault_tables


def test_the_tables_of_faults_are_current() -> None:
    assert fault_tables.page() == fault_tables.PAGE.read_text(encoding="utf-8"), (
        "python tests/docs/fault_tables.py --write"
    )
