"""How a user writes what `kubectl set` changes in an object."""

from pydantic import Field

from kubeinfer_sim.scenario.forms import Form


class SetImageForm(Form):
    """Another image for a container (kubectl set image)."""

    container: str = Field(description="By name; `*`: all containers.")
    image: str
