"""Mistakes in the simulator that the tests of their own room have to notice: those once tried by hand, and bugs of relatives.

A row is an edit of the source as it stands; where the text is gone the row says so and is to be written anew.
"""

from __future__ import annotations

from typing import NamedTuple

from mutation.edits import Edit, named

_CLUSTER, _KUBEINFER = "kubeinfer_sim/cluster", "kubeinfer_sim/controllers/kubeinfer"
_METRICS, _EXPERIMENT = "kubeinfer_sim/metrics", "kubeinfer_sim/experiment"


class Mistake(NamedTuple):
    """What `old` becomes in a file, and the tests that notice, as arguments of pytest; near which scenario to look for it."""

    what: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]
    near: str = ""

    def edit(self) -> Edit:
        """The change.

        Raises:
            TextIsGone: the code has changed.
        """
        return named(self.path, self.old, self.new)


#: Tried by hand: survivors of former days, and rules that a hand slips in.
NAMED = (
    Mistake(
        "instances that a scale-in deletes are still counted as ready",
        f"{_KUBEINFER}/rollout.py",
        "ready -= sum(instance.ready for instance in taken)",
        "ready -= 0",
        ("tests/controllers",),
    ),
    Mistake(
        "a back-off is reset at its expiry, not after it",
        f"{_CLUSTER}/kubelet/backoff.py",
        "return event - self.updated > self.limits.expiry",
        "return event - self.updated >= self.limits.expiry",
        ("tests/cluster/kubelet",),
    ),
    Mistake(
        "crews repair what broke last",
        f"{_CLUSTER}/devices/repair.py",
        "name, time, back = self._queue.popleft()",
        "name, time, back = self._queue.pop()",
        ("tests/cluster/devices",),
    ),
    Mistake(
        "a spare goes where one is missed the shortest",
        f"{_CLUSTER}/devices/repair.py",
        "self._put_in(*self._without_spare.popleft())",
        "self._put_in(*self._without_spare.pop())",
        ("tests/cluster/devices",),
    ),
    Mistake(
        "a fault that ends by itself does not",
        f"{_CLUSTER}/devices/hardware.py",
        "self._clock.after(fault.lasts, self._ends, fault)",
        "pass",
        ("tests/cluster/devices",),
    ),
    Mistake(
        "the platform does not hear of a fault that has ended by itself",
        f"{_CLUSTER}/devices/hardware.py",
        'self.mend([fault], "itself")\n        self._platform.fault_ended(fault)',
        'self.mend([fault], "itself")',
        ("tests/cluster/devices",),
    ),
    Mistake(
        "the compilation of the graph is charged to its neighbour, the weights",
        f"{_METRICS}/loss_stages.py",
        'StageKind.GRAPH: "graph",',
        'StageKind.GRAPH: "weights",',
        ("tests/metrics",),
    ),
    Mistake(
        "each part of a loss is charged to the stage before it",
        f"{_METRICS}/loss_stages.py",
        "yield begins, ends, STAGE_OF[span.stage.kind]",
        "yield begins, ends, STAGE_OF[pod.spans[max(place - 1, 0)].stage.kind]",
        ("tests/metrics",),
    ),
    Mistake(
        "a role is as fast as its fastest pod",
        f"{_METRICS}/capacity.py",
        "speeds[pod.role] = min(factor, speeds.get(pod.role, factor))",
        "speeds[pod.role] = max(factor, speeds.get(pod.role, factor))",
        ("tests/metrics/test_slow_pods.py",),
    ),
    Mistake(
        "a crash loop that the horizon cuts is one whatever came of what",
        f"{_METRICS}/lives.py",
        "one_cause = len(causes) == 1 and None not in causes",
        "one_cause = True",
        ("tests/metrics",),
    ),
    Mistake(
        "a crash loop is one however long it has been ready since",
        f"{_METRICS}/lives.py",
        "self._is_unstable(soon and one_cause and self._ready_for(at) <= max(before.lasted, last.lasted))",
        "self._is_unstable(soon and one_cause)",
        ("tests/metrics",),
    ),
    Mistake(
        "a crash loop is one however long ago it ended",
        f"{_METRICS}/lives.py",
        "self._is_unstable(soon and one_cause and self._ready_for(at) <= max(before.lasted, last.lasted))",
        "self._is_unstable(one_cause and self._ready_for(at) <= max(before.lasted, last.lasted))",
        ("tests/metrics",),
    ),
    Mistake(
        "a part of a loss does not know the one before it",
        f"{_METRICS}/losses.py",
        "part = Loss(len(self._all), cause, happening.at, uid, after=loss)",
        "part = Loss(len(self._all), cause, happening.at, uid)",
        ("tests/metrics",),
    ),
    Mistake(
        "of several reasons why an image cannot be pulled the newest is charged",
        f"{_CLUSTER}/kubelet/image_manager.py",
        "return min((cause for key in (None, image) for cause in self._broken.get(key, ())), default=NO_CAUSE)",
        "return max((cause for key in (None, image) for cause in self._broken.get(key, ())), default=NO_CAUSE)",
        ("tests/cluster/kubelet",),
    ),
    Mistake(
        "a pull takes the longest of several times to fail",
        f"{_CLUSTER}/kubelet/image_manager.py",
        "return min(\n            (after for key in (None, image)",
        "return max(\n            (after for key in (None, image)",
        ("tests/cluster/kubelet",),
    ),
    Mistake(
        "a way out of waiting has at most two steps",
        f"{_CLUSTER}/scheduler/ways.py",
        "_MOST_TOGETHER, _MOST_TRIED = 3, 12",
        "_MOST_TOGETHER, _MOST_TRIED = 2, 12",
        ("tests/cluster/scheduler",),
    ),
    Mistake(
        "what goes round in vain is given up after a day",
        "kubeinfer_sim/simulation/rounds.py",
        "_HOUR = 3_600_000",
        "_HOUR = 86_400_000",
        ("tests/simulation",),
    ),
    Mistake(
        "an interval of clusters is no wider for being told by few of them",
        f"{_EXPERIMENT}/statistics/clusters.py",
        "independent *= wider",
        "independent *= 1",
        ("tests/experiment/test_statistics.py",),
    ),
    Mistake(
        "a run that the horizon cut short counts as one that never comes to an end",
        f"{_EXPERIMENT}/judging.py",
        "return run.duration == inf and run.outcome is not Outcome.NEVER",
        "return run.duration == inf and run.outcome is Outcome.NEVER",
        (
            "tests/experiment/test_replications.py::test_a_run_is_cut_short_whose_change_is_not_in_place_and_may_yet_be",
        ),
    ),
    Mistake(
        "an estimate forgets the pods that faults have made anew",
        f"{_EXPERIMENT}/estimate.py",
        "lives, nodes = size.pods + rebuilt, len(scenario.nodes)",
        "lives, nodes = size.pods, len(scenario.nodes)",
        ("tests/experiment/test_estimate.py",),
    ),
)

