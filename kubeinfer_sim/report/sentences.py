"""A sentence for every kind of record: what happened to what, where, and why.

`sentence` is what `why` and its JSON document tell a history with. A record type that has no sentence of its own gets a
plain one made of its name and its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubeinfer_sim.cluster import fault_records as faults
from kubeinfer_sim.cluster import records as cluster
from kubeinfer_sim.cluster.records import InstanceRef, PodRef
from kubeinfer_sim.cluster.stages import Stage
from kubeinfer_sim.controllers.deployment import records as deployments
from kubeinfer_sim.controllers.kubeinfer import records as controllers
from kubeinfer_sim.controllers.pod import records as bare_pods
from kubeinfer_sim.engine.history import Record
from kubeinfer_sim.manifest.accelerators import ASCEND, Family
from kubeinfer_sim.metrics.cause_kinds import POD_DELETIONS
from kubeinfer_sim.report.stranded import zone_state
from kubeinfer_sim.report.words import clause, count, listed, ordinals, point, rounded, together
from kubeinfer_sim.scenario.actions.names import action_name
from kubeinfer_sim.scenario.faults.kinds import KINDS
from kubeinfer_sim.scenario.units import format_size

Words = Callable[[Any], str]

_FAILURES = {
    "silent": "dies without a word",
    "cutOff": "is cut off: it runs on, but the API server hears nothing of it",
    "notReady": "reports itself not ready",
    "reboot": "goes down for a reboot",
    "kubeletRestart": "has its kubelet restarted; the containers run on",
}
_DELETED_FOR = {
    "Rollout": "the update replaces it",
    "NotReady": "it is not ready, so deleting it costs the update no budget",
    "ScaleIn": "fewer instances are asked for",
    "Deleted": "somebody deletes it",
    "Evicted": "its eviction was asked for",
    "ForceDeleted": "somebody deletes it by force",
    "PodGC": "the pod garbage collector",
    "TaintManagerEviction": "its node's NoExecute taint is not tolerated any longer",
    "Drained": "its node is drained",
    "Preempted": "it makes room for pods of higher priority",
}


def deleted_for(reason: str) -> str:
    """Why a pod was deleted, as a sentence; a reason without one as it is."""
    return _DELETED_FOR.get(reason, reason)


#: What every record has, and no sentence tells.
_EVERY_RECORD = set(Record.__struct_fields__)


def sentence(record: Record, family: Family = ASCEND) -> str:
    """What the record says, as a sentence without its full stop and its time; accelerators are of the family."""
    if type(record) in OF_ACCELERATORS:
        return OF_ACCELERATORS[type(record)](record, family)
    words = SENTENCES.get(type(record))
    return plain_sentence(record) if words is None else words(record)


def plain_sentence(record: Record) -> str:
    """A record in the words of its type and its fields: `disk filled (node node-0, percent 98)`."""
    name = type(record).__name__
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    told = [
        f"{name.replace('_', ' ')} {value}"
        for name in record.__struct_fields__
        if name not in _EVERY_RECORD and (value := _value(getattr(record, name))) not in ("", "None")
    ]
    return f"{words} ({', '.join(told)})" if told else words


def _value(value: object) -> str:
    if isinstance(value, PodRef | InstanceRef):
        return value.name
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return listed([_value(each) for each in value])
    return str(value)


def _for(reason: str) -> str:
    """What a reason in the API's spelling means, in brackets; that spelling where it needs no words."""
    return f" ({deleted_for(reason)})" if reason else ""


def _more(detail: str) -> str:
    return f": {detail}" if detail else ""


def _told(wait: cluster.ContainerBackOff) -> str:
    """From when on kubectl says so."""
    if wait.in_status_at >= wait.until:
        return ", though kubectl shows until then how it ended"
    return f" (kubectl shows it from {point(wait.in_status_at)} on)" if wait.in_status_at > wait.at else ""


def _stages(stages: Sequence[Stage]) -> str:
    """What comes next and how long it takes."""
    if not stages:
        return ""
    if any(stage.duration is None for stage in stages):
        endless = next(stage.name for stage in stages if stage.duration is None)
        return f"; {endless} takes as long as it takes"
    total = sum(stage.duration or 0 for stage in stages)
    longest = max(stages, key=lambda stage: stage.duration or 0)
    if len(stages) == 1 or not longest.duration:
        return f"; {longest.name} takes {rounded(total)}"
    return f"; {rounded(total)} of stages follow, {longest.name} the longest ({rounded(longest.duration)})"


