"""What happens to pods and nodes, as the history tells it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

from kubeinfer_sim.cluster.stages import Stage, StageName
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.model import KINDS_WITH_ROLES, Kind


class InstanceRef(Struct, frozen=True, order=True):
    """Which instance of which workload: `uid` is never used twice, `ordinal` is (after the earlier holder is gone).

    `owner` is the workload's name and `kind` its kind. A pod of a Deployment or a ReplicaSet belongs to no instance: it
    is one by itself, its `ordinal` the pod's number; so is a bare Pod, of which `ordinal` counts those of its name.
    """

    uid: int
    owner: str
    ordinal: int
    kind: Kind = "KubeInfer"

    @property
    def name(self) -> str:
        """`<owner>-<ordinal>`; of a bare Pod its name."""
        return self.owner if self.kind == "Pod" else f"{self.owner}-{self.ordinal}"

    @property
    def has_roles(self) -> bool:
        """Whether it is made of pods, each with a role and a place; else it is one pod."""
        return self.kind in KINDS_WITH_ROLES

    @property
    def is_bare_pod(self) -> bool:
        """Whether it is a Pod that nothing has made."""
        return self.kind == "Pod"


#: Where a pod stands in its instance: role and replica.
Place = tuple[str, int]


class PodRef(NamedTuple):
    """Which pod: `generation` counts the pods that stood at this place of this instance, from 0."""

    instance: InstanceRef
    role: str
    replica: int
    generation: int

    @property
    def name(self) -> str:
        """`<kubeinfer>-<ordinal>-<role>-<replica>`; of a pod that is an instance by itself that one's."""
        if self.instance.kind not in KINDS_WITH_ROLES:
            return self.instance.name
        return f"{self.instance.name}-{self.role}-{self.replica}"

    @property
    def place(self) -> Place:
        """Its place in the instance: role and replica."""
        return self.role, self.replica


class NodeVerdict(NamedTuple):
    """The nodes, by name, that turn a pod down for just these reasons, worded as kube-scheduler does.

    `away`: those of them that are not ready, or do not answer: the node controller keeps a taint on them.
    """

    reasons: tuple[str, ...]
    nodes: tuple[str, ...]
    away: tuple[str, ...] = ()


class Step(NamedTuple):
    """What somebody could do for pods that have no place.

    `what`: pods end (`fewer pods` where there is no room, else those that keep them off: `apart`, `port`; `rings` of
    NPUs are filled otherwise), nodes are uncordoned, return, get labels or lose a taint, a pod comes that they have to
    be `beside`, nodes get the label that says what beside is (`topology`) or over what pods are spread (`spread
    topology`), a spread constraint is looser, nodes are added, such with the labels that are asked for (`nodes so`) or
    without the taints of those there are (`nodes untainted`), or larger ones, or, where nothing else helps, pods ask
    for `other nodes` than those they name, or for another port of their nodes (`other port`).
    `nodes`: their names, where they matter; `number`: of nodes that get labels; of pods that end 1 where one suffices.
    """

    what: Literal[
        "fewer pods",
        "apart",
        "port",
        "rings",
        "uncordon",
        "return",
        "taint",
        "label",
        "beside",
        "topology",
        "spread topology",
        "spread",
        "nodes",
        "nodes so",
        "nodes untainted",
        "larger nodes",
        "other nodes",
        "other port",
    ]
    nodes: tuple[str, ...] = ()
    number: int = 0


#: What a gang waits for: nodes with room that take it, or something that comes before nodes are looked at.
Awaited = Literal[
    "room",
    "gate",
    "scheduler",
    "claim",
    "volume",
    "claim in use",
    "PodGroup",
    "queue",
    "pods",
    "capability",
    "minResources",
    "quota",
    "larger capability",
    "guarantee",
    "weight",
    "promise",
    "promised",
    "cycle",
    "search",
    "parts",
]


#: Who draws among equal nodes; "" where nothing hangs on that.
DrawnBy = Literal["", "Volcano", "kube-scheduler"]


class PodCreated(Record):
    """A pod object exists and waits for its gang to be placed; `revision`: the hash of the template it is made from."""

    pod: PodRef
    revision: str = ""


class Unscheduled(NamedTuple):
    """What the condition PodScheduled of a pod that waits says: a node for it (`Schedulable`), or why it has none."""

    pod: PodRef
    reason: Literal["Schedulable", "Unschedulable"]
    message: str


