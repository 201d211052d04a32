"""The image manager's decisions."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinfer_sim.cluster.kubelet.backoff import Backoff, BackoffLimits, ImageBackoff, PodWorkerRetry
from kubeinfer_sim.cluster.kubelet.image_manager import NodePulls
from kubeinfer_sim.cluster.kubelet.image_pull import (
    ImageError,
    failing_syncs,
    needs_pull,
    never_pulled,
    next_attempt,
)
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.rate_limit import TokenBucket
from kubeinfer_sim.manifest.model import Container
from kubeinfer_sim.scenario.cluster.model import NodeSpec

IMAGE_PRESENT = -1
GO_NAMES = {
    ImageError.INVALID_NAME: "ErrInvalidImageName",
    ImageError.NEVER_PULL: "ErrImageNeverPull",
}


def ms(seconds: float) -> int:
    return round(seconds * 1000)


class Puller:
    """EnsureImageExists, put together from the decisions that the kubelet's parts take one by one."""

    def __init__(self, case: dict[str, Any]) -> None:
        base, longest = (ms(case[key]) for key in ("backoff_base_s", "backoff_max_s"))
        self.case = case
        self.container = Container("engine", case["image"], image_pull_policy=case["policy"])
        self.backoff = ImageBackoff(Backoff(BackoffLimits(base, longest, 2 * longest)))
        qps = case["registry_qps"]
        self.pulls = NodePulls(TokenBucket(qps, case["registry_burst"]) if qps else None)
        self.node = Node(NodeSpec("n", "", {}))
        if case["present"]:
            self.node.images[case["image"]] = IMAGE_PRESENT

    def attempt(self, now: int) -> tuple[list[str], str | None]:
        """Calls to the runtime, and the error."""
        failed = never_pulled(self.container)
        if failed is ImageError.INVALID_NAME:
            return [], GO_NAMES[failed]
        calls = ["GetImageRef"]
        if self.case["inspect_error"] is not None:  # the runtime fails: in a run it never does
            return calls, "ErrImageInspect"
        if not needs_pull(self.container, self.node, now):
            return calls, None
        if failed is not None:
            return calls, GO_NAMES[failed]
        if self.backoff.next_pull(now) > now:
            return calls, "ErrImagePullBackOff"
        if self.pulls.admits(now):
            calls.append("PullImage")
            if self.case["pull_error"] is None:
                return calls, None
        self.backoff.record_failure(now)
        return calls, "ErrImagePull"


@pytest.mark.vectors("k8s_image_pull")
def test_attempts_one_after_the_other(case: dict[str, Any]) -> None:
    puller, now = Puller(case), 0
    for want in case["attempts"]:
        now += ms(case["clock_step_before_each_attempt_s"])
        assert puller.attempt(now) == (want["runtime_calls"], want["error"])


def test_a_token_bucket_starts_full_and_fills_at_its_rate() -> None:
    bucket = TokenBucket(5, 2)
    assert [bucket.try_accept(t) for t in (0, 0, 0, 199, 200, 201)] == [True, True, False, False, True, False]


def test_the_32_bit_rate_shows_in_a_loop_of_100_ms() -> None:
    fast, slow = TokenBucket(0.1, 1), TokenBucket(0.01, 1)
    assert fast.try_accept(0)
    assert slow.try_accept(0)
    assert fast.next_accept(0, 100) == 10_000
    assert slow.next_accept(0, 100) == 100_100
    assert slow.next_accept(50_000, 100) == 100_100


@pytest.mark.parametrize("near", [1, 600_000, *range(3_600_000, 7_200_000, 307_000), 7_199_999])
def test_the_attempts_of_two_hours_are_played_one_by_one(near: int) -> None:
    one_by_one = failing_syncs(0, 0, ImageBackoff(), PodWorkerRetry(), 1_000)
    due = next(sync.at for sync in one_by_one if sync.pulls and sync.at >= near)
    assert next_attempt(0, near, ImageBackoff(), PodWorkerRetry(), 1_000) == due


def test_of_a_year_only_the_last_hour_is_played() -> None:
    near = 365 * 86_400_000
    due = next_attempt(0, near, ImageBackoff(), PodWorkerRetry(), 1_000)
    assert near <= due <= near + 315_000, "the longest wait, and until the pod is tried again"


@pytest.mark.parametrize(("hours", "from_hour"), [(1, 0), (2, 1), (10, 9)])
def test_the_hours_before_the_last_one_are_left_out(hours: int, from_hour: int) -> None:
    first = next(failing_syncs(7, 7 + hours * 3_600_000, ImageBackoff(), PodWorkerRetry(), 1_000))
    assert first.at == 7 + from_hour * 3_600_000
