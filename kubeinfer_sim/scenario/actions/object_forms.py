"""How a user writes that objects are created, changed and deleted on the time line."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from kubeinfer_sim.scenario.forms import Form

#: An object, several in order, or the path of a manifest with them.
CreateValue = (
    Annotated[dict[str, Any], Field(min_length=1)]
    | Annotated[list[Annotated[dict[str, Any], Field(min_length=1)]], Field(min_length=1)]
    | str
)


class SetImageForm(Form):
    """Another image for a container (kubectl set image)."""

    container: str = Field(description="By name; `*`: all containers.")
    image: str
