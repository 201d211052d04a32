"""How a user writes what happens to nodes, and the disruption budgets that hold a drain."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, WithJsonSchema, model_validator

from kubeinfer_sim.scenario.actions.model import PLUGIN_AFTER_REBOOT, PLUGIN_AFTER_RESTART
from kubeinfer_sim.scenario.actions.pods_form import PodsForm
from kubeinfer_sim.scenario.cluster.model import NodeLifecycle
from kubeinfer_sim.scenario.forms import (
    CountOrPercent,
    Duration,
    DurationOrNever,
    Form,
    ShortForm,
    exactly_one,
)
from kubeinfer_sim.scenario.units import format_duration

LabelOrNone = Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})]


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
    def _one(self) -> NodesForm:
        exactly_one(self, "nodes", "pool", "node_selector")
        return self


class SetTaintForm(NodesForm):
    """Nodes that somebody taints; a taint of the same key and effect that is there gets the value."""

    key: Annotated[str, Field(min_length=1)]
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class RemoveTaintForm(NodesForm):
    """Nodes that somebody takes a taint from."""

    key: Annotated[str, Field(min_length=1)]
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        "", description="Left out: all taints of the key."
    )


class LabelNodesForm(NodesForm):
    """Nodes whose labels somebody changes."""

    labels: Annotated[dict[str, LabelOrNone], Field(min_length=1)] = Field(
        description="null removes a label."
    )


class DrainForm(NodesForm):
    """Nodes to drain, one after the other, as `kubectl drain` does it, with its flags."""

    timeout: DurationOrNever = Field("never", validate_default=True, description="For each node (--timeout).")
    delete_emptydir_data: bool = Field(True, description="kubectl itself refuses unless told so.")
    ignore_daemonsets: bool = Field(True, description="kubectl itself refuses unless told so.")
    force: bool = Field(False, description="Also evict pods that nobody will create again.")


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
    def _end(self) -> NodeDownForm:
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


class ForceDeleteForm(PodsForm):
    """Pods whose objects are removed at once; what is left out matches everything."""

    terminating_only: bool = Field(True, description="Only pods that are Terminating already.")


class NodeLifecycleForm(Form):
    """What follows when a node is not heard of."""

    monitor_grace_period: Duration | None = Field(
        None, description="--node-monitor-grace-period; default 50s, up to Kubernetes 1.31 40s."
    )
    default_toleration_seconds: Annotated[int, Field(ge=0, le=86_400 * 365)] = Field(
        NodeLifecycle().toleration_seconds,
        description="How long a pod that does not say stays on a node that is not ready.",
    )


class KubeletForm(Form):
    """The kubelets' configuration."""

    max_container_restart_period: Duration | None = Field(
        None, description="crashLoopBackOff.maxContainerRestartPeriod, 1s to 5m; from Kubernetes 1.35."
    )
    reduced_crash_loop_back_off: bool = Field(
        False, description="Feature gate ReduceDefaultCrashLoopBackOffDecay: 1s doubling to 1m."
    )

    @model_validator(mode="after")
    def _range(self) -> KubeletForm:
        period = self.max_container_restart_period
        if period is not None and not 1_000 <= period <= 300_000:
            raise ValueError(
                f"maxContainerRestartPeriod must be from 1s to 5m, found {format_duration(period)}"
            )
        return self


class DisruptionBudgetForm(Form):
    """A PodDisruptionBudget; those in the manifest files are read as well."""

    name: Annotated[str, Field(min_length=1)]
    namespace: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Left out: that of the pods with these labels."
    )
    match_labels: Annotated[dict[str, str], Field(min_length=1)]
    min_available: CountOrPercent | None = None
    max_unavailable: CountOrPercent | None = None
    unhealthy_pod_eviction_policy: Literal["IfHealthyBudget", "AlwaysAllow"] = "IfHealthyBudget"

    @model_validator(mode="after")
    def _one(self) -> DisruptionBudgetForm:
        exactly_one(self, "min_available", "max_unavailable")
        return self
