"""Which pods of a workload a rollout made, and which were there before, as far as listings tell it.

What tells is, in this order: the hash of the template in a label, the ReplicaSet that owns the pod, its images; where
they are the same on all of them the first listing, or the templates of the scenario. What none of these tells is not
guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from msgspec import Struct

from kubeinfer_sim.manifest.kubernetes.well_known_labels import CONTROLLER_REVISION_HASH, POD_TEMPLATE_HASH
from kubeinfer_sim.manifest.model import KubeInfer, PodTemplate, ReplicaSet, WorkloadSpec
from kubeinfer_sim.scenario.cluster.kubectl.listing import Item
from kubeinfer_sim.scenario.timings.calibration.observe import TOGETHER, seconds
from kubeinfer_sim.scenario.timings.calibration.roles import entries, mapping, role_of

#: Labels that say which template a pod was made from, and how those of other controllers end.
_HASHES = (POD_TEMPLATE_HASH, CONTROLLER_REVISION_HASH)
_ENDS = ("-hash", "/revision", "-revision")


class Parted(Struct, frozen=True):
    """The pods that a rollout made, by uid.

    Attributes:
        new: None where it is not told, none where there was no rollout; `why`, with `{where}` for the workload.
        why: also what the answer rests on, where that is to be said.
    """

    new: frozenset[str] | None
    why: str = ""


def tell_apart(
    pods: Mapping[str, Item],
    listed: Sequence[Mapping[str, Item]],
    last: WorkloadSpec,
    before: WorkloadSpec | None,
) -> Parted:
    """Tell the pods of the last rollout of a workload from those of before.

    Args:
        pods: all of the workload, by uid.
        listed: those in each listing, in their order.
        last: what it is to be in the end, by the scenario.
        before: what it was when the scenario begins; None: it was not there.
    """
    certain = _by_template(pods, last)
    if certain:
        return Parted(certain)
    every = frozenset(pods)
    if before is None:
        return Parted(every)
    old = {uid for uid, item in pods.items() if _is_of(item, before) and not _is_of(item, last)}
    new = {uid for uid, item in pods.items() if _is_of(item, last) and not _is_of(item, before)}
    if old == every:
        return Parted(frozenset(), "all pods of {where} are of the template of before the update")
    if new == every:
        return Parted(every)
    first = listed[0].keys()
    if len(listed) == 1 or not first:
        return Parted(
            None,
            "which pods are new is not told: all are of one template, the old or the new one, so no pod of before is "
            "listed, or none of after; list before the rollout, too",
        )
    since = every - first
    if not since:
        return Parted(since, "all pods of {where} were there in the first listing already")
    unmarked = any(not _hash(each.value) and not _replica_set(each.value) for each in pods.values())
    why = (
        "{where}: nothing on its pods tells new from old: new are those that the first listing does not hold"
    )
    return Parted(since, why if unmarked else "")


def _by_template(pods: Mapping[str, Item], last: WorkloadSpec) -> frozenset[str]:
    """Those of the template that was used last, role by role; none where all are of one, or nothing tells it."""
    roles: dict[str, list[str]] = defaultdict(list)
    for uid, item in pods.items():
        roles[role_of(item.value) if isinstance(last, KubeInfer) else ""].append(uid)
    new: set[str] = set()
    untold: list[str] = []
    for own in roles.values():
        signs = _signs({uid: pods[uid].value for uid in own})
        if not signs:
            untold += own
            continue
        first: dict[str, float] = {}
        for uid, sign in signs.items():
            first[sign] = min(first.get(sign, inf), _created(pods[uid]))
        newest = max(own, key=lambda uid: (_created(pods[uid]), first[signs[uid]]))
        new |= {uid for uid, sign in signs.items() if sign == signs[newest]}
    if new:
        # A role whose template is the same as before tells by the time alone.
        begun = min(_created(pods[uid]) for uid in new)
        new |= {uid for uid in untold if _created(pods[uid]) >= begun - TOGETHER}
    return frozenset(new)


def _signs(values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What tells the templates of the pods of a role apart, by uid; empty where nothing does."""
    tells: tuple[Callable[[Mapping[str, Any]], str], ...] = (_hash, _replica_set, _images)
    for tell in tells:
        signs = {uid: tell(value) for uid, value in values.items()}
        if "" not in signs.values() and len(set(signs.values())) > 1:
            return signs
    return {}


def _created(item: Item) -> float:
    return seconds(item.value["metadata"].get("creationTimestamp")) or -inf


def _hash(value: Mapping[str, Any]) -> str:
    labels = mapping(value["metadata"].get("labels"))
    others = sorted(key for key in labels if str(key).endswith(_ENDS))
    return next((str(labels[each]) for each in (*_HASHES, *others) if labels.get(each)), "")


def _replica_set(value: Mapping[str, Any]) -> str:
    owners = entries(value["metadata"].get("ownerReferences"))
    return next((str(each.get("name")) for each in owners if each.get("kind") == ReplicaSet.kind), "")


def _images(value: Mapping[str, Any]) -> str:
    return " ".join(str(each.get("image") or "") for each in entries(value["spec"].get("containers"))).strip()


def _is_of(item: Item, workload: WorkloadSpec) -> bool:
    """Whether a pod may have been made from a workload's template; admission may have added to it."""
    if isinstance(workload, KubeInfer):
        role = role_of(item.value)
        return any(_is_from(item, each.template) for each in workload.roles if each.name == role)
    return any(_is_from(item, each) for each in workload.pod_templates)


def _is_from(item: Item, template: PodTemplate) -> bool:
    found = {str(each.get("name")): each for each in entries(item.value["spec"].get("containers"))}
    wanted = entries(mapping(template.raw.get("spec")).get("containers"))
    return all(_has(found.get(str(each.get("name")), {}), each) for each in wanted)


def _has(container: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    same = all(container.get(each) == wanted.get(each) for each in ("image", "command", "args"))
    variables = entries(container.get("env"))
    return same and all(each in variables for each in entries(wanted.get("env")))
