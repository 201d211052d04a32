"""Actions on pods: they are deleted, let go, crash, and their checks, images and hooks fail."""

from __future__ import annotations

from kubeinfer_sim.testing.strategies.actions.registry import ACTIONS, ALL, Action, action
from kubeinfer_sim.testing.strategies.actions.targets import draw_end, draw_pods, meant
from kubeinfer_sim.testing.strategies.actions.then import Then
from kubeinfer_sim.testing.strategies.values import DURATIONS, Draw, maybe, pick, some
from kubeinfer_sim.testing.strategies.workloads import GATE, ending, long_running
from kubeinfer_sim.testing.strategies.written import Raw


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
