"""What changes from one version of a KubeInfer, Deployment, StatefulSet or DaemonSet to another, and what follows.

Compared are the objects as they would be stored: defaults filled in, quantities in canonical form (`1000m` is
`1`), so that only what means something else counts. A rollout follows exactly where the revision differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from kubeinfer_sim.diagnostics import Path, format_path
from kubeinfer_sim.manifest.effective import effective, effective_plain
from kubeinfer_sim.manifest.kubernetes.fenceposts import resolve_fenceposts
from kubeinfer_sim.manifest.model import DaemonSet, Deployment, KubeInfer, StatefulSet
from kubeinfer_sim.manifest.refusals import refusal

#: Those of apps/v1 that roll out a new template.
Plain = Deployment | StatefulSet | DaemonSet
Versioned = KubeInfer | Plain

#: What kubectl keeps for itself in an object it has applied.
KUBECTLS_OWN = ("kubectl.kubernetes.io/last-applied-configuration",)


class Effect(StrEnum):
    """What a change sets in motion."""

    ROLLOUT = "rollout"
    SCALE = "scale"
    NEXT_ROLLOUT = "next rollout"
    SERVICES = "services"
    NOTHING = "nothing"


_WORDS = {
    Effect.ROLLOUT: "part of the revision: every instance is replaced",
    Effect.NEXT_ROLLOUT: "restarts nothing; holds for every update from now on, this one included",
    Effect.SERVICES: "the Service changes; no pod restarts",
    Effect.NOTHING: "restarts nothing",
}
_POD_WORDS = _WORDS | {Effect.ROLLOUT: "part of the pod template: every pod is replaced"}
#: Of all changes of an object that the API server does not take.
_REFUSED_WORDS = "not made, since the object is refused as a whole"


class Change(Struct, frozen=True):
    """One difference.

    Attributes:
        path: in the new object, or in the old one for what is gone.
        old: plain data; None for what was not there.
        new: the same.
        words: what follows from it.
    """

    path: Path
    old: Any
    new: Any
    effect: Effect
    words: str


class Diff(Struct, frozen=True):
    """The difference of two versions of an object; None stands for "not there".

    Attributes:
        refused: the answer of the API server, where it does not take the new version; empty where it does.
    """

    old: Versioned | None
    new: Versioned | None
    changes: tuple[Change, ...] = ()
    refused: str = ""

    @property
    def object(self) -> Versioned:
        """The new version, or the old one where there is no new one."""
        either = self.new or self.old
        assert either is not None
        return either

    @property
    def by_effect(self) -> list[Change]:
        """The changes, those with the widest effect first."""
        order = list(Effect)
        return sorted(self.changes, key=lambda each: order.index(each.effect))

    @property
    def differs(self) -> bool:
        """Whether the two are not the same, be it in what does nothing."""
        return self.old is None or self.new is None or bool(self.changes)

    @property
    def rollout(self) -> bool:
        """Whether the revision differs, so that instances or pods are replaced (if there are any)."""
        if self.old is None or self.new is None or self.refused:
            return False
        return self.old.revision != self.new.revision

    def summary(self) -> str:
        """One sentence: what happens when the new version is applied."""
        if self.old is None or self.new is None:
            return (
                "would be created"
                if self.old is None
                else "is not in the new file, and stays as it is if that is applied"
            )
        if self.refused:
            return f"refused, nothing changes: {self.refused}"
        if not self.changes:
            return f"nothing changes (revision {self.new.revision})"
        if not self.rollout:
            return f"no rollout: the revision stays {self.new.revision}"
        match self.old, self.new:
            case Deployment(), Deployment():
                pace = _pod_pace(self.old, self.new)
            case StatefulSet(), StatefulSet():
                pace = _ordinal_pace(self.old, self.new)
            case KubeInfer(), KubeInfer():
                pace = _pace(self.old, self.new)
            case _:
                assert isinstance(self.new, DaemonSet)
                pace = _node_pace(self.new)
        return f"rollout: revision {self.old.revision} → {self.new.revision}; {pace}"


def diff(old: Sequence[Versioned], new: Sequence[Versioned]) -> list[Diff]:
    """Compare objects by kind, namespace and name, in the order of the new ones; those that are gone come last.

    Of several versions of one object the last counts, as with `kubectl apply`.
    """
    before = {(type(each), each.namespace, each.name): each for each in old}
    after = {(type(each), each.namespace, each.name): each for each in new}
    found = [
        _compare(before[key], each) if key in before else Diff(None, each) for key, each in after.items()
    ]
    return found + [Diff(each, None) for key, each in before.items() if key not in after]


def _compare(old: Versioned, new: Versioned) -> Diff:
    if not isinstance(old, KubeInfer):
        assert not isinstance(new, KubeInfer)
        return _compare_plain(old, new)
    assert isinstance(new, KubeInfer)
    changes = []
    for path, before, after in differences(_view(old), _view(new), ()):
        effect = _effect(path)
        words = _scaling(old, new) if effect is Effect.SCALE else _WORDS[effect]
        same = _same_budget(path, old, new)
        if same:
            effect, words = Effect.NOTHING, same
        changes.append(Change(path, before, after, effect, words))
    return Diff(old, new, tuple(changes))


def _compare_plain(old: Plain, new: Plain) -> Diff:
    changes = []
    refused = refusal(old.raw, new.raw)
    for path, before, after in differences(_plain_view(old), _plain_view(new), ()):
        match path:
            case _ if refused:
                effect, words = Effect.NOTHING, _REFUSED_WORDS
            case ("spec", "template", *_):
                effect, words = Effect.ROLLOUT, _POD_WORDS[Effect.ROLLOUT]
            case ("spec", "replicas"):
                more = new.replicas - old.replicas
                words = f"{_pods(abs(more))} {'created' if more > 0 else 'deleted'}; restarts nothing"
                effect = Effect.SCALE
            case ("spec", "paused"):
                paused = isinstance(new, Deployment) and new.paused
                words = "updates wait until it is resumed" if paused else "an update that waited goes on"
                effect = Effect.NEXT_ROLLOUT
            case ("spec", *_):
                effect, words = Effect.NEXT_ROLLOUT, _POD_WORDS[Effect.NEXT_ROLLOUT]
            case _:
                effect, words = Effect.NOTHING, _POD_WORDS[Effect.NOTHING]
        changes.append(Change(path, before, after, effect, words))
    return Diff(old, new, tuple(changes), refused)


def _plain_view(workload: Plain) -> dict[str, Any]:
    return {"metadata": _own_metadata(workload), "spec": effective_plain(workload)["spec"]}


def _own_metadata(workload: Versioned) -> dict[str, Any]:
    annotations = {name: text for name, text in workload.annotations.items() if name not in KUBECTLS_OWN}
    return {"labels": dict(workload.labels), "annotations": annotations}


def _pods(number: int) -> str:
    return f"{number} pod{'' if number == 1 else 's'}"


def _pod_pace(old: Deployment, new: Deployment) -> str:
    """What a Deployment's strategy comes to."""
    if not old.replicas or not new.replicas:
        return "there are no pods to replace"
    replaced = f"{_pods(min(old.replicas, new.replicas))} replaced"
    if new.paused:
        return "nothing is replaced while it is paused"
    if new.strategy == "Recreate":
        return f"{replaced}, all at once (Recreate)"
    budgets = new.rolling_update
    posts = resolve_fenceposts(budgets.max_surge, budgets.max_unavailable, new.replicas)
    return f"{replaced}, up to {posts.surge} spare, up to {posts.max_unavailable} unavailable"