def _gang_scheduled(record: cluster.GangScheduled) -> str:
    nodes = list(dict.fromkeys(node for _, node in record.nodes))
    where = f" on {listed(nodes, 4)}" if nodes else ""
    return f"{record.instance.name}: {count(len(record.nodes), 'pod')} placed{where}"


def _pending(record: cluster.GangPending) -> str:
    said = record.proof or record.message
    return f"{record.instance.name} {said}" if record.needs else f"{record.instance.name} waits: {said}"


def _crashed(record: cluster.ContainerCrashed) -> str:
    how = "runs out of memory" if record.reason == "OOMKilled" else "ends by itself"
    return f"a container of {record.pod.name} {how} ({record.reason}, exit code {record.exit_code})"


def _health(record: cluster.HealthChanged) -> str:
    whose = f"{record.container} of {record.pod.name}" if record.container else record.pod.name
    several = len(record.probes) > 1
    which = f"{together(record.probes)} check{'s' if several else ''} of {whose}"
    if record.healthy:
        return f"the {which} {'answer' if several else 'answers'} again"
    return f"the {which} {'begin' if several else 'begins'} to fail"


def _node_ready(record: cluster.NodeReadyChanged) -> str:
    if record.ready == "Unknown":
        return f"the node controller has heard nothing of {record.node} for too long: not ready (Unknown)"
    return f"{record.node} is {'ready again' if record.ready == 'True' else 'not ready'}"


def _tainted(record: cluster.NodeTainted) -> str:
    if not record.taints:
        return f"{record.node} has no NoExecute taint any more"
    return f"{record.node} gets the NoExecute taint {listed(list(record.taints))}"


def _drain_ended(record: cluster.DrainEnded) -> str:
    return (
        f"the drain of {record.node} {'fails: ' + '; '.join(record.errors) if record.errors else 'is done'}"
    )


def _returned(record: cluster.NodeReturned) -> str:
    lost = ", its containers and page cache gone" if record.rebooted else ""
    return f"{record.node} is back{lost}"


def _spec(record: controllers.SpecApplied) -> str:
    if "created" in record.changed:
        return f"the KubeInfer is created: {count(record.replicas, 'instance')}"
    label = f" ({record.label})" if record.label else ""
    if "template" in record.changed:
        budgets = f"maxSurge {record.surge}, maxUnavailable {record.unavailable}"
        return f"an update is applied{label}: revision {record.revision}, {budgets}"
    what = listed([each for each in record.changed if each != "nothing"])
    if what == "replicas":
        return f"the KubeInfer is scaled to {count(record.replicas, 'instance')}{label}"
    return f"a change of {what or 'nothing'} is applied{label}"


def _created(record: controllers.InstanceCreated) -> str:
    how = "runs" if record.running else "is created"
    return f"{record.instance.name} {how}: {count(record.pods, 'pod')}, revision {record.revision}"


def _decided(record: controllers.RecoveryDecided) -> str:
    wait = f" after {rounded(record.delay)}" if record.delay else ""
    return f"{record.by} decides about {record.fault} of {record.pod.name}: {record.action}{wait}"


def _degraded(record: controllers.InstanceDegraded) -> str:
    given = listed([count(pods, f"{role} pod") for role, pods in record.given_up])
    return f"{record.instance.name} gives up {given} for {record.saved}"


def _peers(record: controllers.PeersLost) -> str:
    number = len(record.survivors)
    hang = "hangs" if number == 1 else "hang"
    until = point(record.until)
    return f"{count(number, 'peer')} of {record.pod} {hang} in a collective operation until {until}"


def _stalled(record: controllers.Stalled) -> str:
    reason = record.pod_reason or record.reason
    # `chat-2: StartupProbeFailed` says whose it is and nothing more.
    if record.detail.endswith(f": {reason}"):
        return f"KubeInfer {record.kubeinfer}: nothing goes on by itself ({record.detail})"
    return f"KubeInfer {record.kubeinfer}: nothing goes on by itself ({reason}){_more(record.detail)}"


