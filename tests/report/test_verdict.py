from __future__ import annotations

import pytest
from report_samples import SAMPLES, sample

# A start on a node that ran the old revision takes 3 + 1 + 3 + 5 + 60 + 20 + 41 + 774 + 30 = 937 s (image and
# weights are warm), one on a spare node 2,385 s, a stop 32 s. Five instances: the spare is ready at 2,385 s, the
# place it frees at 2,417 s is ready at 3,354 s. Four: the third place is ready at 3 x (32 + 937) = 2,907 s.
SENTENCES = {
    "one instance": (True, "The update completes in 40m15s; at least 1 of 1 instance stays ready."),
    "five instances": (True, "The update completes in 55m51s; at least 4 of 5 instances stay ready."),
    "no room": (
        False,
        "The update never finishes: infer-4 needs 3 nodes × 8 huawei.com/ascend-1980; no such node is free; "
        "fewer pods there or more nodes would let it go on; with maxUnavailable 1 an old instance would make room; "
        "at least 4 of 4 instances stay ready.",
    ),
    "bad image": (
        False,
        "The update never finishes: infer-3 does not become ready: prefill-0: ImagePullBackOff: bad:1: the registry "
        "has no such image; a registry that gives it, or an update "
        "with another image, would let it go on; 1 of 4 instances missing for good.",
    ),
    "never ready": (
        False,
        "The update never finishes: infer-3 does not become ready (in weights); "
        "1 of 4 instances missing for good.",
    ),
    "same template": (
        False,
        "Nothing happened: what is applied is what is running (the role templates are the same).",
    ),
    "no action": (False, "Nothing happened: the scenario neither changes nor disturbs what is running."),
    "scale": (True, "The update completes in 1h29m; at least 3 instances stay ready."),
    "scale to zero": (True, "Scaling to 0 instances completes in 32s."),
    "drain": (
        True,
        "All 4 instances are ready in the end; at least 3 of 4 instances stay ready "
        "(drain of node-0 at 10m: 2,415.4 instance-seconds).",
    ),
    "creation": (True, "All 4 instances are ready after 39m43s."),
    "creation without room": (
        False,
        "The deployment never finishes: infer-3 needs 3 nodes × 8 huawei.com/ascend-1980; no such node is "
        "free; more nodes would let it go on; 1 of 4 instances missing for good.",
    ),
    "horizon": (
        False,
        "The update is not finished at the horizon of 33m: 1 of 4 instances new and ready.",
    ),
    "objective missed": (
        False,
        "The update completes in 48m22s; at least 3 of 4 instances stay ready, but 1 of 1 objective missed: "
        "at least 4 ready (measured: 3).",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_one_plain_sentence_says_how_it_came_out(name: str) -> None:
    verdict = sample(name).verdict
    assert (verdict.holds, verdict.sentence) == SENTENCES[name]


def test_the_newest_of_several_updates_is_named() -> None:
    assert sample("rollback").verdict.sentence.startswith("The last of 2 updates completes in ")


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "a thousand instances"])
def test_a_green_run_settled_did_something_and_lacks_nothing(name: str) -> None:
    assessment = sample(name)
    if assessment.verdict.holds:
        assert assessment.measures.outcome == "completes"
        assert assessment.measures.losing == 0
        assert all(each.judgement == "held" for each in assessment.judged)
