"""What happens in a scenario and when: the actions of people and the failures written down, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from kubeinfer_sim.manifest.model import Kind, WorkloadSpec
from kubeinfer_sim.scenario.cluster.model import ClusterObject, NodeSpec, Taint
from kubeinfer_sim.scenario.faults.kinds import KINDS, Symptom
from kubeinfer_sim.scenario.timings.distribution import Distribution
from kubeinfer_sim.scenario.units import Millis


class Target(Struct, frozen=True):
    """Which pods or nodes an action is about; empty fields match everything.

    `kind` and `name` say whose pods; `name` "": those of all workloads of the kind, `kind` "" of all kinds.
    """

    nodes: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    instances: tuple[int, ...] = ()
    roles: tuple[str, ...] = ()
    pods: tuple[int, ...] = ()
    kind: Kind | Literal[""] = "KubeInfer"
    name: str = ""


#: How versions are called that are made from the one in force, which no file holds.
NEW_REVISION, PATCH = MADE_FROM_IT = ("new revision", "patch")


class Apply(Struct, frozen=True):
    """The user changes a workload: applies another version, patches, pauses, resumes, rolls it back.

    `workload` is all of its new version; kind and name say which one it is.

    Attributes:
        before: what it was made from by a change that leaves all else as it is, a patch or a restart, as far as that is
            known before the run; None: it replaces what is there.
    """

    at: Millis
    workload: WorkloadSpec
    label: str = ""
    before: WorkloadSpec | None = None


class Undo(Struct, frozen=True):
    """`kubectl rollout undo`: to the template before the newest of those that are kept, if there is one."""

    at: Millis
    kind: Kind
    name: str


class Refused(Struct, frozen=True):
    """A request that kubectl or the API server refuses then, whatever else happens: nothing changes.

    `what` of which object, as an action's `object` names it; `message` is in their words.
    """

    at: Millis
    what: str
    object: str
    message: str


class Scale(Struct, frozen=True):
    """The user changes `spec.replicas` of a workload alone; `name` "": of the only one of its kind."""

    at: Millis
    replicas: int
    kind: Kind = "KubeInfer"
    name: str = ""


class Cordon(Struct, frozen=True):
    """Nodes stop (or, with `uncordon`, start) taking new pods."""

    at: Millis
    nodes: tuple[str, ...]
    uncordon: bool = False


class SetTaint(Struct, frozen=True):
    """Somebody taints nodes (`kubectl taint --overwrite`): of one key and effect a node has one taint."""

    at: Millis
    nodes: tuple[str, ...]
    taint: Taint


class RemoveTaint(Struct, frozen=True):
    """Somebody takes the taints of a key from nodes; `effect` "": whatever they do."""

    at: Millis
    nodes: tuple[str, ...]
    key: str
    effect: str = ""


class LabelNodes(Struct, frozen=True):
    """Somebody changes labels of nodes (`kubectl label --overwrite`); None removes one."""

    at: Millis
    nodes: tuple[str, ...]
    labels: Mapping[str, str | None]


class AddNodes(Struct, frozen=True):
    """Nodes join the cluster, Ready."""

    at: Millis
    nodes: tuple[NodeSpec, ...]


class RemoveNodes(Struct, frozen=True):
    """Somebody deletes the objects of nodes (`kubectl delete node`); their machines go on."""

    at: Millis
    nodes: tuple[str, ...]


def label_changes(labels: Mapping[str, str | None]) -> tuple[str, ...]:
    """Changes of labels as kubectl writes them: `zone=a`, or `zone-` for one that is removed."""
    return tuple(f"{key}-" if to is None else f"{key}={to}" for key, to in labels.items())


def relabeled(labels: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Labels after such changes."""
    return {key: value for key, value in {**labels, **changes}.items() if value is not None}


