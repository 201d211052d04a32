"""What a combination costs: what its nodes cost in an hour, those that join later included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from msgspec import Struct

from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.manifest.accelerators import accelerator_count
from kubeinfer_sim.scenario.actions.model import AddNodes
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.model import Scenario

#: By what is counted: nodes, their accelerators, or the prices of their pools.
Basis = Literal["nodes", "accelerators", "price"]


#: The same by what an hour of them is called.
UNITS: dict[str, Basis] = {"node-hours": "nodes", "accelerator-hours": "accelerators"}


class Cost(Struct, frozen=True):
    """How cost is counted.

    Attributes:
        unit: of an hour: `node-hours`, `accelerator-hours`, `price`.
    """

    basis: Basis
    unit: Literal["node-hours", "accelerator-hours", "price"]
    of_node: Callable[[NodeSpec], float]

    def of(self, scenario: Scenario) -> float:
        """What the nodes of a scenario cost in an hour."""
        return sum(map(self.of_node, nodes_of(scenario)))


def nodes_of(scenario: Scenario) -> list[NodeSpec]:
    """The nodes at the start, and those that join."""
    joining = [node for each in scenario.actions if isinstance(each, AddNodes) for node in each.nodes]
    return [*scenario.nodes, *joining]


def cost_by(basis: str | None, scenarios: Sequence[Scenario]) -> Cost:
    """Cost by `basis`.

    If not given by prices where pools have them, by accelerators where nodes differ in them, else by nodes.

    Raises:
        UsageError: there is no such basis, or a pool has no price.
    """
    known, basis = get_args(Basis), UNITS.get(basis or "", basis)
    if basis is not None and basis not in known:
        raise UsageError(f"--cost {basis}: expected {', '.join(known[:-1])} or {known[-1]}")
    nodes = [node for each in scenarios for node in nodes_of(each)]
    unpriced = list(dict.fromkeys(node.pool for node in nodes if node.price is None))
    priced = any(node.price is not None for node in nodes)
    if basis == "price" or (basis is None and priced):
        if unpriced:
            others = ", the others have" if priced else ""
            otherwise = "" if basis else ", or give --cost nodes"
            raise UsageError(
                f"--cost price: pool {unpriced[0]} has no price{others}: write what one of its nodes costs in a time, "
                f"as in price: 40/h{otherwise}"
            )
        return Cost("price", "price", lambda node: float(node.price or 0))
    accelerators = {accelerator_count(node.allocatable) for node in nodes}
    if basis == "accelerators" or (basis is None and len(accelerators) > 1):
        return Cost("accelerators", "accelerator-hours", lambda node: accelerator_count(node.allocatable))
    return Cost("nodes", "node-hours", lambda _: 1)
