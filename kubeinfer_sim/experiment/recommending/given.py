"""Changes of a manifest with values that are given: `maxSurge=0,1,2`, as a plan takes them (`--vary`).

Only what a manifest has can be patched in it: each knob stands beside the field that it is written in. More nodes are
the one other thing that is recommended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kubeinfer_sim.diagnostics import Path
from kubeinfer_sim.errors import UsageError
from kubeinfer_sim.experiment.knobs import Setting, Space, each_once, split_values
from kubeinfer_sim.experiment.recommending.changes import (
    Change,
    containers_in,
    label_edits,
    spare,
    templates_of,
)
from kubeinfer_sim.experiment.template_knobs import GRACE_PERIOD, PROBES
from kubeinfer_sim.manifest.model import Deployment, KubeInfer
from kubeinfer_sim.manifest.suggest import did_you_mean
from kubeinfer_sim.manifest.text_edit import Edit

Workload = KubeInfer | Deployment
#: Knob -> the field of a workload.
_FIELDS: dict[str, Path] = {
    "maxSurge": ("spec", "strategy", "rollingUpdate", "maxSurge"),
    "maxUnavailable": ("spec", "strategy", "rollingUpdate", "maxUnavailable"),
    "replicas": ("spec", "replicas"),
    "minReadySeconds": ("spec", "minReadySeconds"),
}
_NODES = "spareNodes"
_KNOWN = (*_FIELDS, *PROBES, GRACE_PERIOD, "label", "recovery", _NODES)


def changes_given(
    own: Space, workload: Workload, value: Mapping[str, Any], texts: Sequence[str]
) -> tuple[list[Change], list[list[Change]]]:
    """Each value as a change, and for each pool numbers of nodes more, fewest first; `value`: the manifest as written.

    Values that the manifest has already are left out.

    Raises:
        UsageError: a knob is no field of the manifest, or of another workload; it has no such value, or no values; it
            is there twice.
    """
    singles: list[Change] = []
    spares: list[list[Change]] = []
    settings: list[Setting] = []
    names = [text.partition("=")[0] for text in texts]
    each_once(names)
    for name, text in zip(names, texts, strict=True):
        values = split_values(text.partition("=")[2])
        if not values:
            raise UsageError(f"--vary {name}: expected values, as in {name}=A,B or {name}=8..16")
        head, _, rest = name.partition(".")
        if head not in _KNOWN:
            raise UsageError(
                f"--vary {name}: no field of a manifest that recommend can patch{did_you_mean(head, _KNOWN)} (there "
                f"are {', '.join(_KNOWN)}; plan searches any knob)"
            )
        if head == _NODES:
            own.settings(name, values)
            numbers = sorted(int(each) for each in values if int(each))
            spares.append([spare(own, rest, number) for number in numbers])
            continue
        knob = _of_workload(workload, head, name)
        edits = _edits_of(workload, value, name)
        for setting in own.settings(knob, values):
            settings.append(setting)
            made = edits(setting.value)
            if any(_at(value, each.path) != each.value for each in made):
                singles.append(_change(name, setting, made))
    _check(own, settings)
    return singles, spares


def _check(own: Space, settings: Sequence[Setting]) -> None:
    """Refuse a value that cannot be, alone or beside one of another knob (of two budgets one alone may not be 0)."""
    for setting in settings:
        try:
            own.variant([setting])
        except UsageError as error:
            beside = [each for each in settings if each.knob != setting.knob]
            if not any(_can_be(own, [setting, each]) for each in beside):
                raise UsageError(str(error)) from None


def _can_be(own: Space, settings: Sequence[Setting]) -> bool:
    try:
        own.variant(settings)
    except UsageError:
        return False
    return True


def _change(name: str, setting: Setting, edits: Sequence[Edit]) -> Change:
    return Change(f"{name} {setting.value}", name, (setting,), tuple(edits))


def _of_workload(workload: Workload, head: str, name: str) -> str:
    """The knob as one of this workload, of which no other one has a part.

    Raises:
        UsageError: it is of another one.
    """
    owner = f"{workload.kind}/{workload.name}"
    field, whose = _parted(head, name)
    roles = [role.name for role in workload.roles] if isinstance(workload, KubeInfer) else []
    if head in ("recovery", "label") and not roles:
        raise UsageError(f"--vary {name}: it is KubeInfers' that have it, and the manifest is {owner}'s")
    if head == "recovery":
        if whose not in roles:
            raise UsageError(
                f"--vary {name}: say of which role{did_you_mean(whose, roles)}, as in "
                f"recovery.{roles[0]}=Instance,Pod"
            )
        return name
    path = f"{head}.{field}" if field else head
    if whose in ("", workload.name, owner):
        return f"{path}.{owner}"
    of_role = head in PROBES or head == GRACE_PERIOD
    for role in roles if of_role else ():
        if whose in (role, f"{workload.name}/{role}", f"{owner}/{role}"):
            return f"{path}.{owner}/{role}"
    raise UsageError(f"--vary {name}: the manifest that is patched is {owner}'s")


def _parted(head: str, name: str) -> tuple[str, str]:
    """The field of a probe, and whose the knob is."""
    _, _, rest = name.partition(".")
    if head in PROBES:
        field, _, whose = rest.partition(".")
        return field, whose
    return "", rest


def _edits_of(workload: Workload, value: Mapping[str, Any], name: str) -> Callable[[str], list[Edit]]:
    """What a knob is written in, for a value of it."""
    head = name.partition(".")[0]
    field, whose = _parted(head, name)
    role = whose.rpartition("/")[2]
    own = [each for each in templates_of(workload) if whose in ("", workload.name) or role in ("", each[0])]
    own = own or templates_of(workload)

    def written(text: str) -> Any:
        return int(text) if text.isdecimal() else text

    if head in _FIELDS:
        return lambda text: [Edit(_FIELDS[head], written(text))]
    if head == GRACE_PERIOD:
        return lambda text: [Edit((*path, "spec", GRACE_PERIOD), written(text)) for _, path, _ in own]
    if head == "label":
        assert isinstance(workload, KubeInfer)
        return lambda text: label_edits(workload, to=text == "on")
    if head == "recovery":
        assert isinstance(workload, KubeInfer)
        places = [i for i, each in enumerate(workload.roles) if each.name == whose]
        start = ("spec", "template", "spec", "roles")
        return lambda text: [Edit((*start, i, "recoveryPolicy", "restart"), text) for i in places]
    return lambda text: [
        Edit((*path, "spec", "containers", i, head, field), written(text))
        for _, path, _ in own
        for i, each in enumerate(containers_in(value, path))
        if isinstance(each, dict) and each.get(head)
    ]


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