class Drain(Struct, frozen=True):
    """`kubectl drain` of the nodes, one after the other: cordon, then evict pods as budgets allow.

    Attributes:
        timeout: give up a node after this long (--timeout); None tries for ever.
        delete_empty_dir_data, force, ignore_daemon_sets: kubectl's flags.
    """

    at: Millis
    nodes: tuple[str, ...]
    timeout: Millis | None = None
    delete_empty_dir_data: bool = True
    force: bool = False
    ignore_daemon_sets: bool = True


#: `silent`: the machine is dead; `cutOff`: it runs on, unheard of; `notReady`: its kubelet says it is not ready;
#: `kubeletRestart`: its containers run on, the kubelet does not.
FailureMode = Literal["silent", "cutOff", "notReady", "reboot", "kubeletRestart"]


#: How long after its kubelet a node's device plugin is back, in ms, where nothing else is said: as in the recorded
#: runs. After a reboot its own pod is started first; after a restart of the kubelet it only has to see the new socket.
PLUGIN_AFTER_REBOOT, PLUGIN_AFTER_RESTART = 12_000, 5_000


class NodeDown(Struct, frozen=True):
    """Machines fail; `until` is when they are back by themselves (None: not).

    Attributes:
        plugin_after: how long after its kubelet the device plugin is back; None: as usual.
    """

    at: Millis
    nodes: tuple[str, ...]
    mode: FailureMode = "silent"
    until: Millis | None = None
    plugin_after: Millis | None = None


class NodeUp(Struct, frozen=True):
    """Machines that failed are back."""

    at: Millis
    nodes: tuple[str, ...]


class OutOfService(Struct, frozen=True):
    """Somebody sets (`ended`: removes) the out-of-service taint."""

    at: Millis
    nodes: tuple[str, ...]
    ended: bool = False


class ForceDelete(Struct, frozen=True):
    """`kubectl delete pod --grace-period=0 --force` of matching pods; `terminating_only`: those that hang."""

    at: Millis
    target: Target
    terminating_only: bool = True


class DeletePods(Struct, frozen=True):
    """`kubectl delete pod` of matching pods that exist.

    Attributes:
        grace: deletionGracePeriodSeconds; None: what their specs say.
        first: only so many, the oldest; None: all.
        ready: only those that are, or are not; None: both.
    """

    at: Millis
    target: Target
    grace: int | None = None
    first: int | None = None
    ready: bool | None = None


class SetGate(Struct, frozen=True):
    """Somebody opens a scheduling gate of matching pods that exist."""

    at: Millis
    target: Target
    gate: str


class SetReadinessGate(Struct, frozen=True):
    """Somebody sets the condition that a readiness gate of matching pods that exist names."""

    at: Millis
    target: Target
    gate: str
    status: bool


class RemoveFinalizers(Struct, frozen=True):
    """Somebody takes finalizers away from matching pods that exist."""

    at: Millis
    target: Target
    finalizers: tuple[str, ...]


class EvictPods(Struct, frozen=True):
    """Somebody asks the eviction API for matching pods that exist, the oldest first; `first` and `ready` as above."""

    at: Millis
    target: Target
    first: int | None = None
    ready: bool | None = None


#: The answer of a check that could not be run: its result is thrown away (pkg/kubelet/prober/worker.go, doProbe).
CANNOT_BE_RUN = "error"


class Health(Struct, frozen=True):
    """The health check of matching pods starts to fail (`healthy=False`) or answers again.

    `until` ends it by itself. Losing readiness is not a recovery trigger; a failing liveness probe is.

    Attributes:
        hang: it does not answer at all until its timeout.
        flapping: it fails only with this probability, each time anew.
        latency: it answers, but only after this long.
        answer: what it gets instead, as written; empty when that is not said.
        container: whose check; "": those of all containers.
        new_pods: pods that are set up while it lasts are struck, too.
        after: not on the clock, but so long after the start of each run of a container that begins from `at` on, until
            `until`, and for `lasts` (None: to its end); of each container of a pod `times` runs (None: all).
    """

    at: Millis
    target: Target
    healthy: bool
    until: Millis | None = None
    probes: tuple[str, ...] = ("readiness",)
    hang: bool = False
    flapping: float | None = None
    latency: Millis | None = None
    container: str = ""
    new_pods: bool = False
    answer: str = ""
    after: Millis | None = None
    lasts: Millis | None = None
    times: int | None = None


