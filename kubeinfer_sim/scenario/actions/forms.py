"""How a user writes versions of the KubeInfer, and what people do on the time line."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from kubeinfer_sim.scenario.actions.node_forms import (
    DrainForm,
    ForceDeleteForm,
    KubeletRestartForm,
    LabelNodesForm,
    NodeDownForm,
    NodesForm,
    OutOfServiceForm,
    RebootForm,
    RemoveTaintForm,
    SetTaintForm,
)
from kubeinfer_sim.scenario.actions.object_forms import CreateValue, SetImageForm
from kubeinfer_sim.scenario.actions.pods_form import PodsForm
from kubeinfer_sim.scenario.cluster.forms import AddNodesForm
from kubeinfer_sim.scenario.faults.forms import FaultForm
from kubeinfer_sim.scenario.forms import Duration, Form, ShortForm, exactly_one


def _only_true(value: object) -> bool:
    if value is not True:
        raise ValueError("write true, or leave it out")
    return True


OnlyTrue = Annotated[bool, PlainValidator(_only_true), WithJsonSchema({"const": True})]


class ManifestForm(ShortForm):
    """A manifest: a path, or a path with values for its template, or a KubeInfer written in place."""

    short: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string", "description": "Path of the manifest, relative to this file."},
            {"type": "object", "required": ["apiVersion", "kind"], "description": "The KubeInfer itself."},
        ]
    }
    path: str | None = Field(None, description="Path of the manifest, relative to this file.")
    inline: dict[str, Any] | None = Field(None, description="The KubeInfer itself.")
    set: dict[str, Any] = Field(
        {}, description="Values for ${name} in the manifest: text, numbers, lists, mappings."
    )
    set_file: dict[str, str] = Field({}, description="Values for ${name}, read from files.")
    name: str | None = Field(None, description="Which KubeInfer, when there are several.")

    @classmethod
    def expand(cls, value: Any) -> Any:
        """A path → `{path: …}`, a KubeInfer → `{inline: …}`."""
        if isinstance(value, str):
            return {"path": value}
        if isinstance(value, dict) and ("kind" in value or "apiVersion" in value):
            return {"inline": value}
        return value

    @model_validator(mode="after")
    def _one(self) -> ManifestForm:
        exactly_one(self, "path", "inline")
        return self


class ApplyForm(ShortForm):
    """Another version of the KubeInfer: a manifest, the same with other values, a patch, a new revision."""

    short: ClassVar[dict[str, Any]] = ManifestForm.short
    path: str | None = Field(None, description="Path of the manifest; left out: the scenario's own.")
    inline: dict[str, Any] | None = Field(None, description="The KubeInfer itself.")
    set: dict[str, Any] | None = Field(None, description="Values for ${name}, over the manifest's own.")
    set_file: dict[str, str] | None = Field(None, description="Values for ${name}, read from files.")
    name: str | None = Field(None, description="Which KubeInfer, when there are several.")
    patch: dict[str, Any] | None = Field(None, description="JSON merge patch (RFC 7386) of the KubeInfer.")
    new_revision: OnlyTrue | None = Field(
        None, description="The same KubeInfer, its templates annotated as `kubectl rollout restart` does."
    )

    @classmethod
    def expand(cls, value: Any) -> Any:
        """As a manifest."""
        return ManifestForm.expand(value)

    @model_validator(mode="after")
    def _one(self) -> ApplyForm:
        manifest = self.path is not None or self.inline is not None
        if self.path is not None and self.inline is not None:
            raise ValueError("expected one of path and inline, found both")
        values = self.set is not None or self.set_file is not None
        kinds = [manifest or values, self.patch is not None, self.new_revision is not None]
        if sum(kinds) != 1:
            raise ValueError(
                "expected exactly one of a manifest (path, inline, set, setFile), patch, newRevision"
            )
        return self


class HealthForm(PodsForm):
    """The health check of some pods fails, or answers again; what is left out matches everything."""

    healthy: bool = Field(False, description="false: the probes fail from then on; true: they answer again.")
    probes: list[Literal["startup", "liveness", "readiness"]] = Field(["readiness"], min_length=1)
    container: str = Field("", description="By name; default: all that have such a probe.")
    new_pods: bool = Field(False, description="true: also in pods that come while it lasts.")
    hang: bool = Field(False, description="The checks do not fail at once but hang until their timeout.")
    flapping: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Each check fails only with this probability."
    )
    latency: Duration | None = Field(None, description="The checks succeed, but only after this long.")
    answer: Annotated[int, Field(ge=0, le=599)] | str | None = Field(
        None,
        description="What the checks get instead: a status of HTTP (200 to 399 passes), the exit code of a command, a "
        "serving status of gRPC (SERVING passes); error: the check cannot be run, which counts for nothing.",
    )
    after: Duration | None = Field(
        None,
        description="Not then, but so long after the start of each run of a container that begins from then on, in "
        "pods that are there or come; those under way go on.",
    )
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="With after: so many runs of each container; pods count by name. Default: all."
    )
    until: Duration | None = Field(
        None,
        description="When it ends by itself, from the start of the run; with after: runs that begin later are well.",
    )
    lasts: Duration | None = Field(
        None, description="When it ends by itself, from its own start; with after: how long in each run."
    )

    @model_validator(mode="after")
    def _one(self) -> HealthForm:
        if self.after is not None and (self.healthy or self.new_pods):
            raise ValueError("with after pods that come are struck, too: leave out newPods and healthy")
        if self.after is None and self.times is not None:
            raise ValueError(
                "times counts runs whose checks go wrong some time after their start: give after, too"
            )
        if self.after is None and self.until is not None and self.lasts is not None:
            raise ValueError("expected one of until and lasts, found both")
        if self.healthy and self.hang:
            raise ValueError("a check that answers does not hang: leave out hang, or healthy: true")
        if self.healthy and (self.flapping is not None or self.latency is not None):
            raise ValueError("healthy: true ends what was wrong: leave out flapping and latency")
        if self.healthy and self.new_pods:
            raise ValueError("pods that come are healthy: leave out newPods, or healthy: true")
        if self.hang and (self.flapping is not None or self.latency is not None):
            raise ValueError("a check that hangs neither flaps nor answers late: expected one of them")
        ways = (self.healthy, self.hang, self.flapping is not None, self.latency is not None)
        if self.answer is not None and any(ways):
            raise ValueError("answer says all: leave out healthy, hang, flapping and latency")
        return self


class CrashForm(PodsForm):
    """A container's process ends by itself in some pods; what is left out matches everything.

    With `after`, not at once but so long after each start, in pods that are there or come; pods count by name.
    """

    after: Duration | None = Field(
        None, description="Runs that begin from then on end so long after their start; those under way go on."
    )
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="With after: so many runs of each pod, the next one goes on; default: all."
    )
    until: Duration | None = Field(
        None, description="With after: runs that begin later go on; from the start of the run."
    )
    lasts: Duration | None = Field(None, description="The same, from its own start.")

    exit_code: Annotated[int, Field(ge=0, le=255)] | None = Field(
        None, description="Default 1, with OOMKilled 137, with Completed 0."
    )
    reason: Literal["Error", "OOMKilled", "Completed"] = "Error"
    container: str = Field(
        "",
        description="By name; default: an init container that runs at the time, else the one that asks for NPUs, else "
        "the first.",
    )

    @model_validator(mode="after")
    def _fits(self) -> CrashForm:
        one_end(self)
        ends = [name for name in ("times", "until", "lasts") if getattr(self, name) is not None]
        if self.after is None and ends:
            raise ValueError(f"{ends[0]} counts runs that end some time after their start: give after, too")
        if self.reason == "Completed" and self.exit_code not in (None, 0):
            raise ValueError("a container that is Completed has exit code 0")
        if self.reason != "Completed" and self.exit_code == 0:
            raise ValueError("exit code 0 is reason: Completed")
        return self


def one_end(form: InitFaultForm | PostStartFaultForm | CrashForm) -> None:
    """What goes wrong ends after so many times, or at a time, or never.

    Raises:
        ValueError: it ends twice.
    """
    ends = [name for name in ("times", "until", "lasts") if getattr(form, name) is not None]
    if len(ends) > 1:
        raise ValueError(f"expected one of times, until and lasts, found {' and '.join(ends)}")


class InitFaultForm(PodsForm):
    """Runs of init containers that fail from then on, in pods that are there or come; pods count by name."""

    container: str = Field("", description="By name; default: every init container that has to end.")
    exit_code: Annotated[int, Field(ge=0, le=255)] | None = Field(
        None, description="Default 1, with OOMKilled 137."
    )
    reason: Literal["Error", "OOMKilled"] = "Error"
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="So many runs of each pod, the next one ends well; default: all."
    )
    until: Duration | None = Field(
        None, description="Runs that begin later end well; from the start of the run."
    )
    lasts: Duration | None = Field(None, description="The same, from its own start.")

    @model_validator(mode="after")
    def _fits(self) -> InitFaultForm:
        one_end(self)
        if self.exit_code == 0:
            raise ValueError("an init container that ends with exit code 0 has not failed")
        return self


class PostStartFaultForm(PodsForm):
    """postStart hooks that fail from then on, in pods that are there or come; pods count by name."""

    container: str = Field("", description="By name; default: every container with a postStart hook.")
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="So many in each pod, the next one succeeds; default: all."
    )
    until: Duration | None = Field(
        None, description="Hooks that begin later succeed; from the start of the run."
    )
    lasts: Duration | None = Field(None, description="The same, from its own start.")

    @model_validator(mode="after")
    def _fits(self) -> PostStartFaultForm:
        one_end(self)
        return self


class ImageFaultForm(Form):
    """Images that cannot be pulled for a time."""

    images: list[str] = Field([], description="Left out: all, the registry is down.")
    after: Duration = Field(
        "0s",
        validate_default=True,
        description="How long a pull takes to fail, while it holds its node's queue; default: at once.",
    )
    until: Duration | None = Field(None, description="When it ends by itself, from the start of the run.")
    lasts: Duration | None = Field(None, description="When it ends by itself, from its own start.")

    @model_validator(mode="after")
    def _end(self) -> ImageFaultForm:
        if self.until is not None and self.lasts is not None:
            raise ValueError("expected one of until and lasts, found both")
        return self


class SomePodsForm(PodsForm):
    """Pods, of those that exist then; what is left out matches everything."""

    first: Annotated[int, Field(ge=1)] | None = Field(None, description="Only so many, the oldest.")
    ready: bool | None = Field(None, description="Only those that are ready, or (false) are not.")


class DeletePodForm(SomePodsForm):
    """Pods that somebody deletes (kubectl delete pod)."""

    grace_period: Duration | None = Field(
        None, description="Whole seconds; 0s: the object goes at once. Left out: what the pod's spec says."
    )

    @model_validator(mode="after")
    def _seconds(self) -> DeletePodForm:
        if self.grace_period is not None and self.grace_period % 1000:
            raise ValueError("gracePeriod is in whole seconds")
        return self


class SetGateForm(PodsForm):
    """A scheduling gate that somebody takes away from pods that exist; what is left out matches everything."""

    gate: str = Field(description="Its name.")
    open: OnlyTrue = Field(True, description="A gate can be opened, never closed.")


class SetReadinessGateForm(PodsForm):
    """The condition that a readiness gate of pods that exist names; what is left out matches everything."""

    gate: str = Field(description="Its conditionType.")
    status: bool = Field(True, description="false, or never set: the pods are not Ready.")


class RemoveFinalizersForm(PodsForm):
    """Finalizers that somebody takes away from pods that exist; what is left out matches everything."""

    finalizers: list[str] = Field([], description="By name; left out: all of them.")


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
    def _one(self) -> ActionForm:
        kind = exactly_one(self, *(name for name in type(self).model_fields if name not in ("at", "object")))
        if self.object is not None and kind not in _ON_OBJECTS:
            raise ValueError(f"object says whose spec or pods are meant; {kind} is about something else")
        return self
