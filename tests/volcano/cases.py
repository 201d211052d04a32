"""From a recorded case of `golden_volcano` to the scenario a user would write of it.

The table's short forms of pods and PodGroups become objects, its steps those of `e2e.scenarios`, which writes the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from e2e.recorded import Case
from e2e.scenarios import NPU, Written, write

Raw = dict[str, Any]

API = "scheduling.volcano.sh/v1beta1"
#: Fields of the table's short form of a pod that are its spec's as they are.
_AS_THEY_ARE = (
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "priorityClassName",
    "nodeSelector",
    "affinity",
)
_KNOWN = {"pod", "group", "npu", "requests", "command", "labels", "annotations", *_AS_THEY_ARE}
_MORE = re.compile(r"\.\.\. (\d+) objects of this form")
#: All nodes of the table are kept not-ready tolerant for so long.
_TOLERATED_S = 20


def groups_of(case: Case) -> dict[str, str]:
    """Of which PodGroup each pod is, by its name; one without is of its own."""
    return {each["pod"]: each.get("group") or each["pod"] for each in _created(case) if "pod" in each}


def may_choose_freely(case: Case) -> bool:
    """Whether all nodes with room are equal for its pods: those that ask for NPUs alone, where nothing packs them."""
    packs = any("binpack." in str(step[2]) for step in case["steps"] if step[1] == "scheduler configuration")
    return not packs and not any({"requests", "affinity"} & set(each) for each in _created(case))


def _created(case: Case) -> Iterator[Raw]:
    for step in case["steps"]:
        if step[1] == "create":
            yield from _spelled_out(step[2:])


def _spelled_out(objects: list[Any]) -> list[Raw]:
    """Objects of a step; of many of one form the table has the first ones and their number."""
    more = next((_MORE.fullmatch(each) for each in objects if isinstance(each, str)), None)
    if more is None:
        return objects
    group, pod = objects[0], objects[1]
    members = group["spec"]["minMember"]
    found = []
    for index in range(int(more[1]) // (members + 1)):
        name = (
            group["name"] if int(more[1]) == members + 1 else f"{group['name'].rstrip('0123456789')}{index}"
        )
        found.append({**group, "name": name})
        found += [{**pod, "pod": f"{name}-{member}", "group": name} for member in range(members)]
    return found


def _one_by_one(case: Case, at: float, objects: list[Raw]) -> Iterator[tuple[float, list[Raw]]]:
    """Many objects are created one after the other: each gang when both runs had all of it, on average, in seconds."""
    created = [
        {subject: when for when, subject, what in run if what.startswith("created")}
        for run in case["runs"].values()
    ]
    gangs: dict[str, list[Raw]] = {}
    for each in objects:
        gangs.setdefault(each.get("group") or each["name"], []).append(each)
    for gang in gangs.values():
        last = [run[gang[-1]["pod"]] for run in created]
        yield max(at, sum(last) / len(last) / 1000), gang


def write_case(case: Case) -> Written:
    """The case as a scenario."""
    unknown: dict[str, None] = {}
    configuration: Raw = {}
    steps: list[list[Any]] = []
    for at, verb, *rest in case["steps"]:
        match verb:
            case "create":
                objects = _spelled_out(rest)
                for when, each in _one_by_one(case, at, objects) if objects is not rest else ((at, objects),):
                    steps.append([when, "create", *(_object(one, unknown) for one in each)])
            case "scheduler configuration":
                configuration = configuration or yaml.safe_load(rest[0])
            case "killof":
                # Which node it is on is chance: in some run it is on the first.
                steps.append([at, "kill", case["nodes"][0]["role"]])
            case "delete":
                steps.append([at, "delete", *rest])
            case "addnode":
                steps.append([at, "addnode", rest[0]])
            case _:
                steps.append([at, verb, *rest])
    written = write({**case, "steps": steps})
    written.unknown += list(unknown)
    spec = written.scenario["spec"]
    spec["assumptions"].pop("placement", None)
    spec["assumptions"].pop("preemption", None)
    spec["assumptions"]["scheduler"] = "volcano"
    spec["timings"] |= {"bind": "30ms"}
    for stages in (*spec["timings"]["roles"].values(), *spec["timings"].get("images", {}).values()):
        if stages.get("exit") == "0s":
            stages["exit"] = "40ms"  # a cycle sees pods that terminate, however fast they end
    spec["nodeLifecycle"] = {"defaultTolerationSeconds": _TOLERATED_S}
    spec["kubernetesVersion"] = "1.36"
    if scheduler := _configured(configuration, unknown):
        spec["scheduler"] = scheduler
    _fill_nodes(case, spec)
    return written


def _configured(written: Mapping[str, Any], unknown: dict[str, None]) -> Raw:
    """The configuration in the words of a scenario."""
    if not written:
        return {}
    actions = [each.strip() for each in written["actions"].split(",")]
    found: Raw = {"actions": actions}
    for tier in written["tiers"]:
        for plugin in tier["plugins"]:
            arguments = dict(plugin.get("arguments") or {})
            if plugin["name"] == "binpack" and arguments:
                found["binpack"] = _binpack(arguments)
            elif arguments:
                unknown[f"arguments of {plugin['name']}"] = None
    return found


def _binpack(arguments: Mapping[str, Any]) -> Raw:
    named = [each.strip() for each in str(arguments.get("binpack.resources", "")).split(",") if each.strip()]
    resources = {name: int(arguments.get(f"binpack.resources.{name}", 1)) for name in named}
    for name in ("cpu", "memory"):
        resources[name] = int(arguments.get(f"binpack.{name}", 1))
    return {"weight": int(arguments.get("binpack.weight", 1)), "resources": resources}


def _fill_nodes(case: Case, spec: Raw) -> None:
    """Memory and taints, which the cases of whole runs have not."""
    by_role = {each["role"]: each for each in case["nodes"]}
    by_role |= {step[2]["role"]: step[2] for step in case["steps"] if step[1] == "addnode"}
    pools = [*spec["cluster"]["pools"], *(each["addNodes"] for each in spec["actions"] if "addNodes" in each)]
    for pool in pools:
        node = by_role[pool["name"]]
        if "mem" in node:
            pool["allocatable"]["memory"] = f"{node['mem']}Gi"
        if node.get("taints"):
            key, _, effect = node["taints"].partition(":")
            name, _, value = key.partition("=")
            pool["taints"] = [{"key": name, "value": value, "effect": effect}]


def _object(written: Raw, unknown: dict[str, None]) -> Raw:
    if "pod" in written:
        return _pod(written, unknown)
    found: Raw = {"kind": written["kind"], "metadata": {"name": written["name"]}}
    if written["kind"] in ("PodGroup", "Queue"):
        found["apiVersion"] = API
    if written["kind"] == "PriorityClass":
        found["apiVersion"] = "scheduling.k8s.io/v1"
    return found | {key: each for key, each in written.items() if key not in ("kind", "name")}


def _pod(written: Raw, unknown: dict[str, None]) -> Raw:
    unknown |= dict.fromkeys(f"pod field {each}" for each in written if each not in _KNOWN)
    group = written.get("group")
    amounts = {NPU: str(written["npu"])} if written.get("npu") else {}
    container = {
        "name": "main",
        "image": "sim/here:v1",
        "command": ["sim", *written.get("command", ())],
        "resources": {"requests": {**written.get("requests", {}), **amounts}, "limits": amounts},
    }
    tolerations = [
        {
            "key": f"node.kubernetes.io/{key}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 20,
        }
        for key in ("not-ready", "unreachable")
    ]
    spec = {
        "schedulerName": "volcano",
        "terminationGracePeriodSeconds": 5,
        "tolerations": tolerations,
        "containers": [container],
        **{key: written[key] for key in _AS_THEY_ARE if key in written},
    }
    metadata: Raw = {"name": written["pod"], "labels": {"app": group or written["pod"]}}
    if group is not None:
        metadata["annotations"] = {"scheduling.k8s.io/group-name": group}
    return {"kind": "Pod", "metadata": metadata, "spec": spec}
