"""What a kubelet's pod worker does, and in which order (pkg/kubelet/pod_workers.go)."""

from __future__ import annotations

from field.user import User, asking, kubeinfer


def test_a_container_that_ends_in_the_instant_of_its_verdict_is_not_killed_as_well(user: User) -> None:
    # The engines load for longer than their liveness probes wait, and exit when a peer is lost for a minute.
    probe = {"livenessProbe": {"exec": {"command": ["sh"]}}}
    pods = kubeinfer({**asking(npu=1), **probe}, replicas=1, terminationGracePeriodSeconds=10)
    role = pods["spec"]["template"]["spec"]["roles"][0]
    role |= {"replicas": 2, "recoveryPolicy": {"restart": "Custom"}}
    user.plans(
        pods,
        cluster="1x4",
        timings={},
        assumptions={"peerLossTimeout": "1m"},
        horizon="3h",
    )
    assert user.runs()[0].returncode in (0, 1)
