"""`kubectl drain` from outside."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import pytest

from kubeinfer_sim.cluster.disruption.controller import Budget, BudgetSpec
from kubeinfer_sim.cluster.disruption.drain import Drain, DrainedPod, DrainOptions, State, select
from kubeinfer_sim.cluster.disruption.eviction import Answer, Code, PodView, evict
from kubeinfer_sim.engine.clock import Clock
from kubeinfer_sim.manifest.model import IntOrPercent


@dataclass(eq=False)
class Owner:
    replicas: int


class Cluster:
    """Pods under one budget; an evicted pod takes 30 s to stop and its replacement is ready 100 s later."""

    def __init__(self, pods: int, min_available: int, *, replace: bool = True) -> None:
        self.clock = Clock()
        self.owner = Owner(pods)
        self.budget = Budget("pdb", BudgetSpec(min_available=IntOrPercent(min_available)))
        self.pods: dict[Hashable, bool] = dict.fromkeys(range(pods), False)  # -> terminating
        self.gone: dict[Hashable, Callable[[], None]] = {}
        self.replace = replace
        self.log: list[tuple[int, str, Hashable]] = []
        self.tries = 0
        for pod in self.pods:
            self.budget.pod_changed(pod, self.owner, ready=True, terminating=False)

    def evict(self, pod: Hashable) -> Answer | None:
        self.tries += 1
        if pod not in self.pods:
            return None
        return evict(
            lambda: PodView("Running", ready=True), lambda version: self.delete(pod, version), [self.budget]
        )

    def delete(self, pod: Hashable, version: int | None) -> Code:
        self.log.append((self.clock.now, "evicted", pod))
        self.budget.pod_changed(pod, self.owner, ready=True, terminating=True)
        self.clock.after(30_500, self.stopped, pod)
        return Code.CREATED

    def stopped(self, pod: Hashable) -> None:
        del self.pods[pod]
        self.budget.pod_gone(pod)
        if self.replace:
            self.clock.after(100_000, self.ready, f"{pod}'")
        if pod in self.gone:
            self.gone[pod]()

    def ready(self, pod: Hashable) -> None:
        self.budget.pod_changed(pod, self.owner, ready=True, terminating=False)

    def when_gone(self, pod: Hashable, callback: Callable[[], None]) -> None:
        self.gone[pod] = callback

    def drain(self, options: DrainOptions | None = None) -> Drain:
        pods = [DrainedPod(pod, f"pod-{pod}") for pod in self.pods]
        drain = Drain(self.clock, self, pods, options or DrainOptions(), self.done)
        drain.start()
        return drain

    def done(self, drain: Drain) -> None:
        self.log.append((self.clock.now, drain.state.value, ""))


def test_all_pods_are_evicted_at_once_and_seen_gone_at_the_next_poll() -> None:
    cluster = Cluster(2, 0)
    drain = cluster.drain()
    cluster.clock.run()
    assert cluster.log == [(0, "evicted", 0), (0, "evicted", 1), (31_000, "done", "")]
    assert drain.state is State.DONE


def test_a_refused_eviction_is_tried_again_on_its_five_second_grid() -> None:
    cluster = Cluster(2, 1)
    cluster.drain()
    cluster.clock.run()
    # The replacement of the first is ready at 130.5 s; the next try is at 135 s.
    assert cluster.log == [(0, "evicted", 0), (135_000, "evicted", 1), (166_000, "done", "")]


def test_a_drain_that_a_budget_holds_for_ever_costs_nothing_and_names_the_budget() -> None:
    cluster = Cluster(2, 2)
    drain = cluster.drain()
    cluster.clock.run(until=86_400_000)
    assert drain.state is State.EVICTING
    assert (cluster.clock.fired, cluster.tries) == (0, 2)
    assert drain.verdict() == (
        "cannot evict pod-0, pod-1: The disruption budget pdb needs 2 healthy pods and has 2 currently"
    )


def test_a_timeout_ends_the_drain_and_says_what_held_it() -> None:
    cluster = Cluster(1, 1)
    drain = cluster.drain(DrainOptions(timeout=60_000))
    cluster.clock.run()
    assert cluster.log == [(60_000, "failed", "")]
    held = "cannot evict pod-0: The disruption budget pdb needs 1 healthy pods and has 1 currently"
    assert drain.errors == [f"global timeout reached, pods left: pod-0; {held}"]


def test_a_drain_that_has_ended_evicts_nobody_whose_budget_lets_it_go_afterwards() -> None:
    cluster = Cluster(1, 1)
    cluster.drain(DrainOptions(timeout=60_000))
    cluster.clock.at(58_000, cluster.ready, "other")  # the next try would be at 60 s
    cluster.clock.run()
    assert cluster.log == [(60_000, "failed", "")]


def test_a_held_pod_that_goes_by_itself_ends_the_drain_at_the_next_try() -> None:
    cluster = Cluster(1, 1)
    cluster.drain()
    cluster.clock.at(12_000, cluster.stopped, 0)
    cluster.clock.run()
    assert cluster.log == [(15_000, "done", "")]


def test_an_empty_node_is_drained_at_once() -> None:
    cluster = Cluster(0, 0)
    assert cluster.drain().state is State.DONE


def test_two_budgets_over_one_pod_fail_the_drain() -> None:
    cluster = Cluster(1, 0)
    other = Budget("other", BudgetSpec(max_unavailable=IntOrPercent(1)))

    def refuse(pod: Hashable) -> Answer | None:
        return evict(lambda: PodView("Running", ready=True), lambda _: Code.CREATED, [cluster.budget, other])

    cluster.evict = refuse  # type: ignore[method-assign]
    drain = cluster.drain()
    assert drain.state is State.FAILED
    assert "more than one PodDisruptionBudget" in drain.errors[0]


@pytest.mark.parametrize(
    ("pod", "options", "chosen", "reason"),
    [
        (DrainedPod(0, "p"), DrainOptions(), True, ""),
        (DrainedPod(0, "p", mirror=True), DrainOptions(), False, ""),
        (DrainedPod(0, "p", daemon_set=True), DrainOptions(), False, "--ignore-daemonsets"),
        (DrainedPod(0, "p", daemon_set=True), DrainOptions(ignore_daemon_sets=True), False, ""),
        (DrainedPod(0, "p", empty_dir=True), DrainOptions(), True, "--delete-emptydir-data"),
        (DrainedPod(0, "p", empty_dir=True), DrainOptions(delete_empty_dir_data=True), True, ""),
        (DrainedPod(0, "p", controlled=False), DrainOptions(), True, "--force"),
        (DrainedPod(0, "p", controlled=False, finished=True), DrainOptions(), True, ""),
    ],
)
def test_which_pods_a_drain_takes(pod: DrainedPod, options: DrainOptions, chosen: bool, reason: str) -> None:
    pods, reasons = select([pod], options)
    assert bool(pods) == chosen
    assert [reason in text for text in reasons] == ([True] if reason else [])
