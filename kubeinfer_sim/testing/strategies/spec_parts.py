"""The parts of a spec that say how things go: timings, transfers, assumptions, recovery, demand, objectives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from kubeinfer_sim.manifest.model import RESET_LABEL
from kubeinfer_sim.manifest.pod_group_annotations import GROUP_NAME
from kubeinfer_sim.manifest.releases import release_of
from kubeinfer_sim.scenario.assumption_forms import AssumptionsForm
from kubeinfer_sim.scenario.forms import written_name
from kubeinfer_sim.scenario.recovery.faults import known_faults
from kubeinfer_sim.scenario.timings.stage_forms import StagesForm
from kubeinfer_sim.testing.strategies.profiles import Profile
from kubeinfer_sim.testing.strategies.values import (
    DURATIONS,
    Draw,
    draw_distribution,
    maybe,
    part,
    pick,
    some,
)
from kubeinfer_sim.testing.strategies.workloads import NPU, OTHER_SCHEDULER, Workload, long_running
from kubeinfer_sim.testing.strategies.written import Raw

# -- timings and transfers ------------------------------------------------------------------------------------

STAGES = tuple(written_name(StagesForm, name) for name in StagesForm.model_fields)


#: Stages whose length a shared link says, where there is one.
_BY_LINK = {"registry": ("image", "imageCold"), "storage": ("weights", "weightsShared")}


def _stages(draw: Draw, transfers: Raw, most: int) -> Raw:
    said = {stage for link in transfers.keys() & _BY_LINK for stage in _BY_LINK[link]}
    return {stage: part(draw, draw_distribution) for stage in some(draw, STAGES, most) if stage not in said}


def draw_timings(draw: Draw, workloads: Sequence[Workload], transfers: Raw, profile: Profile) -> Raw:
    """Stages of all pods, and of single roles."""
    # Loads that take half an hour make most examples wait for nothing.
    written: Raw = {"profile": pick(draw, ("zero", "typical", "range"))} if maybe(draw, 60) else {}
    if maybe(draw, 70):
        written |= _stages(draw, transfers, 1 if profile.name == "small" else 4)
    if maybe(draw, profile.richness // 2) and workloads:
        roles = [role for each in workloads for role in each.templates]
        images = [image for each in workloads for image in each.images]
        if images and maybe(draw, 50):
            written["images"] = {pick(draw, images): _stages(draw, transfers, 2)}
        written["roles"] = {
            role: _stages(draw, transfers, 2) for role in some(draw, list(dict.fromkeys(roles)))
        }
    return written


def draw_transfers(draw: Draw, workloads: Sequence[Workload]) -> Raw:
    """A registry, a storage or both, which nodes share."""
    written: Raw = {}
    link = {"bandwidth": "10Gbit/s"}
    if maybe(draw, 60):
        written["registry"] = pick(draw, (link, {**link, "perClient": "55MB/s"}, {"perClient": "200MB/s"}))
    if maybe(draw, 60):
        written["storage"] = pick(
            draw, ({"bandwidth": "5GB/s"}, {"bandwidth": "1GB/s", "perClient": "500MB/s"})
        )
    if maybe(draw, 30):
        images = [image for each in workloads for image in each.images]
        if images:
            written["imageSizes"] = {pick(draw, images): pick(draw, ("16GB", "1GB", "200MB"))}
    if maybe(draw, 30):
        written["parallelPulls"] = pick(draw, (2, "unlimited", 1))
    if maybe(draw, 20):
        written |= {"registryPullQPS": pick(draw, (5.0, 0.0, 0.1)), "registryBurst": pick(draw, (10, 1))}
    return written


# -- assumptions ----------------------------------------------------------------------------------------------

#: What is written for assumptions that are neither a choice nor a switch.
ASSUMED: Mapping[str, Callable[[Draw], Any]] = {
    "unready_grace": lambda draw: pick(draw, ("10s", "0s", "5m")),
    "backoff": lambda draw: pick(draw, (["0s", "30s"], ["10s"], ["1m", "1s", "5m"])),
    "backoff_reset": lambda draw: pick(draw, ("20m", "1m", "0s")),
    "max_restarts": lambda draw: pick(draw, (3, 0, 1)),
    "min_member": lambda draw: pick(draw, (1, 2, 8)),
    "max_restarts_window": lambda draw: pick(draw, ("1h", "5m")),
    "peer_loss_timeout": lambda draw: pick(draw, ("3m", "10m", "never", "1s")),
    "progress_deadline": lambda draw: pick(draw, ("10m", "1h", "never")),
}


def choices_of(name: str) -> tuple[Any, ...]:
    """What an assumption may be that is a choice or a switch; () when it is neither."""
    annotation = AssumptionsForm.model_fields[name].annotation
    if annotation is bool:
        return (False, True)
    for each in (annotation, *get_args(annotation)):
        if get_origin(each) is Literal:
            return get_args(each)
    return ()


def draw_assumptions(draw: Draw) -> Raw:
    """Some of them, each other than left out."""
    names = some(draw, tuple(AssumptionsForm.model_fields), 5)
    return {
        written_name(AssumptionsForm, name): pick(draw, choices)
        if (choices := choices_of(name))
        else ASSUMED[name](draw)
        for name in names
    }


# -- recovery -------------------------------------------------------------------------------------------------


def draw_rules(draw: Draw, kubeinfers: Sequence[Workload]) -> list[Raw]:
    """Rules to each of which some failure comes; none where no role has recovery Custom.

    Each names failures of its own; only the last may name none, and takes the rest.
    """
    roles = {role["name"]: role for each in kubeinfers for role in each.roles}
    custom = [
        name for name, role in roles.items() if role.get("recoveryPolicy", {}).get("restart") == "Custom"
    ]
    if not custom:
        return []
    faults = _failures_of([roles[name] for name in custom])
    rules = []
    for _ in range(pick(draw, (0, 1, 2, 3))):
        named = some(draw, faults, 3)
        faults = [fault for fault in faults if fault not in named]
        rule: Raw = {"faults": named}
        if maybe(draw, 20) and all(len(known_faults()[fault].phases) == 2 for fault in named):
            rule["phase"] = pick(draw, ("serving", "starting"))
        if maybe(draw, 20) and named[0] in ("Error", "OOMKilled"):
            rule["exitCodes"] = pick(draw, ([1], [137], [3, 255]))
        rules.append({**rule, **part(draw, _decision, custom, roles)})
    if not rules or maybe(draw, 60):
        rules.append(part(draw, _decision, custom, roles))
    return rules


def _failures_of(roles: Sequence[Raw]) -> list[str]:
    """What the pods of any of the roles can have for sure."""
    containers = [container for role in roles for container in long_running(role["template"])]
    reported = any(role["template"]["metadata"]["labels"].get(RESET_LABEL) == "true" for role in roles)
    return [
        name
        for name, fault in known_faults().items()
        if fault.acts
        and (not fault.npu or reported)
        and (not fault.probe or any(f"{fault.probe}Probe" in each for each in containers))
    ]


def _decision(draw: Draw, custom: Sequence[str], roles: Mapping[str, Raw]) -> Raw:
    others = [name for name in roles if name not in custom[:1]]
    actions = ["RecreateInstance", "RecreatePod", "RecreateRole", "RestartContainer", "Ignore", "Fail"]
    action = pick(draw, (*actions, "Degrade") if others else actions)
    rule: Raw = {"action": action}
    if action == "Degrade":
        rule["giveUp"] = [{"role": pick(draw, others), "keep": 0}]
    elif maybe(draw, 30):
        then = pick(draw, [other for other in actions if other != action])
        rule["limit"] = {"count": pick(draw, (1, 3)), "window": pick(draw, ("10m", "1h")), "then": then}
    if action not in ("RestartContainer", "Ignore") and maybe(draw, 30):
        rule["delay"] = draw(DURATIONS)
    if maybe(draw, 15):
        rule["isolate"] = pick(draw, ("Device", "Node"))
    return rule


# -- demand and objectives ------------------------------------------------------------------------------------


def draw_load(draw: Draw) -> Any:
    """A constant load, or one that changes over the day."""
    if maybe(draw, 40):
        return {"daily": [{"at": "0s", "load": 1.0}, {"at": "8h", "load": 3.5}], "startsAt": "6h"}
    if maybe(draw, 30):
        return {"constant": 90.0, "unit": "requests/s", "instanceServes": 30.0}
    return pick(draw, (1.0, 2.5, 0))


def draw_traffic(draw: Draw) -> Raw:
    """How readiness becomes traffic, and requests."""
    written: Raw = {}
    if maybe(draw, 70):
        written |= {
            "requestsPerSecond": pick(draw, (4.0, 0.5)),
            "requestDuration": part(draw, draw_distribution),
        }
    if maybe(draw, 20):
        written |= {"propagation": "0s", "syncPeriod": pick(draw, ("0s", "10s"))}
    return written


def draw_objectives(draw: Draw, horizon: bool, load: bool, changes: bool) -> Raw:
    """What must hold, of what can be judged."""
    written: Raw = {}
    if changes and maybe(draw, 50):
        written["completes"] = True
    if maybe(draw, 50):
        written["noStall"] = True
    if maybe(draw, 50):
        written["maxLostInstanceSeconds"] = pick(draw, (0.0, 3600.0))
    levels = ("one", "budget", "all", "50%")
    if maybe(draw, 40):
        written["availability"] = [{"ready": pick(draw, levels), "longestOutage": draw(DURATIONS)}]
    if horizon and maybe(draw, 50):
        written["availability"] = [{"ready": pick(draw, levels), "atLeast": pick(draw, ("99.9%", "50%"))}]
        written["minCapacity"] = "80%"
    if horizon and load and maybe(draw, 50):
        written |= {"maxUnserved": "10%", "maxOverload": "1h"}
    return written


# -- the cluster's own settings -------------------------------------------------------------------------------


def draw_settings(draw: Draw, workloads: Sequence[Workload], version: str, profile: Profile) -> Raw:
    """Fields of the spec that stand by themselves."""
    written: Raw = {}
    rich = profile.richness
    if maybe(draw, rich // 3):
        written["nodeLifecycle"] = {
            "monitorGracePeriod": "40s",
            "defaultTolerationSeconds": pick(draw, (60, 0, 300)),
        }
    if maybe(draw, rich // 3):
        release = release_of(version)
        if release.max_container_restart_period and maybe(draw, 50):
            written["kubelet"] = {"maxContainerRestartPeriod": pick(draw, ("1m", "1s", "5m"))}
        elif release.reduced_crash_loop_back_off:
            written["kubelet"] = {"reducedCrashLoopBackOff": True}
    if maybe(draw, rich // 3) and workloads:
        budget: Raw = pick(draw, ({"maxUnavailable": 1}, {"minAvailable": "50%"}, {"maxUnavailable": 0}))
        name = pick(draw, workloads).name
        written["podDisruptionBudgets"] = [{"name": "keep", "matchLabels": {"app": name}, **budget}]
    if maybe(draw, rich // 4):
        images = [image for each in workloads for image in each.images]
        if images:
            written["brokenImages"] = [pick(draw, images)]
    return written


# -- who places pods, and how sure an answer is to be ----------------------------------------------------------


def draw_scheduling(
    draw: Draw, workloads: Sequence[Workload], groups: Sequence[str], profile: Profile
) -> Raw:
    """Schedulers and Volcano's settings; from here on pods name theirs, and some one of the PodGroups (`groups`)."""
    written: Raw = {}
    for each in workloads:
        if not maybe(draw, profile.richness // 3):
            continue
        scheduler = pick(draw, ("volcano", "default-scheduler", OTHER_SCHEDULER))
        group = pick(draw, groups) if groups and each.kind != "KubeInfer" and maybe(draw, 50) else ""
        for template in each.templates.values():
            template["spec"]["schedulerName"] = scheduler
            if group:
                template["metadata"].setdefault("annotations", {})[GROUP_NAME] = group
    if maybe(draw, profile.richness // 4):
        written["schedulers"] = [OTHER_SCHEDULER]
    if maybe(draw, profile.richness // 4):
        actions = pick(draw, (None, ["enqueue", "allocate", "preempt", "backfill"], ["enqueue", "allocate"]))
        settings: Raw = {} if actions is None else {"actions": actions}
        if maybe(draw, 50):
            settings["binpack"] = {"weight": pick(draw, (1, 10)), "resources": {NPU: pick(draw, (5, 1))}}
        if maybe(draw, 30):
            settings["queue"] = "queue"
        written["scheduler"] = settings
    return written


def draw_probabilities(draw: Draw, objectives: Raw, profile: Profile) -> Raw:
    """The confidence of answers over many runs; some of the objectives get a probability, in place."""
    for name, value in sorted(objectives.items()):
        if maybe(draw, profile.richness // 3):
            probability = pick(draw, ("90%", "99.9%", "50%"))
            if name == "availability":
                value[0]["probability"] = probability
            else:
                what = "time" if name == "maxOverload" else "value"
                objectives[name] = {what: value, "probability": probability}
    return {"confidence": pick(draw, ("99%", "50%", "90%"))} if maybe(draw, profile.richness // 4) else {}
