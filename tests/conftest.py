"""Tables from `vectors/` as test data: one test per case, in whichever folder `--vectors` names.

    @pytest.mark.vectors("k8s_tolerations")
    def test_toleration_matches_taint(case): ...

`case` is one entry of the table's `cases` (or of the list named by `key`). A table that is not in the
folder is skipped.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vectors", metavar="DIR", default=str(HERE / "vectors"), help="folder of the vector tables"
    )
    parser.addoption("--sweep", action="store_true", help="also run the long sweeps")


@cache
def load_table(folder: str, name: str) -> dict[str, Any] | None:
    """The table `name` (.json or .json.gz) of a folder, None when it is not there."""
    for suffix in (".json", ".json.gz"):
        path = Path(folder) / f"{name}{suffix}"
        if path.is_file():
            raw = path.read_bytes()
            return json.loads(gzip.decompress(raw) if suffix.endswith(".gz") else raw)
    return None


def case_id(index: int, case: Any) -> str:
    if isinstance(case, dict):
        for key in ("id", "name", "test", "note", "description"):
            if isinstance(case.get(key), str | int):
                return f"{index}-{str(case[key])[:60]}"
    return str(index)


def pytest_make_parametrize_id(config: pytest.Config, val: Any, argname: str) -> str | None:
    """Names that are the same in every process: no addresses of functions."""
    return val.__name__ if callable(val) and hasattr(val, "__name__") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for mark in metafunc.definition.iter_markers("vectors"):
        if "case" not in metafunc.fixturenames or not mark.args:
            continue
        name, key = mark.args[0], mark.kwargs.get("key", "cases")
        table = load_table(metafunc.config.getoption("--vectors"), name)
        if table is None or key not in table:
            reason = f"no {name}.json(.gz) with {key!r} in the vectors folder"
            metafunc.parametrize("case", [pytest.param(None, marks=pytest.mark.skip(reason=reason), id=name)])
            continue
        cases = table[key]
        metafunc.parametrize("case", cases, ids=[case_id(i, c) for i, c in enumerate(cases)])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--sweep"):
        skip = pytest.mark.skip(reason="a long sweep: give --sweep")
        for item in items:
            if item.get_closest_marker("sweep"):
                item.add_marker(skip)
