"""Evictions keep to PodDisruptionBudgets."""

from __future__ import annotations

from kubeinfer_sim.cluster.disruption.budgets import KIND
from kubeinfer_sim.cluster.records import PodDeleting, PodRef
from kubeinfer_sim.controllers.kubeinfer.records import (
    InstanceRestarting,
    PodRebuilding,
    RestartContinued,
    RoleRebuilding,
)
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.engine.meter import Handlers
from kubeinfer_sim.manifest.kubernetes.labels import matches_all
from kubeinfer_sim.scenario.actions.model import DeleteObject, Put
from kubeinfer_sim.scenario.cluster.model import DisruptionBudget
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.invariants.ever import Whose, templates_ever, whose
from kubeinfer_sim.testing.invariants.invariant import Finished, Report
from kubeinfer_sim.testing.invariants.pods_there import PodsThere

#: What pods are deleted for that somebody evicts: by the eviction API alone, or by a drain.
EVICTED = ("Evicted", "Drained")
#: What deletes the other pods of an instance of which one was evicted: its recovery, for which no budget is asked.
_REBUILDS: tuple[type[Record], ...] = (InstanceRestarting, PodRebuilding, RoleRebuilding, RestartContinued)


class BudgetsNeverOverdrawn:
    """INV-21: a budget with a number of `minAvailable` has as many healthy pods after each eviction.

    Not asked where budgets, or the labels they select by, change while the run goes on.
    """

    number = "INV-21"
    statement = "no eviction of a pod that is Ready leaves fewer healthy ones than its budget's minAvailable"
    reason = "the budget is what keeps a service up while nodes are drained (pkg/registry/core/pod/storage)"
    caught = "a budget allows one disruption more"

    def __init__(self, scenario: Scenario, report: Report) -> None:
        self._report = report
        self._pods = PodsThere()
        self._going: set[PodRef] = set()
        self._rebuilds: set[int] = set()
        changed = any(_changes_a_budget(each) for each in scenario.actions)
        budgets = () if changed else scenario.disruption_budgets
        self._least: list[tuple[DisruptionBudget, int]] = [
            (each, each.min_available.value)
            for each in budgets
            if each.min_available is not None and not each.min_available.percent
        ]
        self._under: dict[Whose, list[bool]] = {}
        for namespace, key, template in templates_ever(scenario):
            under = [
                each.namespace == namespace and matches_all(each.selector, template.labels)
                for each, _ in self._least
            ]
            if self._under.setdefault(key, under) != under:
                self._least = []
                return

    def handlers(self) -> Handlers:
        """Which pods there are, which are Ready, and which are deleted for what."""
        if not self._least:
            return {}
        rebuilds: Handlers = dict.fromkeys(_REBUILDS, self._rebuilding)
        return {**self._pods.handlers(), **rebuilds, PodDeleting: self._deleting}

    def finish(self, finished: Finished) -> None:
        """All has been said."""

    def _rebuilding(self, record: Record) -> None:
        self._rebuilds.add(record.id)

    def _deleting(self, record: PodDeleting) -> None:
        healthy = record.pod in self._pods.ready and record.pod not in self._going
        self._going.add(record.pod)
        under = self._under.get(whose(record.pod))
        if record.reason not in EVICTED or record.cause in self._rebuilds or not healthy or not under:
            return
        for place, (budget, least) in enumerate(self._least):
            if under[place] and (left := self._healthy(place)) < least:
                self._report(
                    f"{left} pods under {budget.name} stay healthy, and at least {least} must", record
                )

    def _healthy(self, place: int) -> int:
        """How many pods under a budget are Ready and stay."""
        ready = (whose(pod) for pod in self._pods.ready if pod not in self._going)
        return sum(self._under[key][place] for key in ready if key in self._under)


def _changes_a_budget(action: object) -> bool:
    return isinstance(action, Put | DeleteObject) and action.object.kind == KIND
