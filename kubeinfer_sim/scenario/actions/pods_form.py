"""How a user says which pods an action is about."""

from typing import Annotated

from pydantic import Field

from kubeinfer_sim.scenario.forms import Form


class PodsForm(Form):
    """Pods, by their places and by their nodes; what is left out matches everything."""

    instances: list[Annotated[int, Field(ge=0)]] = Field([], description="Ordinals, from 0.")
    roles: list[str] = Field([])
    pods: list[Annotated[int, Field(ge=0)]] = Field([], description="Places within the role, from 0.")
    nodes: list[str] = Field([])
    node_selector: dict[str, str] = Field({})
