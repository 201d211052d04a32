"""Images: who needs the registry, who waits for whom, what the node refuses, and when it is tried again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from building import kubeinfer, nodes, pod_template, scenario, seconds, set_up_stages
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubeinfer_sim.cluster.kubelet.image_manager import ImageManager, Registry, Request
from kubeinfer_sim.cluster.node import Node
from kubeinfer_sim.cluster.records import (
    ContainersRunning,
    ImagePullFailed,
    ImagePullRetried,
    ImagePullStalled,
    PodDeleting,
    PodGone,
    PodReady,
    PodStopping,
    TransferDone,
)
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.manifest.model import Container, KubeInfer, Role
from kubeinfer_sim.metrics import measure
from kubeinfer_sim.scenario.actions.model import Crash, ImageFault, NodeDown, Scale, Target
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.timings.distributions import Never
from kubeinfer_sim.scenario.timings.model import Link, Transfers
from kubeinfer_sim.simulation.run import Run
from kubeinfer_sim.simulation.simulate import simulate

PULL = 100_000
GB = 1_000_000_000
MINUTE, HOUR = 60_000, 3_600_000


def of_roles(images: dict[str, str], pods: int = 1, **container: Any) -> KubeInfer:
    """One instance; each role has so many pods of one NPU and an image of its own."""
    base = kubeinfer(1)
    roles = []
    for name, image in images.items():
        template = pod_template(npus=1, image=image)
        engine = replace(template.containers[0], **container)
        roles.append(Role(name, replace(template, containers=(engine,)), pods, base.roles[0].recovery_policy))
    return replace(base, roles=tuple(roles))


def started(spec: KubeInfer, node_count: int = 1, warm: float = 0, **fields: Any) -> Run:
    """Pods of an empty cluster of nodes with 32 NPUs; a cold image takes 100 s, a look at the registry `warm`."""
    stages = {"image_cold": seconds(PULL / 1000), "image_warm": seconds(warm)}
    made = scenario(spec, 1, 60, 5, initial="empty", stages=stages)
    return simulate(replace(made, **{"nodes": nodes(node_count, npus=32), **fields}))


def ran(run: Run) -> list[int]:
    return sorted(record.at for record in run.history.of(ContainersRunning))


# -- who needs the registry ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "there", "down", "runs"),
    [
        ("IfNotPresent", False, False, True),
        ("IfNotPresent", False, True, False),
        ("IfNotPresent", True, True, True),
        ("Always", True, False, True),
        ("Always", True, True, False),
        ("Never", False, False, False),
        ("Never", True, True, True),
    ],
)
def test_the_pull_policy_says_who_needs_the_registry(
    policy: str, there: bool, down: bool, runs: bool
) -> None:
    spec = of_roles({"role0": "engine:1"}, image_pull_policy=policy)
    images = frozenset({"engine:1"}) if there else frozenset()
    run = started(
        spec,
        nodes=nodes(1, npus=32, images=images),
        broken_images=frozenset({"engine:1"}) if down else frozenset(),
    )
    assert bool(ran(run)) is runs
    if runs:
        assert ran(run) == [0 if there else PULL]


def test_an_image_is_there_for_those_that_come_later_on_the_same_node_only() -> None:
    made = replace(kubeinfer(2, npus=8), replicas=0)
    fields = {"nodes": nodes(2), "actions": (Scale(0, 1), Scale(600_000, 0), Scale(700_000, 2))}
    run = started(made, **fields)
    assert ran(run) == [PULL, 700_000, 700_000 + PULL]


def test_always_asks_the_registry_each_time_and_transfers_nothing_that_is_there() -> None:
    spec = of_roles({"role0": "engine:1"}, image_pull_policy="Always")
    here = nodes(1, npus=32, images=frozenset({"engine:1"}))
    links = Transfers(registry=Link(1_000_000_000))
    for transfers in (Transfers(), links):
        run = started(spec, warm=2, nodes=here, transfers=transfers)
        assert ran(run) == [2_000]
        assert not [record for record in run.history.of(TransferDone) if record.size]


def test_the_registry_is_asked_when_the_turn_of_a_container_comes_not_when_its_pod_is_bound() -> None:
    """The init container runs for 30 s from 100 s on; the registry goes away while it does."""
    base = of_roles({"role0": "engine:1"})
    template = replace(base.roles[0].template, init_containers=(Container("fetch", "init:1"),))
    spec = replace(base, roles=(replace(base.roles[0], template=template),))
    stages = {"image_cold": seconds(100), "init": seconds(30)}
    made = scenario(spec, 1, 60, 5, initial="empty", stages=stages, actions=(ImageFault(110_000),))
    (failed,) = simulate(made).history.of(ImagePullFailed)
    assert (failed.at, failed.image) == (130_000, "engine:1")


# -- who waits for whom ----------------------------------------------------------------------------------------


def test_a_node_pulls_one_image_after_the_other_in_the_order_asked_for() -> None:
    run = started(of_roles({"a": "a:1", "b": "b:1", "c": "c:1"}))
    assert ran(run) == [PULL, 2 * PULL, 3 * PULL]
    regimes = [
        (str(stage.name), stage.duration, stage.regime)
        for stage in set_up_stages(run)
        if "b:1" in str(stage.name)
    ]
    assert regimes == [("image b:1", PULL, "other pulls first"), ("image b:1", PULL, "cold")]


@pytest.mark.parametrize(("at_once", "ends"), [(2, [1, 1, 2, 2, 3]), (3, [1, 1, 1, 2, 2]), (None, [1] * 5)])
def test_a_node_may_be_told_to_pull_several_at_once(at_once: int | None, ends: list[int]) -> None:
    spec = of_roles({name: f"{name}:1" for name in "abcde"})
    run = started(spec, transfers=Transfers(parallel_pulls=at_once))
    assert ran(run) == [end * PULL for end in ends]


def test_who_asks_after_a_pull_that_never_ends_waits_without_end() -> None:
    made = scenario(
        of_roles({"a": "a:1", "b": "b:1"}),
        1,
        60,
        5,
        initial="empty",
        stages={"image_cold": Never()},
        horizon=HOUR,
    )
    run = simulate(replace(made, nodes=nodes(1, npus=32)))
    stages = [(stage.duration, stage.regime) for stage in set_up_stages(run) if "image" in str(stage.name)]
    assert stages == [(None, "cold"), (None, "behind a pull that never ends")]


def test_nodes_do_not_wait_for_one_another() -> None:
    spec = of_roles({"a": "a:1", "b": "b:1"})
    run = started(spec, nodes=nodes(2, npus=1))
    assert ran(run) == [PULL, PULL]


@pytest.mark.parametrize("at_once", [1, 2, None])
def test_an_image_several_pods_of_a_node_want_is_pulled_once(at_once: int | None) -> None:
    spec = of_roles({"role0": "engine:1"}, pods=4)
    for transfers in (Transfers(), Transfers(registry=Link(160_000_000))):
        run = started(spec, transfers=replace(transfers, parallel_pulls=at_once))
        assert ran(run) == [PULL] * 4


def test_one_by_one_those_that_waited_still_ask_the_registry() -> None:
    """Each asked while the image was not there, so each has its turn (images/puller.go)."""
    spec = of_roles({"role0": "engine:1"}, pods=4)
    for transfers in (Transfers(), Transfers(registry=Link(160_000_000))):
        run = started(spec, warm=2, transfers=transfers)
        assert ran(run) == [PULL, PULL + 2_000, PULL + 4_000, PULL + 6_000]


def test_who_asks_after_a_pull_of_another_image_waits_for_it_even_for_an_image_on_its_way() -> None:
    base = of_roles({"a": "a:1", "b": "b:1"})
    late = replace(base.roles[0], name="c")
    run = started(replace(base, roles=(*base.roles, late)))
    assert ran(run) == [PULL, 2 * PULL, 2 * PULL]


@pytest.mark.parametrize("shared", [False, True])
def test_a_pull_goes_on_when_its_pod_is_deleted_and_holds_its_devices(*, shared: bool) -> None:
    """SyncPod is not cancelled (pkg/kubelet/kubelet.go, context.WithoutCancel)."""
    made = replace(of_roles({"role0": "a:1"}), replicas=1)
    transfers = Transfers(registry=Link(GB), default_image_size=PULL * GB // 1000) if shared else Transfers()
    actions = (Scale(30_000, 0), Scale(40_000, 1))
    run = started(made, actions=actions, nodes=nodes(1, npus=1), transfers=transfers)
    # It is started when its image is there, and stopped; only then its successor finds room.
    (deleted,) = run.history.of(PodDeleting)
    (stopping,) = run.history.of(PodStopping)
    (gone,) = run.history.of(PodGone)
    assert str(deleted.stages[0].name) == "image a:1"
    assert [(str(stage.name), stage.duration) for stage in stopping.stages][-2:] == [
        ("exit", 5_000),
        ("cleanup", 0),
    ]
    assert (stopping.at, gone.at) == (PULL, PULL + 5_000)
    assert ran(run) == [PULL, PULL + 5_000]


def test_a_machine_that_dies_forgets_its_pulls() -> None:
    dies = NodeDown(50_000, ("node-0",), "silent", until=60_000, plugin_after=0)
    run = started(of_roles({"a": "a:1", "b": "b:1"}), actions=(dies,))
    assert ran(run) == [60_000 + PULL, 60_000 + 2 * PULL]


# -- how long it takes -----------------------------------------------------------------------------------------


def test_n_nodes_that_pull_at_once_take_n_times_as_long() -> None:
    transfers = Transfers(registry=Link(GB), default_image_size=16 * GB)
    for count in (1, 4, 8):
        run = started(
            of_roles({"role0": "engine:1"}, pods=count), nodes=nodes(count, npus=1), transfers=transfers
        )
        assert ran(run) == [count * 16_000] * count


def test_bytes_over_bandwidth_is_what_all_take_in_whatever_order_they_come() -> None:
    """Work conservation: the link is never idle, so the last is done when all bytes are served."""
    sizes = {"a:1": 2 * GB, "b:1": 5 * GB, "c:1": 9 * GB}
    transfers = Transfers(registry=Link(GB), image_sizes=sizes)
    run = started(of_roles({"a": "a:1", "b": "b:1", "c": "c:1"}), nodes=nodes(3, npus=1), transfers=transfers)
    # Shared by three until 3 x 2 GB are through, by two until 2 x 3 GB more are, then 4 GB alone.
    assert ran(run) == [6_000, 12_000, 16_000]


def test_a_mass_restart_is_as_many_times_slower_as_nodes_pull() -> None:
    def storm(instances: int) -> int:
        spec = kubeinfer(instances)
        transfers = Transfers(registry=Link(10 * GB, GB), default_image_size=16 * GB)
        return ran(started(spec, nodes=nodes(instances), transfers=transfers))[-1]

    assert storm(10) == 16_000, "each has its own line"
    assert storm(100) == 160_000
    assert storm(400) == 640_000


def small_steps(jobs: list[tuple[int, int, str]], sizes: dict[str, int], rate: int) -> list[int]:
    """When each has its image, by following every byte in steps of 1 ms: (at, node, image), one pull per node."""
    queues: dict[int, list[int]] = {}
    left: dict[int, float] = {}
    there: set[tuple[int, str]] = set()
    ends = [-1] * len(jobs)
    now = 0
    while -1 in ends:
        for index, (at, node, _) in enumerate(jobs):
            if at == now:
                queues.setdefault(node, []).append(index)
        for node, queue in queues.items():
            while queue and (node, jobs[queue[0]][2]) in there:
                ends[queue.pop(0)] = now
            if queue:
                left.setdefault(queue[0], float(sizes[jobs[queue[0]][2]]))
        busy = list(left)
        for index in busy:
            left[index] -= rate / 1000 / len(busy)
        now += 1
        for index in busy:
            if left[index] <= 1e-6:
                del left[index]
                _, node, image = jobs[index]
                there.add((node, image))
                ends[index] = now
                queues[node].remove(index)
    return ends


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 2), st.sampled_from(["a:1", "b:1", "c:1"])),
        min_size=1,
        max_size=9,
    )
)
def test_pulls_agree_with_a_reference_that_follows_every_byte(jobs: list[tuple[int, int, str]]) -> None:
    sizes = {"a:1": 20_000, "b:1": 90_000, "c:1": 200_000}
    jobs = sorted(jobs, key=lambda job: job[0])
    clock = Clock()
    images = ImageManager(clock, Transfers(registry=Link(1_000_000), image_sizes=sizes, registry_pull_qps=0))
    machines = [Node(NodeSpec(f"node-{i}", "pool", {})) for i in range(3)]
    ends = [-1] * len(jobs)

    def ask(index: int) -> None:
        _, node, image = jobs[index]

        def done(cold: bool) -> None:
            ends[index] = clock.now

        images.pull(machines[node], Request(image, 0, done, lambda: None))

    for index, (at, _, _) in enumerate(jobs):
        clock.at(at, ask, index)
    clock.run()
    # An end is rounded up to a millisecond, and delays what follows by as much; the reference rounds each step.
    for got, wanted in zip(ends, small_steps(jobs, sizes, 1_000_000), strict=True):
        assert abs(got - wanted) <= 2 * len(jobs)


# -- what the node refuses -------------------------------------------------------------------------------------

AT_ONCE = Transfers(parallel_pulls=None)


@pytest.mark.parametrize(
    "links", [AT_ONCE, replace(AT_ONCE, registry=Link(160_000_000))], ids=["own", "shared"]
)
def test_pulls_beyond_the_burst_fail_and_are_tried_again_after_their_back_off(links: Transfers) -> None:
    run = started(of_roles({"role0": "engine:1"}, pods=16), transfers=links)
    failed = list(run.history.of(ImagePullFailed))
    assert [(record.at, record.message) for record in failed] == [(0, "pull QPS exceeded")] * 6
    retried = [record.at for record in run.history.of(ImagePullRetried)]
    # 10 s of back-off, up to half longer, taken up by the next tick of the sync loop.
    assert len(retried) == 6
    assert all(10_000 <= at <= 16_000 for at in retried)
    assert ran(run) == [PULL] * 16, "the image was on its way, and they wait for it"
    assert len(list(run.history.of(PodReady))) == 16
    life = measure(run.history, ended_at=run.ended_at, end=run.end).instances[0]
    assert {str(span.stage) for pod in life.pods for span in pod.spans if span.since < 10_000} == {
        "image engine:1",
        "pull back-off",
    }


def test_one_by_one_the_bucket_fills_again_meanwhile() -> None:
    """15 wait for one pull of 100 s and then ask for what is there: the 11th token of that instant is missing."""
    run = started(of_roles({"role0": "engine:1"}, pods=16))
    failed = [record.at for record in run.history.of(ImagePullFailed)]
    assert failed == [PULL] * 5, "the bucket is full again after 100 s, and 10 of 15 get a token"
    slow = started(of_roles({"role0": "engine:1"}, pods=16), warm=1)
    assert not list(slow.history.of(ImagePullFailed)), "one look a second is less than 5"


def test_a_node_without_a_limit_refuses_nothing() -> None:
    run = started(of_roles({"role0": "engine:1"}, pods=16), transfers=replace(AT_ONCE, registry_pull_qps=0))
    assert not list(run.history.of(ImagePullFailed))


def test_refused_again_and_again_the_wait_doubles_to_5_minutes() -> None:
    """One token in 20,000 s: the second pod is refused for ever."""
    limits = replace(AT_ONCE, registry_pull_qps=0.00005, registry_burst=1)
    spec = of_roles({"role0": "engine:1"}, pods=2, image_pull_policy="Always")
    run = started(spec, transfers=limits, horizon=3_000_000)
    failed = [record.at for record in run.history.of(ImagePullFailed)]
    waits = [later - earlier for earlier, later in pairwise(failed)]
    for wait, least in zip(waits, (10, 20, 40, 80, 160, 300, 300), strict=False):
        assert least * 1000 <= wait <= least * 1500 + 1000 + 60_000 * (least > 60)
    assert len(waits) >= 6


def test_a_refused_pod_that_is_deleted_is_not_tried_again() -> None:
    made = of_roles({"role0": "engine:1"}, pods=16)
    run = started(made, transfers=AT_ONCE, actions=(Scale(5_000, 0),))
    assert len(list(run.history.of(ImagePullFailed))) == 6
    assert not list(run.history.of(ImagePullRetried))


def test_of_several_reasons_why_an_image_cannot_be_pulled_the_oldest_is_charged_and_the_quickest_counts() -> (
    None
):
    registry = Registry(())
    registry.break_images(["x"], 7, after=300)
    registry.break_images([], 9, after=100)
    assert (registry.cause("x"), registry.fails_after("x")) == (7, 100)
    assert (registry.cause("y"), registry.fails_after("y")) == (9, 100)


def test_a_bad_image_is_tried_again_10_s_doubling_to_5_minutes_and_costs_nothing_meanwhile() -> None:
    """The image appears after a while; the attempt that finds it is one of 10, 20, 40 … s after one another."""
    grid = [0]
    for wait in (10, 20, 40, 80, 160, 300, 300, 300):
        grid.append(grid[-1] + wait)
    for back in (5, 25, 100, 200, 900):
        spec = replace(kubeinfer(), replicas=1)
        run = started(spec, nodes=nodes(1), actions=(ImageFault(0, ("engine:1",), until=back * 1000),))
        (retried,) = [record.at / 1000 for record in run.history.of(ImagePullRetried)]
        first = next(at for at in grid if at >= back)
        # Each of the waits before it is up to half longer, and ends with a tick of the sync loop.
        assert back <= retried <= 1.5 * first + grid.index(first) + 300
        assert run.fired < 20


# -- containers started again in place -------------------------------------------------------------------------


def restarted(policy: str, *actions: Any, **fields: Any) -> Run:
    """One pod that runs from the start, whose container is left to the kubelet."""
    base = kubeinfer(restart="Custom")
    template = base.roles[0].template
    engine = replace(template.containers[0], image_pull_policy=policy)
    role = replace(base.roles[0], template=replace(template, containers=(engine,)))
    stages = {"image_warm": seconds(1), "create": seconds(3)}
    made = scenario(replace(base, roles=(role,)), 1, 60, 5, actions=actions, stages=stages)
    return simulate(replace(made, **fields))


@pytest.mark.parametrize(("policy", "waits"), [("IfNotPresent", 3_000), ("Always", 4_000)])
def test_a_container_started_again_asks_the_registry_if_its_policy_is_always(policy: str, waits: int) -> None:
    assert ran(restarted(policy, Crash(HOUR, Target()))) == [HOUR + waits]


@pytest.mark.parametrize("policy", ["IfNotPresent", "Always"])
def test_with_the_registry_down_a_crash_is_the_end_where_the_policy_is_always(policy: str) -> None:
    run = restarted(policy, ImageFault(HOUR - 1_000), Crash(HOUR, Target()))
    assert bool(ran(run)) is (policy != "Always")
    assert len(list(run.history.of(ImagePullFailed))) == (policy == "Always")


def test_it_is_started_by_one_of_its_attempts_once_the_registry_is_back() -> None:
    run = restarted("Always", ImageFault(HOUR - 1_000, until=HOUR + 100_000), Crash(HOUR, Target()))
    (at,) = [at - HOUR for at in ran(run)]
    # 10, 20, 40 and 80 s after one another, each up to half longer and to the next tick; then 1 s and 3 s.
    assert 104_000 <= at <= 1.5 * 150_000 + 4_000 + 4_000
    assert len(list(run.history.of(PodReady))) == 1
    assert run.fired < 15


def test_a_pod_that_waits_for_the_registry_and_is_deleted_is_forgotten() -> None:
    fault = ImageFault(HOUR - 1_000, until=HOUR + 100_000)
    run = restarted("Always", fault, Crash(HOUR, Target()), Scale(HOUR + 50_000, 0))
    assert not ran(run)


def test_a_machine_that_reboots_while_the_registry_is_down_stays_without_its_containers() -> None:
    dies = NodeDown(HOUR, ("node-0",), "silent", until=HOUR + 20_000)
    down = restarted("Always", ImageFault(HOUR - 1_000), dies, horizon=2 * HOUR)
    assert not ran(down)
    back = restarted("Always", ImageFault(HOUR - 1_000, until=HOUR + 300_000), dies, horizon=2 * HOUR)
    assert len(ran(back)) == 1
    assert ran(back)[0] > HOUR + 300_000


def test_a_container_that_waits_for_the_registry_is_not_started_after_its_pod_was_deleted() -> None:
    """It ends while the registry is down; nothing of its pod runs, so it is gone at once."""
    base = kubeinfer(1, restart="Custom")
    (role,) = base.roles
    engine = replace(role.template.containers[0], image_pull_policy="Always")
    role = replace(role, template=replace(role.template, containers=(engine,)))
    down = ImageFault(100_000, until=130_000)
    actions = (down, Crash(110_000, Target()), Scale(120_000, 0))
    run = simulate(scenario(replace(base, roles=(role,)), 1, 0, 60, actions=actions, horizon=1_000_000))
    gone = next(record for record in run.history if isinstance(record, PodGone))
    assert gone.at == 120_000
    assert not [record for record in run.history if isinstance(record, ContainersRunning)]


def test_a_pull_that_stalls_is_told_with_how_long_the_registry_keeps_it() -> None:
    run = started(
        of_roles({"a": "bad:1"}), actions=(ImageFault(0, ("bad:1",), after=30_000),), horizon=MINUTE
    )
    (stalled,) = run.history.of(ImagePullStalled)
    assert (stalled.at, stalled.takes) == (0, 30_000)
    first, *_ = run.history.of(ImagePullFailed)
    assert (first.at, first.took) == (30_000, 30_000)


def test_how_long_a_pull_took_to_fail_leaves_out_how_long_it_has_waited_for_another_one() -> None:
    """One at a time: the second waits for the 30 s of the first."""
    faults = (ImageFault(0, ("bad:1",), after=30_000), ImageFault(0, ("worse:1",), after=20_000))
    run = started(of_roles({"a": "bad:1", "b": "worse:1"}), actions=faults, horizon=MINUTE)
    failed = [(each.at, each.took) for each in run.history.of(ImagePullFailed)]
    assert failed[:2] == [(30_000, 30_000), (50_000, 20_000)]


def test_a_pull_that_stalls_keeps_its_place_among_those_of_its_node_over_a_shared_registry_too() -> None:
    """One at a time: the good image, which takes 10 s, is pulled when the bad one has failed after 30 s."""
    links = Transfers(registry=Link(GB), default_image_size=10 * GB)
    run = started(
        of_roles({"a": "bad:1", "b": "good:1"}),
        actions=(ImageFault(0, ("bad:1",), after=30_000),),
        transfers=links,
        horizon=MINUTE,
    )
    assert [each.at for each in run.history.of(TransferDone)] == [40_000]
