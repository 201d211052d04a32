"""Whatever the sizes, budgets and loads: the bounds of a rolling update hold, and counts are what a recount gives."""

from __future__ import annotations

from typing import Any

from controllers.deployment.simulated import EmulatedPod, Simulated, deployment
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeinfer_sim.controllers.deployment.controller import DeploymentController
from kubeinfer_sim.controllers.deployment.replica_set import ReplicaSet
from kubeinfer_sim.controllers.deployment.rolling import Bounds

SHARES = st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda share: f"{share}%"))
LOADS = st.lists(st.integers(1, 90), min_size=1, max_size=4)


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    """An update of a Deployment whose pods all become ready, at 100 s."""
    surge, unavailable = draw(SHARES), draw(SHARES)
    if str(surge).rstrip("%") == str(unavailable).rstrip("%") == "0":
        unavailable = 1  # both zero is refused
    replicas = draw(st.integers(1, 12))
    return {
        "spec": {
            "strategy": "RollingUpdate",
            "maxSurge": surge,
            "maxUnavailable": unavailable,
            "minReadySeconds": draw(st.sampled_from([0, 0, 7])),
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
        },
        "env": {"load_s": {"1": 1, "2": draw(LOADS)}, "terminate_s": draw(st.integers(0, 40)), "slots": None},
        "actions": [
            {"op": "create", "t_ms": 0, "replicas": replicas},
            {"op": "template", "t_ms": 100_000, "rev": 2},
        ],
        "end_t_ms": 10_000_000,
    }


@settings(max_examples=60, deadline=None)
@given(updates())
def test_an_update_keeps_its_budgets_and_ends(case: dict[str, Any]) -> None:
    replicas = case["actions"][0]["replicas"]
    bounds = Bounds.of(deployment(case["spec"], replicas))
    rows = [row for row in Simulated(case).run().rows if row[0] >= 100_000]
    for _, sets, counts, _, _ in rows:
        assert sum(each[1] for each in sets) <= replicas + bounds.surge
        assert counts[3] >= bounds.min_available
    assert rows[-1][2][:4] == [replicas] * 4
    assert rows[-1][4] == "T:NewReplicaSetAvailable"


TEMPLATES = st.integers(1, 3).map(lambda rev: {"op": "template", "rev": rev})
SCALES = st.integers(0, 9).map(lambda replicas: {"op": "scale", "replicas": replicas})
DEEDS = st.one_of(
    TEMPLATES,
    SCALES,
    st.tuples(TEMPLATES, SCALES).map(lambda both: {**both[1], **both[0], "op": "set"}),
    st.sampled_from([{"op": "pause"}, {"op": "resume"}]),
    st.builds(
        lambda op, rev, index: {"op": op, "rev": rev, "index": [index]},
        st.sampled_from(["unready", "unready", "ready"]),
        st.integers(1, 3),
        st.integers(-3, 8),
    ),
)


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, Any]:
    """Whatever may be done to a Deployment, one thing after another, some of it in the middle of the last."""
    case = draw(updates())
    loads = st.integers(0, 90) | st.sampled_from([0.5, 12.345, "never"]) | LOADS
    case["spec"]["strategy"] = draw(st.sampled_from(["RollingUpdate", "RollingUpdate", "Recreate"]))
    case["spec"]["progressDeadlineSeconds"] = draw(st.sampled_from([8, 60, 600]))
    case["spec"]["revisionHistoryLimit"] = draw(st.sampled_from([0, 1, 10]))
    case["env"]["load_s"] = {str(rev): draw(loads) for rev in (1, 2, 3)}
    case["env"]["slots"] = draw(st.sampled_from([None, None, 0, 3, 8]))
    times = draw(st.lists(st.integers(1, 400_000), max_size=8, unique=True).map(sorted))
    case["actions"] = [case["actions"][0], *({"t_ms": at, **draw(DEEDS)} for at in times)]
    return case


@settings(max_examples=150, deadline=None)
@given(scripts())
def test_the_rows_are_what_the_lives_of_the_pods_add_up_to(case: dict[str, Any]) -> None:
    simulated = Simulated(case).run()
    flaps = any(action["op"] == "unready" for action in case["actions"])
    for at, sets, counts, _, _ in simulated.rows:
        for revision, _, existing, ready, available, terminating in sets:
            lives = [pod.times for pod in simulated.pods if pod.revision == revision]
            begun = [life for life in lives if (life[0] or 0) <= at]
            living = [life for life in begun if life[3] is None or life[3] > at]
            leaving = [life for life in begun if life not in living and (life[4] is None or life[4] > at)]
            served = [life for life in living if life[2] is not None and life[2] <= at]
            assert existing == len(living)
            # A ReplicaSet that history leaves no room for takes its terminating pods out of the count.
            kept = case["spec"]["revisionHistoryLimit"] == 10
            assert terminating == len(leaving) if kept else terminating <= len(leaving)
            assert ready <= len(served) if flaps else ready == len(served)
            assert available <= ready
        totals = [sum(column) for column in zip(*(each[2:] for each in sets), strict=True)] or [0] * 4
        assert [counts[0], counts[2], counts[3], counts[5]] == totals
        assert counts[4] == max(0, sum(each[1] for each in sets) - totals[2])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["ready", "unready", "delete", "gone", "later"]))),
    st.sampled_from([0, 3000]),
)
def test_counts_kept_by_events_are_those_of_a_recount(events: list[tuple[int, str]], min_ready: int) -> None:
    spec = deployment({"strategy": "Recreate", "minReadySeconds": 0, "progressDeadlineSeconds": 9,
                       "revisionHistoryLimit": 1}, 6)  # fmt: skip
    replica_set = ReplicaSet(1, spec, 6, min_ready=min_ready)
    pods = [EmulatedPod(number, 0) for number in range(6)]
    for pod in pods:
        replica_set.pod_created(pod)
    now = 500
    for which, event in events:
        pod = pods[which]
        match event:
            case "ready" if not pod.ready:
                replica_set.pod_ready(pod, now)
            case "unready":
                replica_set.pod_unready(pod)
            case "delete":
                replica_set.pod_deleting(pod)
            case "gone" if pod in replica_set.pods:
                replica_set.pod_gone(pod)
            case "later":
                now += 1700
                replica_set.advance(now)
        living = [each for each in replica_set.pods if not each.deleting]
        ready = [each for each in living if each.ready]
        available = [each for each in ready if (each.ready_since or 0) + min_ready <= now]
        found = (replica_set.active, replica_set.ready, replica_set.available, replica_set.terminating)
        assert found == (len(living), len(ready), len(available), len(replica_set.pods) - len(living))


class EverySync(DeploymentController):
    """Plays each sync: after any write, of the status or of a ReplicaSet, the real controller looks again."""

    def _run(self) -> None:
        self._queued = True
        super()._run()

    def _sync(self) -> None:
        self._sorted = None
        before = self.status, [each.replicas for each in self.replica_sets]
        super()._sync()
        self._queued |= before != (self.status, [each.replicas for each in self.replica_sets])


@settings(max_examples=100, deadline=None)
@given(scripts())
def test_syncs_that_are_not_played_would_have_found_nothing(case: dict[str, Any]) -> None:
    every, few = Simulated(case, EverySync).run(), Simulated(case).run()
    assert few.rows == every.rows
    assert few.deeds == every.deeds
    assert [pod.times for pod in few.pods] == [pod.times for pod in every.pods]
