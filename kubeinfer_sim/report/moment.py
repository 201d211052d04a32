"""The state at one time in sentences: how many are ready, what an instance and its pods do, what ends it, what lasts.

`why` and its document tell them.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubeinfer_sim.cluster.fault_records import FaultInjected, NpuStateChanged
from kubeinfer_sim.cluster.records import DrainHeld, NodeFailed
from kubeinfer_sim.cluster.stages import StageKind
from kubeinfer_sim.controllers.deployment.records import PodsRefused
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.accelerators import ASCEND, Family
from kubeinfer_sim.metrics.moment import DeploymentMoment, InstanceMoment, Moment, PodMoment
from kubeinfer_sim.metrics.under_way import Lasting
from kubeinfer_sim.report.complaints import complaint, pod_complaint
from kubeinfer_sim.report.run_end import due, never, why_it_ended
from kubeinfer_sim.report.sentences import drain_held, sentence
from kubeinfer_sim.report.stranded import stranded
from kubeinfer_sim.report.ways_out import to_admission, to_an_empty_node
from kubeinfer_sim.report.words import clause, count, ended, listed, point, rounded
from kubeinfer_sim.scenario.units import format_duration
from kubeinfer_sim.simulation.run import Run

#: What pods do in a stage, with the image or container it is about.
DOING = {
    StageKind.PENDING: "waiting for a place",
    StageKind.BIND: "being bound",
    StageKind.IMAGE: "pulling {}",
    StageKind.PULL_BACK_OFF: "waiting for an image",
    StageKind.INIT: "running init container {}",
    StageKind.SIDECAR: "waiting for sidecar {} to start",
    StageKind.VOLUMES: "mounting volumes",
    StageKind.CREATE: "creating sandbox and containers",
    StageKind.POST_START: "running the postStart hook of {}",
    StageKind.BARRIER: "waiting for the rest of the gang",
    StageKind.RANK_TABLE: "waiting for the rank table",
    StageKind.IMPORT: "importing the framework",
    StageKind.COMMUNICATOR: "setting up communication",
    StageKind.WEIGHTS: "loading weights",
    StageKind.GRAPH: "preparing graphs",
    StageKind.WARM_UP: "warming up",
    StageKind.PROBES: "loaded, and not Ready as its probes have it",
    StageKind.SERVING: "serving",
    StageKind.HANGING: "hanging without a peer",
    StageKind.NOT_READY: "running, but not Ready",
    StageKind.RESTART: "restarting a container",
    StageKind.BACK_OFF: "waiting in CrashLoopBackOff",
    StageKind.PRE_STOP: "running the preStop hook",
    StageKind.EXIT: "stopping (SIGTERM sent)",
    StageKind.SIDECAR_EXIT: "stopping {} (SIGTERM sent)",
    StageKind.CLEANUP: "being cleaned up",
    StageKind.TERMINATING: "Terminating",
}


def headline(moment: Moment) -> str:
    """How many are ready of how many: `At 20m 1 of 2 instances is ready.`"""
    parts = []
    bare_pods = [each for each in moment.instances if each.instance.is_bare_pod]
    if moment.wanted or moment.ready or not (moment.deployments or bare_pods):
        verb = "is" if 1 in (moment.ready, moment.wanted) else "are"
        parts.append(f"{moment.ready:,} of {count(moment.wanted, 'instance')} {verb} ready")
    parts += [
        f"{each.ready:,} of {count(each.wanted, 'pod')} of {each.kind} {each.name}"
        + (f" {'is' if 1 in (each.ready, each.wanted) else 'are'} ready" if not parts and not place else "")
        for place, each in enumerate(moment.deployments)
    ]
    if bare_pods:
        ready = sum(each.state == "ready" for each in bare_pods)
        text = f"{ready:,} of {count(len(bare_pods), 'pod')} without a controller"
        parts.append(text if parts else f"{text} {'is' if 1 in (ready, len(bare_pods)) else 'are'} ready")
    return f"At {format_duration(moment.at)} {' and '.join(parts)}."


def lasting_sentence(run: Run, each: Lasting) -> str:
    """What lasts, and until when: `NPU 3 of node-0 is out until repaired; 7 left to give; repair due at 2d3h`."""
    record, until = each.record, each.until
    if isinstance(record, DrainHeld):
        if until is not None:
            return drain_held(record, f" until {point(until)}")
        return f"{drain_held(record)}{to_an_empty_node(pods_help=record.pods_help)}"
    text = sentence(record, run.scenario.accelerator_family)
    if isinstance(record, NpuStateChanged) and record.until is not None:
        return text  # which says until when
    if until is not None:
        is_repaired = isinstance(record, NpuStateChanged) and record.state == "out"
        return f"{text}{'; repair due at' if is_repaired else ', until'} {point(until)}"
    name = _name(record)
    later = next((due for due in run.due if name and due.what == name), None)
    if later is None:
        return text
    what = "end of the isolation" if later.kind == "isolation" else later.kind
    if later.at is None:
        return f"{text}; its repair waits for a crew or a spare"
    return f"{text}; {what} due at {point(later.at)}"


def _name(record: Record) -> str:
    """What a repair shop calls it."""
    match record:
        case NpuStateChanged():
            return f"{record.node}/npu{record.npus[0]}"
        case FaultInjected():
            return record.where
        case NodeFailed():
            return record.node
    return ""


def refused_sentence(each: DeploymentMoment, refused: PodsRefused) -> str:
    """`Pods of Deployment chat are refused since 10m: pods "chat-1" is forbidden: exceeded quota …`."""
    since = f"Pods of {each.kind} {each.name} are refused (FailedCreate) since {point(each.refused_since)}"
    return ended(f"{since}: {refused.refusal.message}{to_admission(refused.refusal)}")


_STATES = {
    "ready": "has been ready",
    "starting": "has been starting",
    "notReady": "has not been ready",
    "failed": "has failed and has been held",
    "terminating": "has been terminating",
}


def state_sentence(each: InstanceMoment, at: int) -> str:
    """`chat-0 has not been ready since 10m51s, for 9m9s`."""
    name = f"Pod {each.instance.name}" if not each.instance.has_roles else each.instance.name
    text = f"{name} {_STATES[each.state]} since {point(each.since)}"
    if at > each.since:
        text += f", for {rounded(at - each.since)}"
    if each.given_up:
        text += f", without {count(each.given_up, 'pod')} that it gave up"
    return f"{text}; none of its pods exists" if each.absent else text


def pods_sentence(pods: Sequence[PodMoment]) -> str:
    """What pods in the same stage since the same time are doing."""
    first = pods[0]
    names = listed([each.pod.name + (f" on {each.node}" if each.node else "") for each in pods], 2)
    if len(pods) > 2:
        names = f"{count(len(pods), 'pod')} ({names})"
    doing = DOING[first.stage.kind].format(first.stage.about)
    why = f" ({first.regime})" if first.regime else ""
    until = "" if first.until is None else f", until {point(first.until)}"
    return f"{names}: {doing}{why} since {point(first.since)}{until}"


def failures_between(failures: Sequence[Record], family: Family = ASCEND) -> str:
    """`2 failures in between, the last at 1m51s: container engine of chat-0 is dead (Error, exit code 1)`."""
    last = failures[-1]
    which = "at" if len(failures) == 1 else "the last at"
    number = count(len(failures), "failure")
    return f"{number} in between, {which} {point(last.at)}: {sentence(last, family)}"


def ending_sentence(run: Run, moment: Moment, each: InstanceMoment) -> str:
    """What ends the state and when: `Ready again at 1h6m, in 46m`."""
    if each.ended_at is None:
        if each.state == "ready":
            return "Stays ready until the end of the run."
        waits = _waits(each) or _waits_like(moment, each)
        if waits and each.life.state == "pending" and each.pods and all(pod.node for pod in each.pods):
            waits = f"in the end {waits}"  # at this time all its pods have their nodes
        waits = f"; {waits}" if waits else ""
        if run.end != "horizon":
            when = "Not in this run" if run.due else "Never"
            return ended(f"{when}: {clause(never(run))}{waits}")
        return ended(f"Not by {why_it_ended(run)}{waits}{f'; still due: {due(run)}' if run.due else ''}")
    again = " again" if each.state == "notReady" else ""
    what = {
        "ready": f"Ready{again}",
        "notReady": "Not ready any more",
        "failed": "Given up",
        "terminating": "Deleted",
        "gone": "Gone",
    }[each.ending]
    return f"{what} at {point(each.ended_at)}, in {rounded(each.ended_at - moment.at)}:"


def _waits(each: InstanceMoment) -> str:
    """What an instance waits for at the end of the run, and what an operator can do; "" where that is not known."""
    life = each.life
    reasons = (life.pending, life.failed, life.refused, each.stranded)
    if not any(reasons) and not any(pod.trouble or pod.held for pod in life.pods):
        return ""
    if each.instance.has_roles:
        return complaint(life, each.stranded)
    if each.stranded:
        return stranded(each.stranded, " is ")
    return pod_complaint(life)


def _waits_like(moment: Moment, each: InstanceMoment) -> str:
    """That an instance has no place, as another one of its workload has none; "" where the scheduler spoke of it."""
    if each.life.state != "pending":
        return ""
    ref = each.instance
    like = [
        other.life
        for other in moment.instances
        if (other.instance.kind, other.instance.owner) == (ref.kind, ref.owner) and other.life.pending
    ]
    return f"{ref.name} has no place, as {complaint(like[0], {})}" if like else ""
