"""How a user writes what happens on the time line: a time, and exactly one action."""

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

from kubeinfer_sim.scenario.forms import Duration, Form, OnlyTrue, exactly_one, later

if TYPE_CHECKING:
    from kubeinfer_sim.scenario.actions.apply_form import ApplyForm
    from kubeinfer_sim.scenario.actions.drain_form import DrainForm
    from kubeinfer_sim.scenario.actions.failure_forms import (
        CrashForm,
        HealthForm,
        ImageFaultForm,
        InitFaultForm,
        PostStartFaultForm,
    )
    from kubeinfer_sim.scenario.actions.node_forms import (
        LabelNodesForm,
        RemoveTaintForm,
        SetTaintForm,
    )
    from kubeinfer_sim.scenario.actions.nodes_form import NodesForm
    from kubeinfer_sim.scenario.actions.object_forms import SetImageForm
    from kubeinfer_sim.scenario.actions.outage_forms import (
        KubeletRestartForm,
        NodeDownForm,
        OutOfServiceForm,
        RebootForm,
    )
    from kubeinfer_sim.scenario.actions.pod_forms import (
        DeletePodForm,
        ForceDeleteForm,
        RemoveFinalizersForm,
        SetGateForm,
        SetReadinessGateForm,
        SomePodsForm,
    )
    from kubeinfer_sim.scenario.cluster.pool_forms import AddNodesForm
    from kubeinfer_sim.scenario.faults.forms import FaultForm
else:
    HERE = "kubeinfer_sim.scenario.actions"
    CrashForm, HealthForm, ImageFaultForm, InitFaultForm, PostStartFaultForm = later(
        f"{HERE}.failure_forms",
        "CrashForm",
        "HealthForm",
        "ImageFaultForm",
        "InitFaultForm",
        "PostStartFaultForm",
    )
    (ApplyForm,) = later(f"{HERE}.apply_form", "ApplyForm")
    (DrainForm,) = later(f"{HERE}.drain_form", "DrainForm")
    LabelNodesForm, RemoveTaintForm, SetTaintForm = later(
        f"{HERE}.node_forms", "LabelNodesForm", "RemoveTaintForm", "SetTaintForm"
    )
    (NodesForm,) = later(f"{HERE}.nodes_form", "NodesForm")
    (SetImageForm,) = later(f"{HERE}.object_forms", "SetImageForm")
    KubeletRestartForm, NodeDownForm, OutOfServiceForm, RebootForm = later(
        f"{HERE}.outage_forms", "KubeletRestartForm", "NodeDownForm", "OutOfServiceForm", "RebootForm"
    )
    (
        DeletePodForm,
        ForceDeleteForm,
        RemoveFinalizersForm,
        SetGateForm,
        SetReadinessGateForm,
        SomePodsForm,
    ) = later(
        f"{HERE}.pod_forms",
        "DeletePodForm",
        "ForceDeleteForm",
        "RemoveFinalizersForm",
        "SetGateForm",
        "SetReadinessGateForm",
        "SomePodsForm",
    )
    (AddNodesForm,) = later("kubeinfer_sim.scenario.cluster.pool_forms", "AddNodesForm")
    (FaultForm,) = later("kubeinfer_sim.scenario.faults.forms", "FaultForm")

#: An object, several in order, or the path of a manifest with them.
CreateValue = (
    Annotated[dict[str, Any], Field(min_length=1)]
    | Annotated[list[Annotated[dict[str, Any], Field(min_length=1)]], Field(min_length=1)]
    | str
)

#: The actions on one object, which `object` may name.
_ON_OBJECTS = (
    "fault",
    "apply",
    "patch",
    "scale",
    "pause",
    "resume",
    "rollback",
    "health",
    "crash",
    "initFault",
    "postStartFault",
    "forceDelete",
    "deletePod",
    "evictPod",
    "setImage",
    "patchObject",
    "setGate",
    "setReadinessGate",
    "removeFinalizers",
)


class ActionForm(Form):
    """Something that happens at a time: exactly one of the kinds below."""

    at: Duration = Field(description="From the start of the run.")
    apply: ApplyForm | None = None
    patch: Annotated[dict[str, Any], Field(min_length=1)] | None = Field(
        None, description="JSON merge patch (RFC 7386) of the KubeInfer as it is then."
    )
    object: str | None = Field(
        None,
        description="Whose spec or pods: KubeInfer/name or Deployment/name; left out: the only KubeInfer, or the only "
        "Deployment where there is none.",
    )
    scale: Annotated[int, Field(ge=0, le=100_000)] | None = Field(None, description="The new spec.replicas.")
    pause: OnlyTrue | None = Field(
        None, description="Set spec.paused of a Deployment (kubectl rollout pause)."
    )
    resume: OnlyTrue | None = Field(None, description="Clear it again.")
    rollback: OnlyTrue | None = Field(
        None, description="Back to the pod templates before the present ones (kubectl rollout undo)."
    )
    set_image: SetImageForm | None = Field(
        None, description="Another image for a container (kubectl set image)."
    )
    create: CreateValue | None = Field(
        None, description="An object of any kind, a list of them in order, or the path of a manifest."
    )
    patch_object: Annotated[dict[str, Any], Field(min_length=1)] | None = Field(
        None, description="JSON merge patch (RFC 7386) of the object that `object` names, of any kind."
    )
    delete_object: str | None = Field(
        None, description="Kind/name. What it owns is garbage collected: the pods of a Deployment."
    )
    cordon: NodesForm | None = Field(None, description="Nodes that take no new pods from then on.")
    uncordon: NodesForm | None = Field(None, description="Nodes that take pods again.")
    taint: SetTaintForm | None = None
    untaint: RemoveTaintForm | None = None
    label_nodes: LabelNodesForm | None = None
    add_nodes: AddNodesForm | None = None
    remove_nodes: NodesForm | None = Field(
        None, description="Nodes whose objects somebody deletes (kubectl delete node); their machines go on."
    )
    drain: DrainForm | None = Field(None, description="Nodes that are cordoned and emptied.")
    node_down: NodeDownForm | None = None
    node_up: NodesForm | None = Field(None, description="Nodes that failed and are back.")
    reboot: RebootForm | None = None
    kubelet_restart: KubeletRestartForm | None = None
    out_of_service: OutOfServiceForm | None = None
    force_delete: ForceDeleteForm | None = None
    delete_pod: DeletePodForm | None = None
    evict_pod: SomePodsForm | None = Field(
        None,
        description="Pods whose eviction somebody asks the API server for, one after the other; budgets answer.",
    )
    set_gate: SetGateForm | None = None
    set_readiness_gate: SetReadinessGateForm | None = None
    remove_finalizers: RemoveFinalizersForm | None = None
    health: HealthForm | None = None
    crash: CrashForm | None = None
    init_fault: InitFaultForm | None = None
    post_start_fault: PostStartFaultForm | None = None
    image_fault: ImageFaultForm | None = None
    fault: FaultForm | None = Field(None, description="Something breaks; docs/faults.md lists the kinds.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        kind = exactly_one(self, *(name for name in type(self).model_fields if name not in ("at", "object")))
        if self.object is not None and kind not in _ON_OBJECTS:
            raise ValueError(f"object says whose spec or pods are meant; {kind} is about something else")
        return self