class GangPending(Record):
    """A gang waits and nothing under way will make room for it.

    `message` is what the scheduler says (`0/8 nodes are available: ...`), `verdicts` the nodes grouped by their reasons
    (no reason: the node would take the pod). `awaits`: all that it waits for. `proof`: where it `needs` room and no
    more, what it needs and what is free, to follow its name; else what keeps it. `drawn_by`: who drew what it hangs
    on: with other draws it would have a place; "" where it would not. `conditions`: what each pod's own condition says,
    where that is not `message`. `ways`: of one that waits at the end of the run, what would give it nodes: each way a
    few steps of which all are needed. `old_makes_room`: one instance (or pod) of an older revision less would, too.
    """

    instance: InstanceRef
    message: str
    proof: str
    verdicts: tuple[NodeVerdict, ...] = ()
    awaits: tuple[Awaited, ...] = ("room",)
    needs: bool = False
    drawn_by: DrawnBy = ""
    conditions: tuple[Unscheduled, ...] = ()
    ways: tuple[tuple[Step, ...], ...] = ()
    old_makes_room: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether it is to have its places without anything else: those of pods that end, or in the next cycle."""
        return not {"promise", "cycle"}.isdisjoint(self.awaits)

    def says_as(self, other: GangPending) -> bool:
        """Whether both give the same reasons, whenever they do."""
        mine = self.proof, self.message, self.verdicts, self.awaits, self.drawn_by, self.ways
        return (*mine, self.old_makes_room) == (
            other.proof,
            other.message,
            other.verdicts,
            other.awaits,
            other.drawn_by,
            other.ways,
            other.old_makes_room,
        )


class NotPlacedAtStart(Record):
    """A gang is to run when the simulation begins, and has no place: it waits for one like any other.

    `proof`: why, of the first of its workload; "" of the others. `drawn_by`: see `GangPending`.
    """

    instance: InstanceRef
    proof: str
    drawn_by: DrawnBy = ""


class PodPreempted(Record):
    """A pod of lower priority (`namespace/name`, or one of ours) is evicted to make room for a gang.

    `drawn`: chance chose its node among others of equal score.
    """

    pod: str
    node: str
    by: InstanceRef
    drawn: bool = False


class GangScheduled(Record):
    """All pods of a gang got nodes at once; `npus` is what they take, `in_use` the cluster's total."""

    instance: InstanceRef
    nodes: tuple[tuple[PodRef, str], ...]
    npus: int
    in_use: int


class NodeMissing(Record):
    """A pod names a node that does not exist; it waits there for the pod garbage collector."""

    pod: PodRef
    node: str


class PodBound(Record):
    """The pod is bound and its kubelet has set it up; `stages` are what comes before its containers run."""

    pod: PodRef
    node: str
    stages: tuple[Stage, ...]


class TransferDone(Record):
    """A pull or a read over a shared link, `stage`, is done; `size` in bytes, `stages` are what follows it.

    Size 0: the node had the image by then, and the registry was only asked.
    """

    pod: PodRef
    stage: StageName
    size: int
    stages: tuple[Stage, ...]


class ImagePullStalled(Record):
    """A pull that will fail has begun, or waits for its turn: the registry keeps it for `takes` ms, then refuses."""

    pod: PodRef
    image: str
    message: str
    takes: int


class ImagePullFailed(Record):
    """An image cannot be pulled; the kubelet tries on, unless it cannot help: ErrImageNeverPull, InvalidImageName.

    `took`: how long each pull takes to fail, in ms.
    """

    pod: PodRef
    image: str
    message: str
    reason: str
    took: int = 0


class ObjectMissing(Record):
    """A pod's set-up waits for an object that is not there, or is taken; the kubelet goes on trying.

    `reason`: CreateContainerConfigError (of `container`), FailedMount, FailedAttachVolume (of the whole pod). `key`:
    the object is there, and this key is not in it.
    """

    pod: PodRef
    reason: str
    message: str
    container: str
    key: str = ""


class ImagePullRetried(Record):
    """The image that could not be pulled can be now; `stages` are what comes before the containers run."""

    pod: PodRef
    node: str
    stages: tuple[Stage, ...]


class SetUpContinued(Record):
    """The pod's set-up goes on otherwise than planned; `container`: the init container that is started again, or ""."""

    pod: PodRef
    container: str
    stages: tuple[Stage, ...]


class ContainersRunning(Record):
    """All containers of the pod run and it has an address.

    `container` is the one that was started again; "" when all run for the first time. `engine`: the engine is among
    those that begin, and waits for the start barrier.
    """

    pod: PodRef
    restarts: int
    container: str = ""
    engine: bool = True


