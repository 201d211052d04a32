"""Whole scenarios: a manifest, a cluster, a time line and all else a scenario file may say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from kubeinfer_sim.manifest.releases import LATEST, RELEASES
from kubeinfer_sim.testing.strategies import spec_parts as parts
from kubeinfer_sim.testing.strategies.actions import Then, draw_action
from kubeinfer_sim.testing.strategies.clusters import draw_cluster
from kubeinfer_sim.testing.strategies.faults import draw_processes
from kubeinfer_sim.testing.strategies.objects import draw_objects, name_of
from kubeinfer_sim.testing.strategies.profiles import Profile, profile_named
from kubeinfer_sim.testing.strategies.values import Draw, maybe, part, pick
from kubeinfer_sim.testing.strategies.workloads import KINDS, NAMES, Workload
from kubeinfer_sim.testing.strategies.written import MAIN, Raw, WrittenManifest, WrittenScenario

_SEED = st.integers(0, 2**63 - 1)
_HOUR = 3_600_000


def scenarios(profile: str = "medium") -> st.SearchStrategy[WrittenScenario]:
    """Scenarios that a user might write: each is read without errors, and shrinks towards a small YAML file.

    Args:
        profile: `small`, one object on a few nodes with up to three actions; `medium`, up to four objects and ten
            actions, and all that may stand beside them; `large`, up to eight objects and twenty-five actions.

    Raises:
        KeyError: no such profile.
    """
    return _scenarios(profile_named(profile))


@st.composite
def manifests(draw: Draw, profile: str = "medium") -> WrittenManifest:
    """Manifests: objects that own pods, and what stands beside them (quotas, budgets, classes, claims).

    Raises:
        KeyError: no such profile.
    """
    chosen = profile_named(profile)
    workloads, _ = _workloads(draw, chosen, holes=False)
    beside, _ = part(draw, draw_objects, workloads, chosen)
    return WrittenManifest([*(each.document for each in workloads), *beside])


@st.composite
def _scenarios(draw: Draw, profile: Profile) -> WrittenScenario:
    workloads, settable = _workloads(draw, profile)
    cluster = part(draw, draw_cluster, profile)
    beside, said = part(draw, draw_objects, workloads, profile)
    objects = [*(each.document for each in workloads), *beside]
    files: dict[str, Sequence[Raw]] = dict(cluster.files)
    spec: Raw = {}
    if len(objects) == 1 and not settable and maybe(draw, 50):
        spec["manifest"] = objects[0]
    else:
        files["manifest.yaml"] = objects
        values = {"set": {"image": "repo/vllm:v1"}}
        spec["manifest"] = {"path": "manifest.yaml", **values} if settable else "manifest.yaml"
    spec["cluster"] = cluster.written
    then = Then(
        cluster,
        workloads,
        settable=settable,
        objects=[name_of(each) for each in beside],
        classes_given="priorityClasses" in said,
    )
    spec |= _happenings(draw, then, profile) | said
    seed = draw(_SEED) if maybe(draw, 10) else pick(draw, range(6))
    if seed:
        spec["seed"] = seed
    groups = [each["metadata"]["name"] for each in beside if each["kind"] == "PodGroup"]
    spec |= part(draw, parts.draw_scheduling, workloads, groups, profile)
    spec |= part(draw, parts.draw_probabilities, spec.get("objectives", {}), profile)
    document = {
        "apiVersion": "kubeinfer-sim/v1",
        "kind": "Scenario",
        "metadata": {"name": "generated"},
        "spec": spec,
    }
    return WrittenScenario({MAIN: [document], **files})


def _workloads(draw: Draw, profile: Profile, *, holes: bool = True) -> tuple[list[Workload], bool]:
    """The objects that own pods, and whether their images are filled in (`set`), as they may be with `holes`."""
    kinds = (
        "KubeInfer",
        "KubeInfer",
        "Deployment",
        "Deployment",
        "ReplicaSet",
        "Pod",
        "StatefulSet",
        "DaemonSet",
    )
    chosen = [pick(draw, kinds)]
    while len(chosen) < profile.workloads and maybe(draw, 55):
        chosen.append(pick(draw, kinds))
    settable = holes and "KubeInfer" in chosen and maybe(draw, 40)
    left = {kind: list(names) for kind, names in NAMES.items()}
    workloads = []
    for kind in chosen:
        if left[kind]:
            image = "${image}" if settable and kind == "KubeInfer" else "repo/vllm:v1"
            workloads.append(Workload(part(draw, KINDS[kind], left[kind].pop(0), image, profile)))
    return workloads, settable


def _happenings(draw: Draw, then: Then, profile: Profile) -> Raw:
    """All of the spec but manifest, cluster, seed and what it says of objects; `then`: what there is at time 0."""
    workloads, cluster = then.workloads, then.cluster
    kubeinfers = [each for each in workloads if each.kind == "KubeInfer"]
    rich = profile.richness
    written: Raw = {}
    if maybe(draw, rich):
        written["initial"] = pick(draw, ("running", "empty"))
    if then.settable and maybe(draw, 50):
        written["update"] = {"set": {"image": "repo/vllm:v2"}}
    transfers = part(draw, parts.draw_transfers, workloads) if maybe(draw, rich) else {}
    then.storage = "storage" in transfers
    processes: Any = None
    if maybe(draw, rich // 2):
        processes = part(draw, draw_processes, cluster, then.storage, bool(kubeinfers))
    endless = isinstance(processes, str) or bool(processes and processes.get("processes"))
    horizon = pick(draw, (2, 12, 1, 48)) if endless or maybe(draw, 30) else None
    actions = _actions(draw, then, profile.actions, horizon, "update" in written)
    if actions:
        written["actions"] = actions
    if maybe(draw, 60):
        written["timings"] = part(draw, parts.draw_timings, workloads, transfers, profile)
    if transfers:
        written["transfers"] = transfers
    if maybe(draw, rich):
        written["assumptions"] = part(draw, parts.draw_assumptions)
    if kubeinfers and maybe(draw, 70) and (rules := part(draw, parts.draw_rules, kubeinfers)):
        written["recovery"] = {"rules": rules}
    if processes is not None:
        written["faults"] = processes
    version = pick(draw, tuple(reversed(RELEASES)))
    written |= part(draw, parts.draw_settings, workloads, version, profile)
    if kubeinfers:
        _ask(draw, written, actions, profile, horizon=horizon is not None, one=len(kubeinfers) == 1)
    if horizon is not None:
        written["horizon"] = f"{horizon}h"
    elif maybe(draw, 30):
        written["quietAfter"] = pick(draw, ("2h", "12h", "10m"))
    if version != LATEST.version:
        written["kubernetesVersion"] = version
    return written


def _ask(draw: Draw, written: Raw, actions: list[Raw], profile: Profile, *, horizon: bool, one: bool) -> None:
    """Demand, which is known of one KubeInfer alone, and objectives."""
    if one and maybe(draw, profile.richness // 3):
        written["load"] = part(draw, parts.draw_load)
    if maybe(draw, profile.richness // 3):
        written["traffic"] = part(draw, parts.draw_traffic)
    if maybe(draw, profile.richness):
        # What a KubeInfer's pods are made anew for, for sure: a patch or a scaling may leave all as it is. Where
        # there are KubeInfers, objectives that name no object are about them.
        of_kubeinfers = [
            each for each in actions if each.get("object", "KubeInfer/").startswith("KubeInfer/")
        ]
        asked = [written.get("update"), *(each.get("apply") for each in of_kubeinfers)]
        changes = any(each is not None and each.get("newRevision") is True for each in asked)
        written["objectives"] = part(draw, parts.draw_objectives, horizon, "load" in written, changes)


def _actions(draw: Draw, then: Then, most: int, horizon: int | None, update: bool) -> list[Raw]:
    """A time line; actions often come in one instant, or while the one before is still at work."""
    if update:
        for each in then.of_kind("KubeInfer"):
            then.templates[each.name] = 1
    written = []
    for _ in range(most):
        made, goes_on = part(draw, _next_action, then, horizon)
        written += made
        if not goes_on:
            break
    return written


def _next_action(draw: Draw, then: Then, horizon: int | None) -> tuple[list[Raw], bool]:
    """One more action, if any, and whether there may be others after it."""
    if not maybe(draw, 80):
        return [], False
    then.go_on(pick(draw, (0, 60_000, 600_000, 1_000, 5_000, 300_000, 1_200_000, 12_345)))
    if horizon is not None and then.at > horizon * _HOUR:
        return [], False
    made = draw_action(draw, then)
    return ([] if made is None else [made]), True
