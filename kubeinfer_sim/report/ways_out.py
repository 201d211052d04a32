"""What somebody could do now about what waits: the end of a sentence about it, `; creating it would let it go on`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubeinfer_sim.cluster.reasons import (
    CLOSED_GATE,
    LIVENESS_PROBE_FAILED,
    NO_KEY,
    NO_NODE,
    STARTUP_PROBE_FAILED,
    Refusal,
    RefusedBy,
    is_out_of,
    of_container,
)
from kubeinfer_sim.cluster.records import DrawnBy, GangPending, Step
from kubeinfer_sim.cluster.stages import PROBES
from kubeinfer_sim.manifest.model import Kind
from kubeinfer_sim.metrics.lives import PodLife
from kubeinfer_sim.report.words import count, listed

#: How many nodes are named, and how many ways.
_MOST_NODES, _MOST_WAYS = 2, 3

#: Updates that are ways out.
_NEW_IMAGE, _NEW_POLICY = "an update with another image", "an update with another pull policy"
_NEW_SCHEDULER, _OTHER_NODES = "an update that names another", "an update that asks for other nodes"
_OTHER_PORT = "an update that asks for another host port"
#: Each with how a Pod that nothing owns is made anew instead; "" where it can be updated: no more than its images can.
_UPDATES = {
    _NEW_IMAGE: "",
    _NEW_POLICY: "with another pull policy",
    _NEW_SCHEDULER: "for another",
    _OTHER_NODES: "so that it asks for other nodes",
    _OTHER_PORT: "with another host port",
}

#: What a pod waits for, not a place on a node: what would give it.
_BEFORE_NODES = {
    "gate": "opening the gate",
    "scheduler": f"starting that scheduler, or {_NEW_SCHEDULER},",
    "claim": "creating the claim",
    "volume": "a volume for the claim",
    "claim in use": "the end of the pod that uses the claim",
    "PodGroup": "creating the PodGroup",
    "queue": "creating the queue",
    "pods": "the pods that it lacks, or a smaller minMember,",
    "capability": "a larger capability of the queue, or smaller minResources,",
    "minResources": "more nodes, or smaller minResources,",
    "quota": "a larger capability of the queue, or fewer pods in it,",
    "larger capability": "a larger capability of the queue",
    "guarantee": "less that is guaranteed to other queues, or fewer pods in this one,",
    "weight": "a larger weight of the queue, or fewer pods in others,",
    "promise": "the end of these pods",
    "promised": "the end of the pods that those wait for, or more nodes,",
    "cycle": "",
    "parts": "more nodes, fewer instances, or a minMember of all their pods,",
    "search": "pods of one size, scheduler kube-scheduler or more nodes",
}
#: What gives pods a place, where no node or number is said with it.
_STEPS = {
    "fewer pods": "fewer pods there",
    "taint": "removing or tolerating the taint",
    "beside": "a pod that it has to be beside",
    "topology": "labelling nodes with the topology key of its affinity",
    "spread topology": "labelling nodes with the topology key of its spread constraint",
    "spread": "a looser spread constraint",
    "rings": "room in one ring",
    "nodes": "more nodes",
    "nodes so": "more nodes with such labels",
    "nodes untainted": "more nodes without the taint",
    "larger nodes": "larger nodes",
    "other nodes": _OTHER_NODES,
    "other port": _OTHER_PORT,
}
#: Pods of which the end gives it.
_ENDS = {"apart": "that it must not be beside", "port": "with the port"}
#: What keeps a pod from being ready, with what would mend it.
_OF_PODS = {
    "ErrImageNeverPull": f"loading the image on the node, or {_NEW_POLICY},",
    "InvalidImageName": _NEW_IMAGE,
    "ImagePullBackOff": f"a registry that gives it, or {_NEW_IMAGE},",
    NO_KEY: "adding the key",
    "CreateContainerConfigError": "creating it",
    "FailedMount": "creating it",
    "FailedAttachVolume": "the end of the pod that has it",
    STARTUP_PROBE_FAILED: "an engine that answers within its startup window",
    LIVENESS_PROBE_FAILED: "an engine that answers its liveness probe",
    "ReadinessProbeFailed": "an engine that answers its readiness probe",
    "UnexpectedAdmissionError": "healthy devices that are free",
    "NodePorts": "the end of the pod that has the port",
    "NodeAffinity": "labelling the node so",
    NO_NODE: "a node of this name",
    CLOSED_GATE: "setting it to True",
}
#: What has the API server refuse pods, with what would have it take them.
_OF_REFUSALS: Mapping[RefusedBy, str] = {
    "ResourceQuota": "raising the quota or deleting what it counts",
    "unnamedResources": "requests and limits for what the quota counts",
    "PriorityClass": "creating the PriorityClass",
    "RuntimeClass": "creating the RuntimeClass",
    "priority": "an update whose pods leave priority and preemptionPolicy to their PriorityClass",
    "name": "a StatefulSet of a name of at most 52 characters",
    "LimitRange": "an update that keeps to the LimitRange, or another LimitRange,",
}


def go_on(way: str) -> str:
    """The end of a sentence: `; creating it would let it go on`; nothing without a way."""
    return f"; {way} would let it go on" if way else ""


def to_a_place(pending: GangPending) -> str:
    """For pods that have no node."""
    before = [_BEFORE_NODES[each] for each in pending.awaits if each != "room"]
    kind = pending.instance.kind
    if len(before) == len(pending.awaits):
        return go_on(_of_kind(kind, _all_of(before)))
    ways = [" together with ".join(map(_step, way)) for way in pending.ways]
    joined = listed(ways, _MOST_WAYS)
    room = " or ".join(joined.rsplit(", ", 1)) if len(ways) <= _MOST_WAYS else joined
    return go_on(_of_kind(kind, _all_of([*before, room])))


def _of_kind(kind: Kind, way: str) -> str:
    """A way of which an update may be a part, for what owns the pods."""
    for update, anew in _UPDATES.items():
        if kind == "StatefulSet":  # its controller waits for the pod before it replaces it
            way = way.replace(update, f"{update} and the deletion of the pod")
        elif kind == "Pod" and anew:
            way = way.replace(update, f"making the pod anew {anew}")
    return way


def _step(step: Step) -> str:
    """`uncordoning node-0 and node-1`"""
    match step.what:
        case "uncordon":
            return f"uncordoning {_named(step.nodes)}"
        case "return":
            return f"the return of {_named(step.nodes)}"
        case "label":
            return f"labelling {count(step.number, 'node') if step.number > 1 else 'a node'} so"
        case "apart" | "port" as what:
            return f"the end of {'a pod' if step.number == 1 else 'the pods'} {_ENDS[what]}"
        case "nodes" if step.nodes:
            return f"{'a node' if len(step.nodes) == 1 else 'nodes'} named {_named(step.nodes)}"
    return _STEPS[step.what]


def _all_of(ways: Sequence[str]) -> str:
    """`a and b`; what gives a choice in brackets: `(a, or b) and (c or d)`."""
    each = list(dict.fromkeys(filter(None, ways)))
    if len(each) < 2:
        return "".join(each)
    return " and ".join(f"({way.removesuffix(',')})" if " or " in way else way for way in each)


def of_draws(drawn_by: DrawnBy) -> str:
    """Of what hangs on which of equal nodes were drawn: that it does, and how to ask for more than one draw."""
    if not drawn_by:
        return ""
    how = "-n 100 says how often"
    if drawn_by == "Volcano":
        how += ", assumptions.scheduler kube-scheduler what packing does"
    return f"; with other draws of equal nodes it would have a place ({how})"


def to_room(pending: GangPending, unavailable: int, noun: str) -> str:
    """For an update that makes new instances (or pods) before old ones may go: what its budget does to it."""
    if unavailable or not pending.old_makes_room:
        return ""
    return f"; with maxUnavailable 1 an old {noun} would make room"


def _named(nodes: Sequence[str]) -> str:
    """`node-0 and node-1`; `node-0 and 3 more`."""
    more = len(nodes) - _MOST_NODES
    return " and ".join(nodes[:_MOST_NODES]) if more <= 0 else f"{nodes[0]} and {more + 1:,} more"


def is_held_by_device(pod: PodLife) -> bool:
    """Whether its engine starts on a broken device, and nothing else is the matter with it but its probes."""
    probes = ("", STARTUP_PROBE_FAILED, LIVENESS_PROBE_FAILED, "ReadinessProbeFailed", "Error")
    return bool(pod.broken_by) and of_container(pod.reason) in probes


def to_readiness(pod: PodLife) -> str:
    """For a pod on a node that is not ready, by what is the matter with it."""
    reason = of_container(pod.reason)
    if is_held_by_device(pod):
        again = " and making it again" if pod.pod.instance.is_bare_pod else ""
        return go_on(f"deleting the pod{again}, and healthy devices elsewhere or the repair of its own,")
    if not reason:
        return go_on("an engine that answers its probes" if pod.stage == PROBES else "")
    if is_out_of(reason):
        return go_on("room on that node")
    way = _OF_PODS.get(reason, "a revision, or a node, with which its containers run on")
    return go_on(_of_kind(pod.pod.instance.kind, way))


def to_admission(refusal: Refusal) -> str:
    """For pods that the API server refuses."""
    return go_on(_OF_REFUSALS.get(refusal.by, ""))


def to_an_empty_node(*, pods_help: bool) -> str:
    """For a drain that a budget holds; `pods_help`: it allows more where there are more healthy pods."""
    more = "more healthy pods, " if pods_help else ""
    return go_on(f"{more}a looser budget or the deletion of the pod")


def to_the_end(pod: PodLife) -> str:
    """For a pod that is deleted and stays."""
    return go_on("taking them away" if len(pod.held) > 1 else "taking it away" if pod.held else "")
