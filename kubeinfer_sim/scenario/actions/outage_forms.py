"""How a user writes that machines and kubelets fail, and are back."""

from typing import Literal, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.actions.model import PLUGIN_AFTER_REBOOT, PLUGIN_AFTER_RESTART
from kubeinfer_sim.scenario.actions.nodes_form import NodesForm
from kubeinfer_sim.scenario.forms import Duration
from kubeinfer_sim.scenario.units import format_duration


class NodeDownForm(NodesForm):
    """Nodes that fail."""

    mode: Literal["silent", "cutOff", "notReady"] = Field(
        "silent",
        description="silent: the machine is dead; cutOff: it runs on, the API server hears nothing of it; "
        "notReady: its kubelet says it is not ready.",
    )
    until: Duration | None = Field(None, description="When it is back by itself, from the start of the run.")
    lasts: Duration | None = Field(None, description="When it is back by itself, from its own start.")

    @model_validator(mode="after")
    def _end(self) -> Self:
        if self.until is not None and self.lasts is not None:
            raise ValueError("expected one of until and lasts, found both")
        return self


class RebootForm(NodesForm):
    """Nodes that go down and come back: containers and page cache are lost."""

    takes: Duration = Field("5m", validate_default=True)
    device_plugin_after: Duration = Field(
        format_duration(PLUGIN_AFTER_REBOOT),
        validate_default=True,
        description="From the start of its kubelet until its device plugin has registered; until then no pod gets "
        "devices, and pods that had some are rejected. 0s: before pods are admitted.",
    )


class KubeletRestartForm(NodesForm):
    """Nodes whose kubelet is stopped and started again; their containers run on."""

    takes: Duration = Field("10s", validate_default=True, description="From its end until it runs again.")
    device_plugin_after: Duration = Field(
        format_duration(PLUGIN_AFTER_RESTART),
        validate_default=True,
        description="From its start until the device plugin has registered; until then no new pod gets devices.",
    )


class OutOfServiceForm(NodesForm):
    """Nodes that get the taint `node.kubernetes.io/out-of-service`, or lose it."""

    ended: bool = Field(False, description="true: the taint is taken away.")
