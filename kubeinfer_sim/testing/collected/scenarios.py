"""`*.scenario.yaml`: a test for what it comes to, and one for each objective."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING

from kubeinfer_sim.experiment.judging import Decision
from kubeinfer_sim.experiment.replications import Replications, replicate
from kubeinfer_sim.metrics import Judgement
from kubeinfer_sim.report.run_verdict import objective_row, sentence
from kubeinfer_sim.report.verdict import Assessment, assess
from kubeinfer_sim.scenario.configuration import find_configuration
from kubeinfer_sim.scenario.load import load_scenario
from kubeinfer_sim.scenario.model import Scenario
from kubeinfer_sim.testing.collected.item import Check, CheckedFile, NotHeld
from kubeinfer_sim.testing.explained import missed_text
from kubeinfer_sim.testing.goals import Goal, goals_of
from kubeinfer_sim.testing.invariants import checked

if TYPE_CHECKING:
    import pytest

#: The option with how many runs an objective with a probability is judged by.
RUNS = "kubeinfer_runs"


class ScenarioFile(CheckedFile):
    """A scenario file; it is simulated once, when the first of its tests runs."""

    def collect(self) -> Iterator[pytest.Item]:
        """The tests; the objectives are known before anything is played.

        Raises:
            InputError: the file is wrong.
        """
        goals = goals_of(self.scenario)
        if all(goal.probability is None for goal in goals.values()):
            yield self._item("outcome", partial(self._came_about))
        for name, goal in goals.items():
            if goal.probability is None:
                yield self._item(name, partial(self._held, goal))
            else:
                yield self._item(name, partial(self._held_in_many, goal), "-n", str(self.runs))

    @cached_property
    def scenario(self) -> Scenario:
        """As `kubeinfer-sim run` reads it, with the configuration file that holds in the working directory."""
        return load_scenario(self.shown, configuration=find_configuration())

    @cached_property
    def assessment(self) -> Assessment:
        """The run, judged; the invariants watch it."""
        return assess(checked(self.scenario))

    @cached_property
    def replications(self) -> Replications:
        """Many runs."""
        return replicate(self.scenario, self.runs)

    @property
    def runs(self) -> int:
        """How many those are."""
        runs: int = self.config.getoption(RUNS)
        return runs

    def _item(self, name: str, check: partial[None], *options: str) -> pytest.Item:
        seed = () if options else ("--seed", str(self.scenario.seed))
        command = shlex.join(["kubeinfer-sim", "run", self.shown, *options, *seed])
        item: pytest.Item = Check.from_parent(self, name=name, check=check, command=command)
        return item

    def _came_about(self) -> None:
        if not self.assessment.came_about:
            raise NotHeld(missed_text(self.assessment, None, self.shown))

    def _held(self, goal: Goal) -> None:
        judged = [each for each in self.assessment.judged if goal.is_judged_by(each)]
        for each in judged:
            if each.judgement is not Judgement.HELD:
                raise NotHeld(missed_text(self.assessment, each, self.shown))
        if not judged:
            raise NotHeld(f"nothing could be judged: {self.assessment.verdict.sentence}")

    def _held_in_many(self, goal: Goal) -> None:
        runs = self.replications
        for each in runs.objectives:
            if each.objective is not None and goal.is_judged_by(each.objective):
                if each.decision is Decision.HELD:
                    return
                mark, wanted, told = objective_row(each)
                more = f"; more runs may decide it: --kubeinfer-runs={10 * self.runs}"
                more = more if each.decision is Decision.UNDECIDED else ""
                again = shlex.join(["kubeinfer-sim", "run", self.shown, "-n", str(self.runs)])
                raise NotHeld(f"{mark}: {wanted}: {told}{more}\n{sentence(runs)}\n\n{again}")
        raise NotHeld(f"nothing could be judged: {sentence(runs)}")
