"""Kubernetes' own tables of the Deployment and ReplicaSet controllers."""

from __future__ import annotations

from functools import cmp_to_key
from types import SimpleNamespace
from typing import Any

import pytest

from kubeinfer_sim.controllers.deployment import progress, rolling
from kubeinfer_sim.controllers.deployment.deletion_ranking import compare
from kubeinfer_sim.controllers.deployment.members import Member
from kubeinfer_sim.controllers.deployment.progress import BestSoFar, Counts, Progressing, Status
from kubeinfer_sim.controllers.deployment.replica_pod import ReplicaPod
from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet, ReplicaSetStatus, slow_start_batch
from kubeinfer_sim.controllers.deployment.rolling import Bounds
from kubeinfer_sim.controllers.deployment.scaling import scaled
from kubeinfer_sim.manifest.kubernetes.fenceposts import resolve_fenceposts
from kubeinfer_sim.manifest.kubernetes.intstr import parse_int_or_percent
from kubeinfer_sim.manifest.model import Container, Deployment, PodTemplate, RollingUpdate

Case = dict[str, Any]

NOW = 10**10  # ms
TEMPLATE = PodTemplate(containers=(Container("c", "image"),))


def bounds(case: Case, replicas: int | None) -> Bounds:
    """A case's budgets resolved; what a case leaves out is 0, RollingUpdate, and 1 replica."""
    budgets = RollingUpdate(
        parse_int_or_percent(case.get("max_surge") or 0),
        parse_int_or_percent(case.get("max_unavailable") or 0),
    )
    strategy = case.get("strategy") or "RollingUpdate"
    replicas = 1 if replicas is None else replicas
    return Bounds.of(
        Deployment("foo", TEMPLATE, replicas=replicas, strategy=strategy, rolling_update=budgets)
    )


def replica_set(number: int, replicas: int, available: int = 0, **fields: Any) -> ReplicaSet:
    status = ReplicaSetStatus(replicas, available, available, 0, 1)
    return ReplicaSet(number, Deployment("foo", TEMPLATE), replicas, status=status, **fields)


@pytest.mark.vectors("k8s_deployment_complete")
def test_complete(case: Case) -> None:
    status = Status(Counts(case["current"], case["updated"], 0, case["available"]), 1)
    assert progress.complete(status, case["desired"], 1) is case["expected"]


@pytest.mark.vectors("k8s_deployment_max_unavailable")
def test_max_unavailable(case: Case) -> None:
    spec = case["deployment"]
    assert bounds(spec, spec.get("replicas")).max_unavailable == case["expected"]


@pytest.mark.vectors("k8s_deployment_min_available")
def test_min_available(case: Case) -> None:
    spec = case["deployment"]
    assert bounds(spec, spec.get("replicas")).guaranteed == case["expected"]


@pytest.mark.vectors("k8s_deployment_new_rs_new_replicas")
def test_size_of_the_new_replica_set(case: Case) -> None:
    size, total = case["new_rs_replicas"], case["all_rs_replicas_total"]
    limits = bounds(case, case["deployment_replicas"])
    assert rolling.new_replica_set_size(size, total, limits) == case["expected"]


@pytest.mark.vectors("k8s_deployment_progressing")
def test_progress(case: Case) -> None:
    before, after = (
        Counts(each["current"], each["updated"], each["ready"], each["available"])
        for each in (case["old_status"], case["new_status"])
    )
    assert progress.progressed(before, after) is case["expected"]


@pytest.mark.vectors("k8s_deployment_timed_out")
def test_progress_deadline(case: Case) -> None:
    updated, now = ((case[key] or 0) * 1000 for key in ("condition_last_update_s", "now_s"))
    deadline = progress.deadline_ms(case["progress_deadline_seconds"])
    current = Progressing("True", case["condition_reason"], updated)
    assert progress.timed_out(current, deadline, now) is case["expected"]


