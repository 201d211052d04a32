"""How a user writes what is assumed of controllers that the vendor does not describe."""

from typing import Annotated, Any, Literal

from pydantic import Field

from kubeinfer_sim.scenario.forms import Duration, DurationOrNever, Form, PositiveDuration
from kubeinfer_sim.scenario.model import Assumptions
from kubeinfer_sim.scenario.units import format_duration

_A = Assumptions()


def _time(millis: int | None) -> Any:
    """A default, as the user would write it."""
    return Field("never" if millis is None else format_duration(millis), validate_default=True)


class AssumptionsForm(Form):
    """How KubeInfer's controller is taken to behave where the vendor publishes nothing."""

    start_barrier: Literal["instance", "role", "none"] = _A.start_barrier
    traffic: Literal["wholeInstance", "perPod"] | None = _A.traffic
    replacement: Literal["TerminationComplete", "TerminationStarted"] = _A.replacement
    unready_grace: Duration = _time(_A.unready_grace)
    unready_old: Literal["outsideBudget", "inOrder"] = _A.unready_old
    middle_revision: Literal["replaced", "finished"] = _A.middle_revision
    replaced_at_once: Literal["budget", "one"] = _A.replaced_at_once
    ordinals: Literal["lowestFree", "next", "fixed"] = _A.ordinals
    scale_in: Literal["oldFirst", "highestOrdinal"] = _A.scale_in
    old_instance_failure: Literal["replaceNew", "rebuildOld"] = _A.old_instance_failure
    group_termination: Literal["together", "failedFirst"] = _A.group_termination
    startup_crash: Literal["rebuild", "kubelet"] = _A.startup_crash
    backoff: list[Duration] = Field(
        [format_duration(each) for each in _A.backoff], min_length=1, validate_default=True
    )
    backoff_reset: Duration = _time(_A.backoff_reset)
    max_restarts: Annotated[int, Field(ge=0)] | None = _A.max_restarts
    max_restarts_window: PositiveDuration = _time(_A.max_restarts_window)
    keep_nodes: bool = _A.keep_nodes
    peer_loss_timeout: DurationOrNever = _time(_A.peer_loss_timeout)
    progress_deadline: DurationOrNever = _time(_A.progress_deadline)
    scheduler: Literal["volcano", "kube-scheduler"] | None = _A.scheduler
    pod_group: Literal["new", "kept"] = _A.pod_group
    min_member: Annotated[int, Field(ge=1)] | None = _A.min_member
    placement: Literal["mostAllocated", "leastAllocated", "default"] = _A.placement
    scheduling_rate: Literal["unlimited", "mindcluster"] = _A.scheduling_rate
    preemption: bool = _A.preemption
    scale_subresource: Literal["none", "instance"] = _A.scale_subresource
    loads_after_sigterm: bool = _A.loads_after_sigterm
    on_stall: Literal["wait", "abort"] = _A.on_stall
    fault_scheduling: Literal["external-force", "external-force-pod-failed"] = _A.fault_scheduling
    silent_faults: bool = _A.silent_faults
