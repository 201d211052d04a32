"""How a user says which nodes an action is about."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.forms import ShortForm, exactly_one


class NodesForm(ShortForm):
    """Nodes: by name, by pool or by label."""

    short: ClassVar[dict[str, Any]] = {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
    }
    nodes: Annotated[list[str], Field(min_length=1)] | None = None
    pool: str | None = None
    node_selector: Annotated[dict[str, str], Field(min_length=1)] | None = None

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A name or a list of names → `{nodes: […]}`."""
        if isinstance(value, str):
            return {"nodes": [value]}
        return {"nodes": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, "nodes", "pool", "node_selector")
        return self