@pytest.mark.vectors("k8s_deployment_resolve_fenceposts")
def test_fenceposts(case: Case) -> None:
    surge, unavailable = (
        case[key] if case[key] is not None else 0 for key in ("max_surge", "max_unavailable")
    )
    if case["expect_error"]:
        with pytest.raises(ValueError, match="percentage"):
            resolve_fenceposts(surge, unavailable, case["desired"])
    else:
        posts = resolve_fenceposts(surge, unavailable, case["desired"])
        assert (posts.surge, posts.unavailable) == (case["expect_surge"], case["expect_unavailable"])


@pytest.mark.vectors("k8s_deployment_proportional_scaling")
def test_proportional_scaling(case: Case) -> None:
    names: dict[ReplicaSet, str] = {}

    def made(row: Case) -> ReplicaSet:
        status = row.get("Status") or row.get("status") or {}
        available = status.get("AvailableReplicas", row.get("available", 0))
        each = replica_set(
            ages.index(row["created"]),
            row["replicas"],
            available,
            desired=row.get("annotation_desired_replicas"),
            maximum=row.get("annotation_max_replicas"),
        )
        names[each] = row["name"]
        return each

    rows = [*case["old_rss"], case["new_rs"]] if case["new_rs"] else case["old_rss"]
    ages = sorted(row["created"] for row in rows)
    new = made(case["new_rs"]) if case["new_rs"] else None
    old = [made(row) for row in case["old_rss"]]
    limits = bounds(case["deployment"], case["deployment"]["replicas"])
    sizes = {row["name"]: row["replicas"] for row in rows}
    changes = scaled(new, old, limits, total=sum(sizes.values()))
    sizes.update({names[each]: size for each, size in changes})
    assert sizes == case["expected_replicas_by_rs"]


def test_of_replica_sets_that_nobody_knows_the_share_of_the_largest_gets_all() -> None:
    """GetReplicaSetProportion: their annotations are missing and the Deployment reports no pods, so each share is 0."""
    old, new = replica_set(1, 3), replica_set(2, 2)
    assert scaled(new, [old], bounds({}, 10), total=0) == [(old, 8), (new, 2)]


def test_of_replica_sets_without_pods_the_newest_is_scaled_where_none_is_of_the_present_template() -> None:
    """FindActiveOrLatest."""
    first, second = replica_set(1, 0), replica_set(2, 0)
    assert scaled(None, [second, first], bounds({}, 3), total=0) == [(second, 3)]


@pytest.mark.vectors("k8s_deployment_rolling_cleanup_unhealthy")
def test_clean_up_of_unhealthy_pods(case: Case) -> None:
    old = replica_set(1, case["old_rs_replicas"], case["old_rs_available"])
    [size] = rolling.clean_up_unhealthy([old], case["max_cleanup_count"])
    assert old.replicas - size == case["expected_cleanup_count"]


@pytest.mark.vectors("k8s_deployment_rolling_reconcile_new_rs")
def test_new_replica_set_grows_and_shrinks(case: Case) -> None:
    old, new = replica_set(1, case["old_rs_replicas"]), replica_set(2, case["new_rs_replicas"])
    changes = rolling.reconcile_new([old, new], new, bounds(case, case["deployment_replicas"]))
    assert bool(changes) is case["scale_expected"]
    assert dict(changes).get(new, new.replicas) == case["expected_new_rs_replicas"]


@pytest.mark.vectors("k8s_deployment_rolling_reconcile_old_rs")
def test_old_replica_sets_shrink(case: Case) -> None:
    old = replica_set(1, case["old_rs_replicas"], case["old_rs_available"])
    new = replica_set(2, case["new_rs_replicas"], case["new_rs_available"])
    changes = rolling.reconcile_old([old], new, bounds(case, case["deployment_replicas"]))
    assert bool(changes) is case["scale_expected"]
    assert dict(changes).get(old, old.replicas) == case["expected_old_rs_replicas"]


@pytest.mark.vectors("k8s_deployment_rolling_scale_down_old_rs")
def test_scale_down_leaves_enough_available(case: Case) -> None:
    spare = case["available"] - bounds(case, case["deployment_replicas"]).min_available
    [size] = rolling.scale_down([case["old_rs_replicas"]], spare)
    assert size == case["expected_old_rs_replicas"]
    assert (size != case["old_rs_replicas"]) is case["scale_expected"]


