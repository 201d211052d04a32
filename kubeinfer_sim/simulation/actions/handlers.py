"""Who does an action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kubeinfer_sim.scenario.actions.model import Action

#: What is called with each action of a type, at its time.
Handlers = Mapping[type[Action], Callable[[Any], None]]