class EngineStarted(Record):
    """The start barrier is passed and the engine loads; `stages` as planned, one after the other."""

    pod: PodRef
    stages: tuple[Stage, ...]


class LoadedAfterSigterm(Record):
    """An engine finds what one that a probe had killed went on loading after its SIGTERM.

    `what`: weights in the page cache, or a compiled graph; `left`: for how many ms that engine still ran then.
    """

    pod: PodRef
    what: Literal["weights", "graph"]
    left: int


class PodStarted(Record):
    """All containers of the pod count as started; `probed`: a startup probe has found so."""

    pod: PodRef
    probed: bool


class PodReady(Record):
    """The pod's Ready condition turned true."""

    pod: PodRef


class PodNotReady(Record):
    """The pod's Ready condition turned false; `reason` in a word (ReadinessProbeFailed, ContainerDied …)."""

    pod: PodRef
    reason: str


class ContainerKilling(Record):
    """The kubelet decided to kill a container: its startup or its liveness probe has failed (`reason`).

    `revision`: the hash of the template that the pod, and so the probe, is made from.
    """

    pod: PodRef
    container: str
    reason: str
    detail: str
    revision: str = ""


class ContainerCrashed(Record):
    """The scenario has a container's process end by itself; `again`: and so it will the next run."""

    pod: PodRef
    reason: str
    exit_code: int
    again: bool = False


class ContainerDied(Record):
    """A container is dead; `init`: one that the containers of the pod have to wait for."""

    pod: PodRef
    container: str
    reason: str
    exit_code: int
    init: bool = False


class ContainerBackOff(Record):
    """The kubelet waits before it starts a container again (CrashLoopBackOff) until `until` ms; `init` as above.

    The pod's status says so from `in_status_at` on: before, it says how the container ended.
    """

    pod: PodRef
    container: str
    until: int
    init: bool = False
    in_status_at: int = 0


class PodDeleting(Record):
    """The pod has a deletion timestamp: out of traffic, preStop, SIGTERM. `stages` as planned.

    While its kubelet pulls an image for it, or kills or starts a container of it, they are what is left of that; none
    while its kubelet cannot hear of it. `PodStopping` follows then.
    """

    pod: PodRef
    reason: str
    stages: tuple[Stage, ...]


class PodStopping(Record):
    """The kubelet stops a pod whose deletion it could not begin with at once; `stages` as planned."""

    pod: PodRef
    stages: tuple[Stage, ...]


class PodRejected(Record):
    """A node's kubelet does not take the pod: its phase will be Failed with this reason and message."""

    pod: PodRef
    node: str
    reason: str
    message: str


class RejectionsGoOn(Record):
    """A node has rejected `number` pods like this one within `took` ms, and will all that follow, without a pause.

    The pod stands for these: what becomes of them is not told as long as nothing changes on the node.
    """

    pod: PodRef
    node: str
    reason: str
    message: str
    number: int
    took: int

    @property
    def per_second(self) -> int:
        """How many, rounded, at least one."""
        return max(1, round(1000 * self.number / self.took))


class PodFinished(Record):
    """The pod's phase is Succeeded or Failed: nothing of it runs or will, and what it held is free.

    `reason` and `message` as in its status, where the kubelet gives any. `npus` it gave back, `in_use` the cluster's
    total.
    """

    pod: PodRef
    phase: str
    reason: str
    message: str
    npus: int
    in_use: int


class GateSet(Record):
    """A gate of a pod was set: a scheduling gate opened, or (`readiness`) the condition a readiness gate names."""

    pod: PodRef
    gate: str
    status: bool = True
    readiness: bool = False


class GatesAwaited(Record):
    """All containers of a pod are ready, it is not: conditions that its readiness gates name are not True."""

    pod: PodRef
    gates: tuple[str, ...]


class PodHeld(Record):
    """Nothing is left of a deleted pod but its object, which these finalizers keep."""

    pod: PodRef
    finalizers: tuple[str, ...]


class FinalizersRemoved(Record):
    """Somebody has taken finalizers away from a pod."""

    pod: PodRef
    finalizers: tuple[str, ...]


class PodGone(Record):
    """The pod object is gone, and what it held is free. `npus` it gave back now, `in_use` the cluster's total."""

    pod: PodRef
    npus: int
    in_use: int


class NodeCordoned(Record):
    """A node takes no new pods (`uncordoned`: it does again)."""

    node: str
    uncordoned: bool = False