def _deployment(record: deployments.DeploymentApplied) -> str:
    about, pods = f"{record.kind} {record.deployment}", count(record.replicas, "pod")
    if record.label == "running":
        return f"{about} runs: {pods}"
    for order in ("created", "deleted", "paused", "resumed"):
        if order in record.changed:
            return f"{about} is {order}: {pods}"
    if "template" in record.changed:
        return f"an update of {about} is applied: revision {record.revision}, {pods}"
    if record.changed == ("replicas",):
        return f"{about} is scaled to {pods}"
    if record.changed == ("nothing",):
        return f"{about} is applied as it is: {pods}"
    return f"a change of {listed(list(record.changed))} of {about} is applied: {pods}"


def _status(record: deployments.DeploymentStatus) -> str:
    state = (
        "complete"
        if record.complete
        else record.reason or ("available" if record.available else "not available")
    )
    return f"{record.kind} {record.deployment} is {state}"


def _fault(record: faults.FaultInjected, family: Family) -> str:
    what = family.say(KINDS[record.kind].what) if record.kind in KINDS else record.kind
    level = f", level {record.level}" if record.level else ""
    holder = (
        f", held by {record.pod.name}" if record.pod is not None and record.pod.name != record.where else ""
    )
    process = f"; from {record.process}" if record.process else ""
    return f"{record.where}: {what} ({record.kind}{level}){holder}{process}"


def _detected(record: faults.FaultDetected) -> str:
    late = f" {rounded(record.latency)} after it broke" if record.latency else " at once"
    level = f", level {record.level}" if record.level else ""
    return f"the {record.by.removeprefix('the ')} reports {record.kind} of {record.where}{level},{late}"


_CLEARED = {
    "itself": "by itself",
    "reset": "by a reset",
    "repaired": "repaired",
    "restarted": "with its process",
}
_NPU_STATES = {
    "inService": "in service",
    "isolated": "isolated from new pods",
    "resetting": "being reset",
    "out": "out until repaired",
}


def _npus(record: faults.NpuStateChanged, family: Family) -> str:
    state = _NPU_STATES.get(record.state, record.state)
    if record.until is not None:
        state = f"isolated until {point(record.until)}"
    verb = "is" if len(record.npus) == 1 else "are"
    return f"{family.noun} {ordinals(record.npus)} of {record.node} {verb} {state}; {record.offered} left to give"


def unhealthy(pods: Sequence[str]) -> str:
    """`; not healthy: chat-1-serve-0`, of the pods that a budget lacks."""
    return f"; not healthy: {listed(list(pods))}" if pods else ""


def drain_held(record: cluster.DrainHeld, until: str = "") -> str:
    """`the drain of node-0 is held until 20m: cannot evict chat-0: the disruption budget …; not healthy: chat-1`."""
    return f"the drain of {record.node} is held{until}{_more(record.detail)}{unhealthy(record.unhealthy)}"


def reset_held(record: faults.ResetHeld, family: Family = ASCEND) -> str:
    """`npu3 of node-0 waits for its ring: chat-1-serve-0 still runs on npu 1, 2`."""
    together = "card" if record.group == 2 else "ring"
    who = "; ".join(
        f"{name or 'a pod that is not played'} still runs on {family.noun.lower()} {ordinals(npus)}"
        for name, npus in record.holders
    )
    return f"npu{record.npu} of {record.node} waits for its {together}: {who}"


def _reset(record: faults.NpuResetTried, family: Family) -> str:
    result = "succeeds" if record.success else "fails"
    return f"reset {record.attempt} of {family.noun} {ordinals(record.npus)} of {record.node} {result}"