def _ordinal_pace(old: StatefulSet, new: StatefulSet) -> str:
    """What a StatefulSet's strategy comes to."""
    replaced = min(old.replicas, new.replicas) - new.partition
    if new.on_delete:
        return "nothing is replaced until somebody deletes it (OnDelete)"
    if replaced <= 0:
        return "there are no pods to replace"
    at_once = max(1, new.max_unavailable.of(new.replicas, round_up=False))
    return f"{_pods(replaced)} replaced, from the highest ordinal down, {at_once} at a time"


def _node_pace(new: DaemonSet) -> str:
    """What a DaemonSet's strategy comes to."""
    if new.on_delete:
        return "nothing is replaced until somebody deletes it (OnDelete)"
    surge, unavailable = new.rolling_update.max_surge, new.rolling_update.max_unavailable
    if surge.value:
        return f"the pod of every node replaced, with a new one beside it first on up to {surge} of them"
    return f"the pod of every node replaced, up to {unavailable} unavailable"


def _view(kubeinfer: KubeInfer) -> dict[str, Any]:
    """What of an object is compared: not its name, and nothing the server or kubectl writes."""
    spec = effective(kubeinfer)["spec"]
    template = (kubeinfer.raw.get("spec") or {}).get("template") or {}
    if template.get("metadata"):
        spec["template"] = {"metadata": template["metadata"], **spec["template"]}
    return {"metadata": _own_metadata(kubeinfer), "spec": spec}


