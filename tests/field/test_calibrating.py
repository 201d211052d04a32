"""`calibrate` of listings over time: a rollout whose new pods have the place, and maybe the name, of old ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import User, asking, both

TCP = {"tcpSocket": {"port": 8000}}


@both
@pytest.mark.parametrize(("at", "old"), [(("0s", "15m", "2h"), 2), (("2h", "0s"), 2), (("2h",), 0)])
def test_every_new_pod_tells_its_load_whatever_was_there_before(
    user: User, workload: Callable[..., Any], at: tuple[str, ...], old: int
) -> None:
    user.plans(
        workload({**asking(npu=8), "readinessProbe": {**TCP, "periodSeconds": 2}}, replicas=3),
        cluster="3x8",
        timings={"profile": "zero", "weights": "599s"},
        update={"newRevision": True},
    )
    for time in at:
        listing = user.types("pods", "scenario.yaml", "--at", time, "-o", "kubectl")
        (user.folder / f"{time}.json").write_text(listing.stdout, encoding="utf-8")
    done = user.types("calibrate", *(f"{time}.json" for time in at), "--output", "learned.yaml")
    text = (user.folder / "learned.yaml").read_text(encoding="utf-8")
    assert done.returncode == 0, done.told
    assert "3 samples, 599s to 599s" in text, text
    assert "first start" not in text
    assert "no node" not in text
    assert "not Ready" not in text
    for note in ("of which it is not told when they got a node", "that are Ready, but not told since when"):
        assert (f"# {old} pods {note}" in text) == (old > 0)