#: Of records about accelerators: type -> its sentence in the words of a family.
OF_ACCELERATORS: dict[type[Record], Callable[[Any, Family], str]] = {
    cluster.PodFinished: lambda r, family: (
        f"{r.pod.name} is {r.phase}{_for(r.reason)}{_more(r.message)}"
        + (f"; {count(r.npus, family.noun)} free" if r.npus else "")
    ),
    cluster.PodGone: lambda r, family: (
        f"{r.pod.name} is gone" + (f", {count(r.npus, family.noun)} free" if r.npus else "")
    ),
    cluster.NpusIsolated: lambda r, family: (
        f"{count(r.npus, family.noun)} of {r.node} are taken out of service for new pods"
    ),
    faults.AllocatableChanged: lambda r, family: (
        f"{r.node} says that it offers {count(r.amount, family.noun)}"
    ),
    faults.FaultInjected: _fault,
    faults.NpuStateChanged: _npus,
    faults.NpuResetTried: _reset,
    faults.ResetHeld: reset_held,
}
#: Of all others: type -> its sentence.
SENTENCES: dict[type[Record], Words] = {
    faults.DevicePluginRegistered: lambda r: f"the device plugin of {r.node} registers",
    cluster.PodRejected: lambda r: f"{r.node} rejects {r.pod.name}: {r.reason} ({r.message})",
    cluster.RejectionsGoOn: lambda r: (
        f"{r.node} has rejected {r.number:,} pods like {r.pod.name}, {r.per_second} a second, "
        f"and rejects all that follow ({r.reason}): they are not told of one by one"
    ),
    cluster.PodCreated: lambda r: f"{r.pod.name} is created and waits for a place",
    cluster.GangPending: _pending,
    cluster.NotPlacedAtStart: lambda r: (
        f"{r.instance.name} is to run at the start, and has no place{_more(r.proof)}"
    ),
    cluster.PodPreempted: lambda r: f"{r.pod} on {r.node} is evicted to make room for {r.by.name}",
    cluster.GangScheduled: _gang_scheduled,
    cluster.NodeMissing: lambda r: (
        f"{r.node}, which {r.pod.name} names, does not exist: the pod garbage collector will remove the pod"
    ),
    cluster.PodBound: lambda r: f"{r.pod.name} is bound to {r.node}{_stages(r.stages)}",
    cluster.TransferDone: lambda r: (
        f"{r.pod.name} has {'read' if r.size else 'found'} its {r.stage}"
        f"{', ' + format_size(r.size) if r.size else ''}{_stages(r.stages)}"
    ),
    cluster.ImagesBroken: lambda r: (
        f"{together(r.images) if r.images else 'no image'} can{'not' if r.images else ''} be pulled"
        + (f" until {point(r.until)}" if r.until is not None else "")
    ),
    cluster.ImagePullStalled: lambda r: (
        f"{r.pod.name} pulls {r.image} in vain: {r.message}, which shows after {point(r.takes)}"
    ),
    cluster.ImagePullFailed: lambda r: f"{r.pod.name} cannot have {r.image} ({r.reason}){_more(r.message)}",
    cluster.ObjectMissing: lambda r: (
        f"{f'container {r.container} of ' if r.container else ''}{r.pod.name} cannot be started "
        f"({r.reason}): {r.message}"
    ),
    cluster.ImagePullRetried: lambda r: f"{r.pod.name} can pull its image now{_stages(r.stages)}",
    cluster.SetUpContinued: lambda r: (
        (
            f"container {r.container} of {r.pod.name} runs again"
            if r.container
            else f"the set-up of {r.pod.name} goes on"
        )
        + _stages(r.stages)
    ),
    cluster.ContainersRunning: lambda r: (
        f"the containers of {r.pod.name} run"
        + (f" again, restarted {count(r.restarts, 'time')}" if r.container else "")
    ),
    cluster.EngineStarted: lambda r: f"the engine of {r.pod.name} starts to load{_stages(r.stages)}",
    cluster.LoadedAfterSigterm: lambda r: (
        f"{r.pod.name} finds {'the compiled graph' if r.what == 'graph' else 'weights in the page cache'} that an "
        f"engine went on loading after SIGTERM, {rounded(r.left)} before it was gone"
    ),
    cluster.PodDeletionAsked: lambda r: (
        f"somebody asks for the {POD_DELETIONS.get(r.reason, r.reason)} of {r.pod.name}"
    ),
    cluster.EvictionAnswered: lambda r: (
        f"the eviction of {r.pod.name} is granted"
        if r.code == 201
        else f"the eviction of {r.pod.name} is refused ({r.code}): {clause(r.message)}{unhealthy(r.unhealthy)}"
    ),
    cluster.RequestRefused: lambda r: f"the {r.what} of {r.object} is refused: {r.message}",
    cluster.PodStarted: lambda r: (
        f"the startup probe of {r.pod.name} succeeds"
        if r.probed
        else f"the containers of {r.pod.name} count as started: they have no startup probe"
    ),
    cluster.PodReady: lambda r: f"{r.pod.name} is Ready",
    cluster.PodNotReady: lambda r: f"{r.pod.name} is not Ready any more{_for(r.reason)}",
    cluster.ContainerKilling: lambda r: (
        f"the kubelet kills container {r.container} of {r.pod.name} ({r.reason}){_more(r.detail)}"
    ),
    cluster.ContainerCrashed: _crashed,
    cluster.ContainerDied: lambda r: (
        f"{'init ' if r.init else ''}container {r.container} of {r.pod.name} "
        + (f"is dead ({r.reason}, exit code {r.exit_code})" if r.exit_code or not r.init else "has ended")
    ),
    cluster.ContainerBackOff: lambda r: (
        f"{'init ' if r.init else ''}container {r.container} of {r.pod.name} is in CrashLoopBackOff until "
        f"{point(r.until)}{_told(r)}"
    ),
    cluster.GateSet: lambda r: (
        f"the condition {r.gate} of {r.pod.name} is {r.status}, which a readiness gate waits for"
        if r.readiness
        else f"somebody takes the scheduling gate {r.gate} away from {r.pod.name}"
    ),
    cluster.GatesAwaited: lambda r: (
        f"the containers of {r.pod.name} are ready, and it waits for its readiness gate"
        f"{'s'[: len(r.gates) > 1]} {listed(list(r.gates))}"
    ),
    cluster.PodHeld: lambda r: (
        f"nothing is left of {r.pod.name} but its object, which stays for its finalizer{'s'[: len(r.finalizers) > 1]} "
        f"{listed(list(r.finalizers))}"
    ),
    cluster.FinalizersRemoved: lambda r: (
        f"somebody takes {listed(list(r.finalizers))} away from the finalizers of {r.pod.name}"
    ),
    cluster.PodStopping: lambda r: f"the kubelet stops {r.pod.name}{_stages(r.stages)}",
    cluster.PodDeleting: lambda r: f"{r.pod.name} is deleted{_for(r.reason)}{_stages(r.stages)}",
    cluster.NodeCordoned: lambda r: (
        f"{r.node} takes {'pods again' if r.uncordoned else 'no new pods (cordon)'}"
    ),
    cluster.NodeDrained: lambda r: f"somebody drains {r.node}",
    cluster.HealthChanged: _health,
    cluster.NodeFailed: lambda r: f"{r.node} {_FAILURES.get(r.mode, 'fails: ' + r.mode)}",
    cluster.NodePowerCycled: lambda r: f"somebody switches {r.node} off and on: it starts",
    cluster.NodeReturned: _returned,
    cluster.NodeReadyChanged: _node_ready,
    cluster.NodeTainted: _tainted,
    cluster.ZoneStateChanged: lambda r: (
        f"{zone_state(r)}: failed nodes {'get' if r.evicts else 'do not get'} the taint for which pods are evicted"
    ),
    cluster.NodeJoined: lambda r: f"{r.node} joins the cluster, {count(r.nodes, 'node')} now",
    cluster.NodeRemoved: lambda r: (
        f"somebody deletes the node {r.node}; {count(r.nodes, 'node')} {'is' if r.nodes == 1 else 'are'} left"
    ),
    cluster.NodeTaintEdited: lambda r: (
        f"somebody takes the taint {r.taint} from {r.node}"
        if r.removed
        else f"somebody taints {r.node} {r.taint}"
    ),
    cluster.NodeLabeled: lambda r: f"somebody labels {r.node} {listed(list(r.labels))}",
    cluster.NodeOutOfService: lambda r: (
        f"somebody {'removes' if r.ended else 'sets'} the out-of-service taint of {r.node}"
    ),
    cluster.PodRemoved: lambda r: f"the object of {r.pod.name} is removed at once{_for(r.reason)}",
    cluster.DrainHeld: drain_held,
    cluster.DrainGoesOn: lambda r: (
        f"the drain of {r.node} goes on: nothing refuses its evictions any more, and it waits for its pods to go"
    ),
    cluster.DrainEnded: _drain_ended,
    faults.FaultDetected: _detected,
    faults.StruckNothing: lambda r: f"the {action_name(r.action)} strikes nothing: {r.there}",
    faults.ChangedNothing: lambda r: f"the {action_name(r.action)} changes nothing: {r.why}",
    faults.FaultCleared: lambda r: f"{r.kind} of {r.where} is over ({_CLEARED.get(r.how, r.how)})",
    faults.PodSlowed: lambda r: (
        f"{r.pod.name} works at {r.factor} of its speed"
        if r.factor
        else f"the engine of {r.pod.name} computes nothing, behind checks that pass"
    ),
    controllers.SpecApplied: _spec,
    controllers.InstanceCreated: _created,
    controllers.InstanceReady: lambda r: f"{r.instance.name} is ready",
    controllers.InstanceConcerning: lambda r: f"{r.instance.name} is not ready any more{_for(r.reason)}",
    controllers.InstanceRestarting: lambda r: (
        f"recovery rebuilds {r.instance.name}, all its pods{_for(r.reason)}"
    ),
    controllers.RestartContinued: lambda r: (
        f"{r.what} cannot stay on the hardware that it was given again: it is deleted once more, in the same restart"
        f"{_for(r.reason)}"
    ),
    controllers.PodRebuilding: lambda r: f"recovery rebuilds {r.pod} alone{_for(r.reason)}",
    controllers.RoleRebuilding: lambda r: (
        f"recovery rebuilds role {r.role} of {r.instance.name}, {count(r.pods, 'pod')}{_for(r.reason)}"
    ),
    controllers.RecoveryDecided: _decided,
    controllers.RecoveryWithdrawn: lambda r: f"{r.pod.name} is well again, nothing is done about {r.fault}",
    controllers.InstanceDegraded: _degraded,
    controllers.InstanceRestored: lambda r: f"{r.instance.name} has back all the pods it gave up",
    controllers.PeersLost: _peers,
    controllers.RestartBackOff: lambda r: (
        f"the next gang of {r.instance.name} waits until {point(r.until)} (back-off)"
    ),
    controllers.InstanceFailed: lambda r: f"{r.instance.name} has failed and is held{_for(r.reason)}",
    controllers.InstanceDeleting: lambda r: f"{r.instance.name} is deleted{_for(r.reason)}",
    controllers.InstanceGone: lambda r: f"{r.instance.name} is gone",
    controllers.Stalled: _stalled,
    controllers.UpdateAborted: lambda r: (
        f"the update of {r.kubeinfer} is aborted ({r.reason}): revision {r.revision} is applied again"
    ),
    controllers.SilentFaultSuspected: lambda r: (
        f"{r.node} is taken to be broken without anything showing (silent fault): {r.failures} single pods failed on "
        f"it within {rounded(r.within)}; it takes nothing new for {rounded(r.lasts)}"
    ),
    controllers.StallEnded: lambda r: "what was stalled goes on",
    controllers.ProgressDeadlineExceeded: lambda r: "the progress deadline is exceeded",
    controllers.UpdateCompleted: lambda r: (
        f"all {count(r.replicas, 'instance')} of revision {r.revision} are ready"
    ),
    controllers.InstanceRefused: lambda r: f"the pods of {r.instance.name} are refused: {r.refusal.message}",
    deployments.DeploymentApplied: _deployment,
    deployments.ReplicaSetScaled: lambda r: (
        f"Deployment {r.deployment} scales revision {r.revision} from {r.before:,} to {count(r.replicas, 'pod')}"
    ),
    deployments.DeploymentStatus: _status,
    deployments.PodsRefused: lambda r: (
        f"pods of {r.kind} {r.deployment} are refused (FailedCreate): {r.refusal.message}"
    ),
    deployments.PodEvicted: lambda r: f"{r.pod} is evicted{_for(r.reason)}",
    bare_pods.BarePodApplied: lambda r: (
        f"Pod {r.pod.name} {'runs' if r.label == 'running' else 'is created'}"
    ),
    bare_pods.BarePodEvicted: lambda r: f"{r.pod.name} is evicted{_for(r.reason)}",
}
