"""What breaks something, as a scenario file that holds all it is made of and can be run from any folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from kubeinfer_sim.errors import SimulatorFault
from kubeinfer_sim.experiment.replication import Replication, Variant
from kubeinfer_sim.experiment.worker import play_guarded
from kubeinfer_sim.testing.fuzz.cases import Cost, Document, cost_of, read, with_actions
from kubeinfer_sim.testing.kept import keep

#: How the files begin that are kept.
NAME = "fuzz"


class Counterexample(Struct, frozen=True):
    """Attributes:
    path: of the file.
    sentence: what happens in it.
    differences: from what was given.
    """

    path: str
    sentence: str
    differences: tuple[str, ...]

    @property
    def replay(self) -> str:
        """The command that plays it."""
        return shlex.join(["kubeinfer-sim", "run", self.path])


def keep_counterexample(
    document: Document,
    actions: Sequence[Mapping[str, Any]],
    sentence: str,
    base: Replication,
    cost: Cost,
    *,
    run_timeout: float | None = None,
) -> Counterexample:
    """Keep a scenario with more on its time line, once the file's text has been seen to break the same.

    Args:
        document: what was given.
        actions: what is added.
        sentence: what happens.
        base: the run of what was given.
        cost: what it came to when it was played.
        run_timeout: seconds it may take.

    Raises:
        SimulatorFault: what is written comes to something else.
        OSError: it cannot be written.
    """
    whole = with_actions(document, actions)
    scenario = read(whole)
    again = cost_of(base, play_guarded(Variant(scenario.name, scenario), scenario.seed, run_timeout))
    if again != cost:
        raise SimulatorFault(
            f"what is written comes to something else than what was played: {again}, not {cost}"
        )
    told = tuple(f"spec.actions: new, {_shown(each)}" for each in actions)
    return Counterexample(keep(whole, sentence, NAME), sentence, told)


def _shown(action: Mapping[str, Any]) -> str:
    from kubeinfer_sim.manifest.yaml_text import one_line

    return one_line(action)