#: Bugs that relatives had (KubeInfer's own controller is closed), planted where the same rule stands here.
PLANTED = (
    Mistake(
        "double restart: what the platform tells of a failure that is being recovered from is another failure",
        f"{_KUBEINFER}/recovery.py",
        "late = None if pod.ready else _struck_before(instance, pod, fault)",
        "late = None",
        ("tests/controllers/test_edge_cases_of_recovery.py",),
        "npu-fault-with-label.yaml",
    ),
    Mistake(
        "double restart: a pod of an incarnation that is going fails once more",
        f"{_KUBEINFER}/recovery.py",
        "if instance.incarnation_over or trigger.incarnation != instance.incarnation:",
        "if False:",
        ("tests/controllers/test_edge_cases_of_recovery.py",),
        "two-faults-in-one-gang.yaml",
    ),
    # LeaderWorkerSet, pull request 778
    Mistake(
        "surge reclaimed early: as soon as one instance of the new revision is there",
        f"{_KUBEINFER}/rollout.py",
        "ceiling = budget.ceiling if instances.old else budget.replicas  # rule 2",
        "ceiling = budget.ceiling if instances.old and not instances.new_ready else budget.replicas  # rule 2",
        ("tests/controllers",),
        "up-first.yaml",
    ),
    Mistake(
        "surge reclaimed early where ordinals are fixed: before those below are finished",
        f"{_KUBEINFER}/rollout.py",
        "        surge = min(surge, len(there))\n",
        "        surge = 0\n",
        ("tests/controllers",),
        "update-with-fixed-ordinals.yaml",
    ),
    # Kubernetes, issue 82149
    Mistake(
        "budget spent twice: an eviction that is granted leaves the budget as it is",
        f"{_CLUSTER}/disruption/controller.py",
        "self.status = replace(self.status, allowed=self.status.allowed - 1)",
        "self.status = replace(self.status, allowed=self.status.allowed)",
        ("tests/cluster/disruption",),
        "drain-under-a-budget.yaml",
    ),
    Mistake(
        "budget spent twice: a pod that is evicted counts as healthy until it is gone",
        f"{_CLUSTER}/disruption/controller.py",
        "healthy = ready and not terminating",
        "healthy = ready",
        ("tests/cluster/disruption",),
        "drain-under-a-budget.yaml",
    ),
    Mistake(
        "budget spent twice: each victim of one pass of a rollout finds the budget whole",
        f"{_KUBEINFER}/rollout.py",
        '            victims.append((highest, "Rollout"))\n            count -= 1\n',
        '            victims.append((highest, "Rollout"))\n',
        ("tests/controllers",),
        "down-first.yaml",
    ),
    Mistake(
        "window without a timer: nobody looks again when an instance has not been ready for long enough",
        f"{_KUBEINFER}/instances.py",
        "instance.grace_timer = self._clock.after(grace, self._grace_over, instance)",
        "instance.grace_timer = self._clock.after(10**12, self._grace_over, instance)",
        ("tests/controllers",),
        "startup-window-too-short.yaml",
    ),
    Mistake(
        "window without a timer: nobody looks again when a pod has been ready for minReadySeconds",
        "kubeinfer_sim/controllers/deployment/replica_set_workload.py",
        "self._available_timer = self._clock.at(due, self._run, phase=Phase.CONTROLLER)",
        "pass",
        ("tests/controllers/deployment/test_replica_set.py",),
        "min-ready-seconds.yaml",
    ),
    Mistake(
        "floating percentages: 29 % of 100 is 28.999 …",
        "kubeinfer_sim/manifest/model.py",
        "return -(-share // 100) if round_up else share // 100",
        "return int(-(-(self.value / 100 * total) // 1)) if round_up else int(self.value / 100 * total // 1)",
        ("tests/manifest/kubernetes/test_percentages.py",),
        "20-percent-5-instances-spare.yaml",
    ),
    Mistake(
        "attribution skips a stage: what is spent loading weights is charged to nothing",
        f"{_METRICS}/loss_stages.py",
        "                    yield begins, ends, STAGE_OF[span.stage.kind]\n",
        "                    if span.stage.kind is not StageKind.WEIGHTS:\n"
        "                        yield begins, ends, STAGE_OF[span.stage.kind]\n",
        ("tests/metrics",),
        "fault-mid-rollout.yaml",
    ),
    Mistake(
        "budget counts pods of another namespace",
        f"{_CLUSTER}/disruption/budgets.py",
        "of_namespace = self._by_namespace.get(pod.namespace, {}).values()",
        "of_namespace = [each for budgets in self._by_namespace.values() for each in budgets.values()]",
        ("tests/cluster/disruption/test_eviction.py",),
        "budget-of-another-namespace.yaml",
    ),
)
