"""What people do on the time line: a function, or a line, for each action there is.

A function gets what there is then (`Then`) and gives what stands under the action's name, or None when there is
nothing it could mean. `tests/testing/test_strategies.py` fails for an action of the schema without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from kubeinfer_sim.testing.strategies.clusters import RACK, WrittenCluster
from kubeinfer_sim.testing.strategies.faults import draw_fault, possible_kinds, strikes_pods
from kubeinfer_sim.testing.strategies.objects import OBJECTS, PATCHES, name_of
from kubeinfer_sim.testing.strategies.profiles import SMALL as SMALL_PROFILE
from kubeinfer_sim.testing.strategies.values import (
    DURATIONS,
    POSITIVE_SHORT,
    SMALL,
    Draw,
    draw_int_or_percent,
    maybe,
    pick,
    some,
)
from kubeinfer_sim.testing.strategies.workloads import GATE, KINDS, NPU, Workload, ending, long_running
from kubeinfer_sim.testing.strategies.written import Raw


class Then:
    """What there is when an action is taken, as the actions before have left it.

    Attributes:
        storage: nodes share one.
        settable: the manifest has a hole `${image}`.
        classes_given: the spec says the value of each PriorityClass.
        at: the time of the action, ms.
        named: the workload that the action names as its `object`.
        nodes: the NPUs of each node, by name.
        objects: what owns no pods, of the manifest or created, by its name; `ResourceQuota/quota`.
        created: what owns pods and an action has created, and none deleted; `creations` counts all.
        object: what the action names besides.
        templates: how many other pod templates a workload has had, by its name.
        unnamed: actions of this instant that leave their `object` out, each with the one they mean.
    """

    def __init__(
        self,
        cluster: WrittenCluster,
        workloads: list[Workload],
        settable: bool = False,
        classes_given: bool = False,
        objects: Iterable[str] = (),
    ) -> None:
        self.cluster = cluster
        self.workloads = workloads
        self.storage = False
        self.settable = settable
        self.classes_given = classes_given
        self.at = 0
        self.down: set[str] = set()
        self.out_of_service: set[str] = set()
        self.paused: set[str] = set()
        self.templates: dict[str, int] = {}
        self.objects = list(objects)
        self.created: list[str] = []
        self.creations = 0
        self.object = ""
        self.unnamed: list[tuple[Raw, str]] = []
        self.named = workloads[0]
        self.nodes = dict(cluster.nodes)
        self.pools = {name: list(members) for name, members in cluster.pools.items()}
        self.labels: dict[str, Raw] = dict(cluster.labels)

    def there(self, names: Iterable[str]) -> list[str]:
        """Those of some nodes that exist, in order of their names."""
        return sorted(name for name in names if name in self.nodes)

    def of_kind(self, *kinds: str) -> list[Workload]:
        """The workloads of some kinds."""
        return [each for each in self.workloads if each.kind in kinds]

    def go_on(self, after: int) -> None:
        """So many ms pass."""
        self.at += after
        if after:
            self.unnamed.clear()

    def new_object(self, name: str) -> None:
        """Something is created: from this instant on the only object of before is one of several."""
        self.created.append(name)
        self.creations += 1
        for written, meant in self.unnamed:
            written["object"] = meant
        self.unnamed.clear()

    def new_template(self) -> None:
        """The workload that is named has another pod template from now on."""
        self.templates[self.named.name] = self.templates.get(self.named.name, 0) + 1


Make = Callable[[Draw, Then], Any]
OWNERS = ("KubeInfer", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
ALL = (*OWNERS, "Pod")


class Action(Struct, frozen=True):
    """How an action is written; `of`: the kinds of objects it may name, none where it names none."""

    make: Make
    of: tuple[str, ...] = ()


ACTIONS: dict[str, Action] = {}


def action(name: str, *of: str) -> Callable[[Make], Make]:
    """The function that follows writes this action."""

    def register(make: Make) -> Make:
        ACTIONS[name] = Action(make, of)
        return make

    return register


def draw_action(draw: Draw, then: Then) -> Raw | None:
    """An action at `then.at` ms; None where the one drawn could mean nothing."""
    # What somebody has to end: one of all actions by chance would hardly ever be the one that does.
    awaited = _awaited(then)
    name = pick(draw, awaited) if awaited and maybe(draw, 40) else pick(draw, tuple(ACTIONS))
    row = ACTIONS[name]
    written: Raw = {"at": f"{then.at}ms" if then.at % 1000 else f"{then.at // 1000}s"}
    alone = ""
    if row.of:
        there = then.of_kind(*row.of)
        if name in awaited:
            there = [each for each in there if _waits(each, name, then)]
        if not there:
            return None
        then.named = pick(draw, there)
        alone = f"{then.named.kind}/{then.named.name}"
        # What actions have created may be meant as well.
        if then.creations or then.named is not _only(then.workloads) or maybe(draw, 20):
            written["object"] = alone
    then.object = ""
    made = row.make(draw, then)
    if made is None:
        return None
    if then.object:
        written["object"] = then.object
    if name == "fault" and not strikes_pods(made):
        written.pop("object", None)
        alone = ""
    if alone and "object" not in written:
        then.unnamed.append((written, alone))
    written[name] = made
    return written


#: The fields of pods that hold them until an action of this name lets them go.
_HELD_BY = {"setGate": "schedulingGates", "setReadinessGate": "readinessGates"}


def _awaited(then: Then) -> list[str]:
    """The actions that end what waits for one."""
    return [
        name for name in ("resume", *_HELD_BY) if any(_waits(each, name, then) for each in then.workloads)
    ]


def _waits(workload: Workload, action: str, then: Then) -> bool:
    if action == "resume":
        return workload.kind == "Deployment" and workload.name in then.paused
    return any(_HELD_BY[action] in each["spec"] for each in workload.templates.values())


def _only(workloads: list[Workload]) -> Workload | None:
    """The one that an action means that names none."""
    for kind in ALL:
        if there := [each for each in workloads if each.kind == kind]:
            return there[0] if len(there) == 1 else None
    return None


# -- which nodes and pods -------------------------------------------------------------------------------------


def draw_nodes(draw: Draw, then: Then) -> Any:
    """Nodes by name, by pool or by label."""
    way = pick(draw, ("name", "names", "pool", "label"))
    pools = [pool for pool, members in then.pools.items() if then.there(members)]
    racks = sorted({then.labels[name][RACK] for name in then.there(then.labels)})
    if way == "pool" and pools:
        return {"pool": pick(draw, pools)}
    if way == "label" and racks:
        return {"nodeSelector": {RACK: pick(draw, racks)}}
    return pick(draw, list(then.nodes)) if way == "name" else some(draw, list(then.nodes), 3)


def names_of(nodes: Any, then: Then) -> list[str]:
    """The nodes that `draw_nodes` means."""
    written = _long(nodes)
    if "pool" in written:
        return then.there(then.pools[written["pool"]])
    if "nodes" in written:
        named: list[str] = written["nodes"]
        return named
    wanted = written["nodeSelector"].items()
    return then.there(name for name, labels in then.labels.items() if wanted <= labels.items())


def _long(nodes: Any) -> Raw:
    """The long spelling of nodes, beside which other fields may stand."""
    if isinstance(nodes, str):
        return {"nodes": [nodes]}
    return {"nodes": nodes} if isinstance(nodes, list) else dict(nodes)


def draw_pods(draw: Draw, then: Then, *, nodes: bool = True) -> Raw:
    """Some pods of the workload that is named; nothing means all."""
    written: Raw = {}
    workload = then.named
    if workload.kind == "KubeInfer":
        roles = workload.roles
        if maybe(draw, 50):
            roles = [pick(draw, roles)]
            written["roles"] = [roles[0]["name"]]
        if maybe(draw, 70) and workload.replicas:
            written["instances"] = some(draw, range(workload.replicas))
        if maybe(draw, 30):
            written["pods"] = [pick(draw, range(min(each.get("replicas", 1) for each in roles)))]
    elif maybe(draw, 60):
        written["pods"] = some(draw, range(4))
    if nodes and maybe(draw, 10):
        written["nodes"] = some(draw, list(then.nodes))
    return written


def meant(pods: Raw, then: Then) -> list[Raw]:
    """The templates of the pods that `draw_pods` means."""
    templates = then.named.templates
    return [templates[role] for role in pods.get("roles", templates)]


def draw_end(draw: Draw, then: Then, *, times: bool = False) -> Raw:
    """When something ends by itself: after so long, at a time, after so many times, or never."""
    way = pick(draw, ("lasts", "never", "until", "times"))
    if way == "times" and times:
        return {"times": pick(draw, (1, 2, 5))}
    if way == "until":
        return {"until": f"{then.at + 1000 * pick(draw, (60, 1, 600))}ms"}
    return {"lasts": draw(POSITIVE_SHORT)} if way == "lasts" else {}


# -- what is wanted -------------------------------------------------------------------------------------------


@action("scale", "KubeInfer", "Deployment", "ReplicaSet", "StatefulSet")
def _scale(draw: Draw, then: Then) -> int:
    return draw(SMALL)


@action("apply", *OWNERS)
def _apply(draw: Draw, then: Then) -> Any:
    # Of a ReplicaSet it changes nothing but the pods to come.
    if then.named.kind == "KubeInfer" and then.settable and maybe(draw, 50):
        then.new_template()
        return {"set": {"image": f"repo/vllm:v{pick(draw, (2, 1, 3))}"}}
    then.new_template()
    return {"newRevision": True}


@action("patch", *OWNERS)
def _patch(draw: Draw, then: Then) -> Raw:
    if then.named.kind != "KubeInfer":
        fields = [("minReadySeconds", 10), ("replicas", 3), ("revisionHistoryLimit", 2)]
        absent = {"DaemonSet": "replicas", "ReplicaSet": "revisionHistoryLimit"}.get(then.named.kind)
        key, value = pick(draw, [each for each in fields if each[0] != absent])
        return {"spec": {key: value}}
    if maybe(draw, 50):
        budget = {"maxSurge": draw_int_or_percent(draw), "maxUnavailable": pick(draw, (1, "50%", 2))}
        return {"spec": {"strategy": {"rollingUpdate": budget}}}
    return {"spec": {"replicas": draw(SMALL)}}


@action("rollback", "KubeInfer", "Deployment")
def _rollback(draw: Draw, then: Then) -> Any:
    if not then.templates.get(then.named.name) or then.named.name in then.paused:
        return None
    return True


@action("pause", "Deployment")
def _pause(draw: Draw, then: Then) -> Any:
    if then.named.name in then.paused:
        return None
    then.paused.add(then.named.name)
    return True


@action("resume", "Deployment")
def _resume(draw: Draw, then: Then) -> Any:
    if then.named.name not in then.paused:
        return None
    then.paused.discard(then.named.name)
    return True


@action("setImage", *OWNERS)
def _set_image(draw: Draw, then: Then) -> Raw:
    then.new_template()
    containers = [each["name"] for each in then.named.containers if each["name"] != "mesh"]
    return {
        "container": pick(draw, ("*", *dict.fromkeys(containers))),
        "image": f"repo/vllm:v{pick(draw, (2, 3))}",
    }


# -- objects --------------------------------------------------------------------------------------------------


@action("create")
def _create(draw: Draw, then: Then) -> Any:
    kind = pick(draw, (*OBJECTS, "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"))
    name = f"new-{then.creations}"
    if kind not in OBJECTS:
        made = KINDS[kind](draw, name, "repo/vllm:v1", SMALL_PROFILE)
        template = made if kind == "Pod" else made["spec"]["template"]
        template["spec"].pop("priorityClassName", None)
        then.new_object(name_of(made))
        return made
    written = OBJECTS[kind](draw, name, then.workloads)
    if written is None or (kind == "PriorityClass" and then.classes_given):
        return None
    if name_of(written) not in then.objects:
        then.objects.append(name_of(written))
    then.creations += 1
    return written


@action("patchObject")
def _patch_object(draw: Draw, then: Then) -> Any:
    there = [name for name in then.objects if name.partition("/")[0] in PATCHES]
    if not there:
        return None
    then.object = pick(draw, there)
    return pick(draw, PATCHES[then.object.partition("/")[0]])


@action("deleteObject")
def _delete_object(draw: Draw, then: Then) -> Any:
    there = [*then.created, *then.objects]
    if not there:
        return None
    name = pick(draw, there)
    (then.created if name in then.created else then.objects).remove(name)
    return name


# -- pods -----------------------------------------------------------------------------------------------------


def _some_pods(draw: Draw, then: Then) -> Raw:
    written = draw_pods(draw, then)
    if maybe(draw, 30):
        written["first"] = pick(draw, (1, 2))
    if maybe(draw, 20):
        written["ready"] = pick(draw, (True, False))
    return written


@action("deletePod", *ALL)
def _delete_pod(draw: Draw, then: Then) -> Raw:
    written = _some_pods(draw, then)
    if maybe(draw, 50):
        written["gracePeriod"] = pick(draw, ("10s", "0s", "1s"))
    return written


ACTIONS["evictPod"] = Action(_some_pods, ALL)


@action("setGate", *ALL)
def _set_gate(draw: Draw, then: Then) -> Raw | None:
    written = draw_pods(draw, then)
    if not any("schedulingGates" in each["spec"] for each in meant(written, then)):
        return None
    return {**written, "gate": GATE}


@action("setReadinessGate", *ALL)
def _set_readiness_gate(draw: Draw, then: Then) -> Raw | None:
    written = draw_pods(draw, then)
    if not any("readinessGates" in each["spec"] for each in meant(written, then)):
        return None
    return {**written, "gate": GATE, "status": not maybe(draw, 30)}


@action("removeFinalizers", *ALL)
def _remove_finalizers(draw: Draw, then: Then) -> Raw:
    return draw_pods(draw, then)


@action("forceDelete", *ALL)
def _force_delete(draw: Draw, then: Then) -> Raw:
    written = draw_pods(draw, then)
    return {**written, "terminatingOnly": False} if maybe(draw, 50) else written


@action("crash", *ALL)
def _crash(draw: Draw, then: Then) -> Raw:
    written = draw_pods(draw, then)
    if maybe(draw, 60):
        written["reason"] = pick(draw, ("Error", "OOMKilled", "Completed"))
    if written.get("reason") == "Error" and maybe(draw, 30):
        written["exitCode"] = pick(draw, (3, 255))
    if maybe(draw, 30):
        written["after"] = draw(DURATIONS)
        written |= draw_end(draw, then, times=True)
    return written


@action("health", *ALL)
def _health(draw: Draw, then: Then) -> Raw | None:
    written = draw_pods(draw, then)
    probed = [
        kind
        for kind in ("readiness", "liveness", "startup")
        if any(f"{kind}Probe" in each for template in meant(written, then) for each in long_running(template))
    ]
    if not probed:
        return None
    written["probes"] = some(draw, probed)
    way = pick(draw, ("fails", "hang", "flapping", "latency", "healthy"))
    if way != "fails":
        written[way] = {"flapping": 0.4, "latency": "2s"}.get(way, True)
    if way != "healthy":
        if maybe(draw, 20):
            written["newPods"] = True
        written |= draw_end(draw, then)
    return written


@action("initFault", *ALL)
def _init_fault(draw: Draw, then: Then) -> Raw | None:
    written = draw_pods(draw, then)
    if not any(ending(each) for each in meant(written, then)):
        return None
    if maybe(draw, 30):
        written["container"] = "fetch"
    if maybe(draw, 40):
        written["reason"] = pick(draw, ("Error", "OOMKilled"))
    return {**written, **draw_end(draw, then, times=True)}


@action("postStartFault", *ALL)
def _post_start_fault(draw: Draw, then: Then) -> Raw | None:
    written = draw_pods(draw, then)
    containers = [each for template in meant(written, then) for each in long_running(template)]
    if not any("postStart" in each.get("lifecycle", {}) for each in containers):
        return None
    return {**written, **draw_end(draw, then, times=True)}


@action("imageFault")
def _image_fault(draw: Draw, then: Then) -> Raw:
    images = [image for each in then.workloads for image in each.images]
    written: Raw = {"images": some(draw, images)} if images and maybe(draw, 50) else {}
    return {**written, **draw_end(draw, then)}


# -- nodes ----------------------------------------------------------------------------------------------------

ACTIONS["cordon"] = ACTIONS["uncordon"] = Action(draw_nodes)
_KEYS = ("dedicated", "team", "example.com/broken")


@action("taint")
def _taint(draw: Draw, then: Then) -> Raw:
    written = {**_long(draw_nodes(draw, then)), "key": pick(draw, _KEYS)}
    return {**written, "effect": pick(draw, ("NoSchedule", "NoExecute", "PreferNoSchedule"))}


@action("untaint")
def _untaint(draw: Draw, then: Then) -> Raw:
    return {**_long(draw_nodes(draw, then)), "key": pick(draw, _KEYS)}


@action("labelNodes")
def _label_nodes(draw: Draw, then: Then) -> Raw:
    return {**_long(draw_nodes(draw, then)), "labels": {"pool": pick(draw, ("infer", "other", None))}}


@action("addNodes")
def _add_nodes(draw: Draw, then: Then) -> Raw:
    # A pool of the cluster has more nodes like its others, a new one says what they offer.
    name = pick(draw, ("extra", *then.cluster.pools))
    members = then.pools.setdefault(name, [])
    written: Raw = {"name": name, "count": 1 + pick(draw, range(2))}
    if not members:
        written |= {"labels": {RACK: "r0"}, "allocatable": {"cpu": "192", "memory": "1500Gi", NPU: 8}}
    for _ in range(written["count"]):
        node = f"{name}-{len(members)}"
        then.nodes[node] = then.nodes.get(members[0], 8) if members else 8
        then.labels[node] = then.labels[members[0]] if members else {RACK: "r0"}
        members.append(node)
    return written


@action("removeNodes")
def _remove_nodes(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    names = names_of(nodes, then)
    if len(set(names)) >= len(then.nodes):
        return None
    for name in names:
        then.nodes.pop(name, None)
    return nodes


@action("drain")
def _drain(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    if maybe(draw, 40):
        return nodes
    written = {**_long(nodes), "timeout": pick(draw, ("10m", "never", "30s"))}
    return {**written, "force": True} if maybe(draw, 50) else written


@action("nodeDown")
def _node_down(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    then.down.update(names_of(nodes, then))
    if maybe(draw, 20):
        return nodes
    written = {**_long(nodes), "mode": pick(draw, ("silent", "cutOff", "notReady"))}
    return {**written, **draw_end(draw, then)}


@action("nodeUp")
def _node_up(draw: Draw, then: Then) -> Any:
    down = then.there(then.down)
    return some(draw, down) if down else None


def _plugin(draw: Draw) -> dict[str, Any]:
    return {} if maybe(draw, 50) else {"devicePluginAfter": pick(draw, ("0s", "12s", draw(POSITIVE_SHORT)))}


@action("reboot")
def _reboot(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    then.down.update(names_of(nodes, then))
    return nodes if maybe(draw, 30) else {**_long(nodes), "takes": draw(POSITIVE_SHORT), **_plugin(draw)}


@action("kubeletRestart")
def _kubelet_restart(draw: Draw, then: Then) -> Any:
    nodes = draw_nodes(draw, then)
    then.down.update(names_of(nodes, then))
    return nodes if maybe(draw, 30) else {**_long(nodes), "takes": draw(POSITIVE_SHORT), **_plugin(draw)}


@action("outOfService")
def _out_of_service(draw: Draw, then: Then) -> Any:
    out = then.there(then.out_of_service)
    if out and maybe(draw, 50):
        return {"nodes": some(draw, out), "ended": True}
    nodes = draw_nodes(draw, then)
    then.out_of_service.update(names_of(nodes, then))
    return nodes


@action("fault", *ALL)
def _fault(draw: Draw, then: Then) -> Any:
    kind = pick(draw, possible_kinds(then.nodes, storage=then.storage))
    pods = draw_pods(draw, then, nodes=False)
    return draw_fault(draw, kind, then.nodes, then.named, pods)
