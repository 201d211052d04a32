"""The time line of a run: each action of the scenario is done at its time, by whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable

from kubeinfer_sim.engine.clock import Clock, Phase
from kubeinfer_sim.scenario.actions.model import Action
from kubeinfer_sim.simulation.actions.handlers import Handlers


class TimeLine:
    """Has actions done; of each type one of the `handlers` knows how."""

    def __init__(self, clock: Clock, actions: Iterable[Action], handlers: Iterable[Handlers]) -> None:
        self._clock = clock
        self._actions = actions
        self._handlers = {kind: handler for each in handlers for kind, handler in each.items()}

    def start(self) -> None:
        """Let each action happen at its time."""
        for action in self._actions:
            self._clock.at(action.at, self._handlers[type(action)], action, phase=Phase.ACTION)
