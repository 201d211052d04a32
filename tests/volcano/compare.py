"""Recorded runs of Volcano (`golden_volcano`) beside their simulation: the options are those of `tests/e2e/compare.py`."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from e2e.compare import main  # noqa: E402
from volcano.runs import NOT_YET, READER  # noqa: E402

if __name__ == "__main__":
    sys.exit(main("golden_volcano", READER, NOT_YET))
