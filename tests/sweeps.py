"""Long sweeps in blocks: `--sweep` runs some of them, the same each time, `--sweep --whole` all.

So `.ci/run` stays under half an hour, and whoever has a night looks at everything.
"""

from __future__ import annotations

from typing import Any

import pytest


def blocks(count: int, *, of_ci: int, first: int = 0) -> list[Any]:
    """The numbers of `count` blocks, from `first` on: some that `--sweep` takes, the others for `--whole`."""
    return [pytest.param(first + i, marks=pytest.mark.sweep(whole=i >= of_ci)) for i in range(count)]