def _effect(path: Path) -> Effect:
    match path:
        case ("spec", "template", "spec", *_):
            return Effect.ROLLOUT
        case ("spec", "replicas"):
            return Effect.SCALE
        case ("spec", "strategy", *_):
            return Effect.NEXT_ROLLOUT
        case ("spec", "networkServices", *_):
            return Effect.SERVICES
    return Effect.NOTHING


def _scaling(old: KubeInfer, new: KubeInfer) -> str:
    more = new.replicas - old.replicas
    return f"{_instances(abs(more))} {'created' if more > 0 else 'deleted'}; restarts nothing"


def _same_budget(path: Path, old: KubeInfer, new: KubeInfer) -> str:
    """Words for a budget that is written otherwise and comes to the same number; empty where it does not."""
    if path[:3] != ("spec", "strategy", "rollingUpdate") or path[-1] not in ("maxSurge", "maxUnavailable"):
        return ""
    surge = path[-1] == "maxSurge"
    both = [
        each.rolling_update.max_surge if surge else each.rolling_update.max_unavailable for each in (old, new)
    ]
    was, now = (each.of(new.replicas, round_up=surge) for each in both)
    return f"does nothing: either means {now} while replicas is {new.replicas}" if was == now else ""


def _instances(number: int) -> str:
    return f"{number} instance{'' if number == 1 else 's'}"


def _pace(old: KubeInfer, new: KubeInfer) -> str:
    """What the budgets come to."""
    replicas = new.replicas
    if not replicas or not old.replicas:
        return "there are no instances to replace"
    budgets = new.rolling_update
    posts = resolve_fenceposts(budgets.max_surge, budgets.max_unavailable, replicas)
    replaced = f"{_instances(min(old.replicas, replicas))} replaced"
    return f"{replaced}, up to {min(posts.surge, replicas)} spare, up to {posts.max_unavailable} unavailable"


def differences(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Where two values differ, below this path, and what stands there; None where there is nothing."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from differences(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and (old or new):
        yield from _list_differences(old, new, path)
    elif not _same(old, new):
        yield path, old, new


def _list_differences(old: list[Any], new: list[Any], path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Compare the items of two lists: by name where all have one, else by place, or the lists as a whole."""
    names = [_names(old), _names(new)]
    if names[0] is not None and names[1] is not None:
        before, after = names[0], names[1]
        for name, index in after.items():
            was = old[before[name]] if name in before else None
            yield from differences(was, new[index], (*path, index))
        for name, index in before.items():
            if name not in after:
                yield (*path, index), old[index], None
        kept = [name for name in before if name in after]
        order = [name for name in after if name in before]
        if kept != order:
            yield path, kept, order
    elif all(isinstance(each, Mapping) for each in (*old, *new)):
        for index in range(max(len(old), len(new))):
            was = old[index] if index < len(old) else None
            yield from differences(was, new[index] if index < len(new) else None, (*path, index))
    elif old != new:
        yield path, old, new


def _names(items: list[Any]) -> dict[str, int] | None:
    """The place of each item by its name; None where some have no name of their own."""
    names = [each.get("name") for each in items if isinstance(each, Mapping)]
    if (
        len(names) < len(items)
        or len(set(names)) < len(names)
        or not all(isinstance(each, str) for each in names)
    ):
        return None
    return {str(name): index for index, name in enumerate(names)}


def _same(old: Any, new: Any) -> bool:
    """Equal, or both empty: an empty list or mapping means the same as none."""
    return bool(old == new and type(old) is type(new)) or (_empty(old) and _empty(new))


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, dict | list) and not value)


def changed_place(change: Change, diff: Diff) -> str:
    """The path of a change, roles by their names: `roles[prefill].template.spec.containers[0].image`."""
    path = change.path
    kubeinfer = diff.old if change.new is None else diff.new
    roles = path[:4] == ("spec", "template", "spec", "roles") and len(path) > 4
    if roles and isinstance(kubeinfer, KubeInfer):
        index = path[4]
        assert isinstance(index, int)
        rest = format_path(("", *path[5:])).removeprefix("[]")
        return f"roles[{kubeinfer.roles[index].name}]{rest}"
    return format_path(path)