class NpusIsolated(Record):
    """NPUs of a node are out of service for new pods."""

    node: str
    npus: int


class NodeDrained(Record):
    """A drain of the node began: its pods are evicted."""

    node: str


class ImagesBroken(Record):
    """The scenario has pulls of these images (none named: of all) fail, until `until` (ms; None: for good)."""

    images: tuple[str, ...]
    until: int | None = None


class HealthChanged(Record):
    """The health check of a pod (or of one `container` of it) starts to fail, or answers again."""

    pod: PodRef
    healthy: bool
    probes: tuple[str, ...]
    container: str = ""


class NodeFailed(Record):
    """Something happened to a machine.

    `mode`: `silent` it is dead, `cutOff` it runs on but the API server hears nothing of it, `notReady` its kubelet
    reports itself not ready, `reboot` it goes down and comes back, `kubeletRestart` its kubelet alone does.
    `heard`: when its kubelet was heard of last, in ms; before time 0 it may have been, too.
    """

    node: str
    mode: str
    heard: int | None = None


class NodePowerCycled(Record):
    """Somebody switches a machine that is dead off and on: it comes back as after any reboot."""

    node: str


class NodeReturned(Record):
    """The kubelet of a node that was silent sends again; `rebooted`: its containers and page cache are gone."""

    node: str
    rebooted: bool


class NodeReadyChanged(Record):
    """The Ready condition of a node in this `zone` is True, False or (nothing heard for the grace period) Unknown."""

    node: str
    ready: str
    zone: str = ""


class NodeTainted(Record):
    """The node's NoExecute taints have changed; these it has now, but for those from the start."""

    node: str
    taints: tuple[str, ...]


class ZoneStateChanged(Record):
    """A zone ("": the nodes without one) has another `state`, now that so many of its nodes are ready.

    `evicts`: its failed nodes still get the NoExecute taint for which pods are evicted.
    """

    zone: str
    state: str
    ready: int
    nodes: int
    evicts: bool


class NodeJoined(Record):
    """A node joins the cluster, which has so many `nodes` and `npus` then, `in_use` of them."""

    node: str
    nodes: int
    npus: int
    in_use: int


class NodeRemoved(Record):
    """Somebody deletes the object of a node, of the cluster with what is left of it; its machine may go on."""

    node: str
    nodes: int
    npus: int
    in_use: int


class NodeTaintEdited(Record):
    """Somebody has tainted a node, or (`removed`) taken the taint away; `taint` in kubectl's form: `k=v:NoExecute`."""

    node: str
    taint: str
    removed: bool = False


class NodeLabeled(Record):
    """Somebody has changed labels of a node; `labels` as kubectl writes them: `zone=a`, or `zone-` for one removed."""

    node: str
    labels: tuple[str, ...]


class NodeOutOfService(Record):
    """Somebody set (or with `ended` removed) the out-of-service taint: the machine is known to be dead."""

    node: str
    ended: bool = False


class PodRemoved(Record):
    """The pod's object is removed at once, whatever its node does; `reason`: ForceDeleted, PodGC."""

    pod: PodRef
    reason: str


class PodDeletionAsked(Record):
    """Somebody asks for the end of a pod; `reason`: Deleted, Evicted (by the eviction API), ForceDeleted."""

    pod: PodRef
    reason: str


class EvictionAnswered(Record):
    """Somebody has asked for the eviction of a pod; `code`: 201, 429 (a budget), 500 (two); `message`: why not.

    `unhealthy`: the pods under the budgets that refuse that are not Ready, or terminating.
    """

    pod: PodRef
    code: int
    message: str = ""
    unhealthy: tuple[str, ...] = ()


class DrainHeld(Record):
    """An eviction that a drain asks for is refused; `detail` names the budget. The drain tries again every 5 s.

    `unhealthy`: the pods under the budget that are not Ready, or terminating. `pods_help`: it allows more where there
    are more healthy pods.
    """

    node: str
    detail: str
    unhealthy: tuple[str, ...] = ()
    pods_help: bool = False


class DrainGoesOn(Record):
    """No eviction that a drain asks for is refused any more: it waits for its pods to go."""

    node: str


class DrainEnded(Record):
    """A drain is over; `errors`, one sentence each, is empty when the node is empty."""

    node: str
    errors: tuple[str, ...]


class RequestRefused(Record):
    """kubectl or the API server refused what somebody asked for, in their words: `what` of `object`, `Pod/p`."""

    what: str
    object: str
    message: str
