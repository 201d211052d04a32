"""How a user writes that nodes are drained."""

from pydantic import Field

from kubeinfer_sim.scenario.actions.nodes_form import NodesForm
from kubeinfer_sim.scenario.forms import DurationOrNever


class DrainForm(NodesForm):
    """Nodes to drain, one after the other, as `kubectl drain` does it, with its flags."""

    timeout: DurationOrNever = Field("never", validate_default=True, description="For each node (--timeout).")
    delete_emptydir_data: bool = Field(True, description="kubectl itself refuses unless told so.")
    ignore_daemonsets: bool = Field(True, description="kubectl itself refuses unless told so.")
    force: bool = Field(False, description="Also evict pods that nobody will create again.")
