"""Faults as actions."""

from __future__ import annotations

from typing import Any

from kubeinfer_sim.testing.strategies.actions.registry import ALL, action
from kubeinfer_sim.testing.strategies.actions.targets import draw_pods
from kubeinfer_sim.testing.strategies.actions.then import Then
from kubeinfer_sim.testing.strategies.faults import draw_fault, possible_kinds
from kubeinfer_sim.testing.strategies.values import Draw, pick


@action("fault", *ALL)
def _fault(draw: Draw, then: Then) -> Any:
    kind = pick(draw, possible_kinds(then.nodes, storage=then.storage))
    pods = draw_pods(draw, then, nodes=False)
    return draw_fault(draw, kind, then.nodes, then.named, pods)