@pytest.mark.vectors("k8s_replicaset_slow_start_batch")
def test_slow_start(case: Case) -> None:
    calls = 0

    def create() -> bool:
        nonlocal calls
        calls += 1
        return calls <= case["call_limit"]

    done = slow_start_batch(case["count"], case["initial_batch_size"], create)
    assert (done, calls) == (case["expected_successes"], case["expected_call_count"])
    assert (done < case["count"]) is case["expect_error"]


def pod(row: Case) -> ReplicaPod:
    def before(age: float | None) -> int | None:
        return None if age is None else NOW - round(age * 1000)

    return ReplicaPod(
        0,
        before(row["created_age_s"]),
        row["node"],
        row["phase"],
        row["ready"],
        before(row["ready_since_age_s"]),
        restarts=row["restarts"],
        deletion_cost=int(row.get("deletion_cost") or 0),
    )


@pytest.mark.vectors("k8s_pod_deletion_ranking")
def test_deletion_ranking(case: Case) -> None:
    if case["kind"] == "full_order_without_ranks":
        pods = {row["name"]: pod(row) for row in case["pods"]}
        names = sorted(pods)
        order = sorted(names, key=cmp_to_key(lambda a, b: compare(pods[a], pods[b], 1, 1, None)))
        assert order == case["expected_order"]
        return
    a, b = pod(case["a"]), pod(case["b"])
    if not case["pod_deletion_cost_enabled"]:
        a.deletion_cost = b.deletion_cost = 0  # without its feature gate the annotation is not read
    now = NOW if case["logarithmic_scale_down"] else None
    found = compare(a, b, case["rank_a"], case["rank_b"], now)
    backwards = compare(b, a, case["rank_b"], case["rank_a"], now)
    if case["kind"] == "equal":
        assert found == backwards == 0
    else:
        assert found < 0 < backwards


@pytest.mark.vectors("k8s_pod_available")
def test_a_pod_is_available_when_it_has_been_ready_for_min_ready_seconds(case: Case) -> None:
    now, min_ready = 1_000_000, case["min_ready_seconds"] * 1000
    since = now - case["ready_since_age_s"] * 1000 if case["ready"] else None
    member = Member(SimpleNamespace(terminating=False), None, "", "")
    own, pod = replica_set(1, 1, min_ready=min_ready), ReplicaPod(1, 0)
    own.pod_created(pod)
    if since is not None:
        member.ready_since = since
        own.pod_ready(pod, since)
        own.advance(now)
    assert member.available(now, min_ready) == case["expected_available"]
    assert (own.available == 1) == case["expected_available"]


def test_the_exact_moment_counts_and_the_ready_time_is_cut_to_the_whole_second() -> None:
    own, pod = replica_set(1, 1, min_ready=10_000), ReplicaPod(1, 0)
    own.pod_created(pod)
    own.pod_ready(pod, 1_999)
    assert own.next_available_at() == 11_000
    own.advance(10_999)
    assert own.available == 0
    own.advance(11_000)
    assert own.available == 1


def test_what_comes_and_goes_again_is_no_progress() -> None:
    best = BestSoFar()
    heard = [best.surpassed_by(Counts(replicas=3, updated=3, ready=ready)) for ready in (1, 2, 1, 2, 3, 3)]
    assert heard == [True, True, False, False, True, False]
    best.forget()
    assert best.surpassed_by(Counts(replicas=3, updated=3, ready=1))


def test_after_one_that_says_too_many_are_available_nothing_is_touched_while_more_may_go() -> None:
    one, over, two = replica_set(0, 5, 4), replica_set(1, 5, 6), replica_set(2, 5, 4)
    assert rolling.clean_up_unhealthy([one, over, two], 3) == [4, 5]
    assert rolling.clean_up_unhealthy([one, over, two], 1) == [4, 5, 5]
    well = replica_set(1, 5, 5)
    assert rolling.clean_up_unhealthy([one, well, two], 3) == [4, 5, 4]
