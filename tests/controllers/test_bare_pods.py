"""Pods that nobody controls: what is told of those that find no place."""

from __future__ import annotations

import pytest
from field.user import User, asking, bare_pod


@pytest.mark.parametrize("initial", ["empty", "running"])
def test_one_without_a_place_is_explained_when_it_was_looked_at_and_one_that_has_one_is_not(
    user: User, initial: str
) -> None:
    user.plans(
        bare_pod(asking(npu=8), name="first"),
        bare_pod(asking(npu=8), name="second"),
        cluster="1x8",
        initial=initial,
        horizon="1m",
    )
    told = user.types("why", "scenario.yaml", "--at", "30s").stdout
    assert "0s       second needs 1 node × 8" in told
    assert "first needs" not in told
