"""From when to when somebody may count on a workload."""

from __future__ import annotations

import pytest

from kubeinfer_sim.metrics.owed import owed_until


@pytest.mark.parametrize(("deleted", "until"), [(None, 100), (50, 49), (10, 10)])
def test_it_is_owed_until_the_instant_before_somebody_deletes_it(deleted: int | None, until: int) -> None:
    assert owed_until(10, 100, deleted) == until
