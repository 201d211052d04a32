"""The image manager's decisions."""

from __future__ import annotations

from typing import Any

import pytest

from kubeinfer_sim.cluster.kubelet.backoff import Backoff, BackoffLimits, ImageBackoff
from kubeinfer_sim.cluster.kubelet.image_pull import ImageError, ImagePuller
from kubeinfer_sim.cluster.rate_limit import TokenBucket

GO_NAMES = {
    ImageError.INVALID_NAME: "ErrInvalidImageName",
    ImageError.INSPECT: "ErrImageInspect",
    ImageError.BACK_OFF: "ErrImagePullBackOff",
}


def ms(seconds: float) -> int:
    return round(seconds * 1000)


@pytest.mark.vectors("k8s_image_pull")
def test_attempts_one_after_the_other(case: dict[str, Any]) -> None:
    base, longest = (ms(case[key]) for key in ("backoff_base_s", "backoff_max_s"))
    limits = BackoffLimits(base, longest, 2 * longest)
    qps = case["registry_qps"]
    puller = ImagePuller(
        case["image"],
        case["policy"],
        ImageBackoff(Backoff(limits)),
        TokenBucket(qps, case["registry_burst"]) if qps else None,
    )
    now = 0
    for want in case["attempts"]:
        now += ms(case["clock_step_before_each_attempt_s"])
        outcome = puller.attempt(now, present=case["present"], inspectable=case["inspect_error"] is None)
        error = outcome if isinstance(outcome, ImageError) else None
        calls = [] if error is ImageError.INVALID_NAME else ["GetImageRef"]
        if outcome is True:
            calls.append("PullImage")
            if case["pull_error"] is not None:
                puller.failed(now)
                error = ImageError.PULL
        assert calls == want["runtime_calls"]
        assert (GO_NAMES.get(error, error) if error else None) == want["error"]


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
