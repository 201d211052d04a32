"""How a user writes what Kubernetes is told: the node controller, the kubelets, disruption budgets."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.cluster.model import NodeLifecycle
from kubeinfer_sim.scenario.forms import CountOrPercent, Duration, Form, exactly_one
from kubeinfer_sim.scenario.units import format_duration


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
    def _range(self) -> Self:
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
    def _one(self) -> Self:
        exactly_one(self, "min_available", "max_unavailable")
        return self