class Crash(Struct, frozen=True):
    """A container's process ends by itself in matching pods; `container` "": the one that runs the engine.

    Attributes:
        after: not at once, but so long after the start of each run that begins from `at` on; None: at once.
        times: of each pod; pods count by name.
        until: runs that begin then or later go on.
    """

    at: Millis
    target: Target
    reason: str = "Error"
    exit_code: int = 1
    container: str = ""
    after: Millis | None = None
    times: int | None = None
    until: Millis | None = None


class ImageFault(Struct, frozen=True):
    """Pulls of these images (none named: of all) fail until `until` (None: for good), each `after` it has begun."""

    at: Millis
    images: tuple[str, ...] = ()
    until: Millis | None = None
    after: Millis = 0


#: Strike one at random instead of all that the target means.
AtRandom = Literal["", "busyNpu", "idleNpu", "pod", "node"]


class StartFault(Struct, frozen=True):
    """Runs of init containers, or postStart hooks (`what`), that begin from `at` on fail.

    `times` of each pod, until `until`, or (None) all. `container` "": every init container that ends, or every
    container with a hook. Pods count by name: one that replaces another goes on where that has left off.
    """

    at: Millis
    target: Target = Target()
    container: str = ""
    reason: str = "Error"
    exit_code: int = 1
    times: int | None = None
    until: Millis | None = None
    what: Literal["init", "postStart"] = "init"


class Fault(Struct, frozen=True):
    """Something breaks; `kind` and `level` are names of `faults/kinds.py` and `faults/levels.py`.

    Attributes:
        npus: numbers on the nodes of the target, or places among those each pod holds; () the first one.
        level, symptom: "" and None: as the kind says.
        clears_after: ms until it ends by itself; None: as the kind says.
        repair: how long its repair takes; None: as the settings say.
        failed_resets: attempts to reset the NPU that fail.
        factor: what is left of the storage's bandwidth (StorageSlow), or of the capacity of the pod (symptom slow);
            None: the defaults.
    """

    at: Millis
    kind: str
    target: Target = Target()
    npus: tuple[int, ...] = ()
    level: str = ""
    symptom: Symptom | None = None
    clears_after: Millis | None = None
    repair: Distribution | None = None
    failed_resets: int = 0
    random: AtRandom = ""
    factor: float | None = None


class Create(Struct, frozen=True):
    """Somebody creates an object that owns pods, or is one; where it is there already, that is refused."""

    at: Millis
    workload: WorkloadSpec


class Delete(Struct, frozen=True):
    """Somebody deletes one, in the background: its object goes at once, and what it owns is garbage collected."""

    at: Millis
    kind: Kind
    name: str


class Put(Struct, frozen=True):
    """Somebody creates or changes an object that owns no pods."""

    at: Millis
    object: ClusterObject


class DeleteObject(Struct, frozen=True):
    """Somebody deletes one."""

    at: Millis
    object: ClusterObject


#: What becomes of a request to make, change or delete an object.
Change = Apply | Scale | Undo | Refused | Create | Delete | Put | DeleteObject

Action = (
    Change
    | Cordon
    | SetTaint
    | RemoveTaint
    | LabelNodes
    | AddNodes
    | RemoveNodes
    | Drain
    | Health
    | Crash
    | Fault
    | ImageFault
    | StartFault
    | NodeDown
    | NodeUp
    | OutOfService
    | ForceDelete
    | DeletePods
    | EvictPods
    | SetGate
    | SetReadinessGate
    | RemoveFinalizers
)


def ends_at(action: Action) -> Millis:
    """When the last of what it says of itself happens, in ms: its end where it has one, else its time."""
    if isinstance(action, Fault):
        lasts = KINDS[action.kind].lasts if action.clears_after is None else action.clears_after
        return action.at + (lasts or 0)
    until: Millis | None = getattr(action, "until", None)
    return action.at if until is None else until
