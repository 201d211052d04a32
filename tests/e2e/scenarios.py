"""From a recorded whole run to the scenario a user would write of it: a manifest, and what happens when.

What the runtime of the recording was told to do (`processes.py`) becomes timings, crashes and health histories; the
steps become actions. `Written.needs` names what of it goes beyond the language as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.objects import (
    OWNERS,
    Raw,
    containers_of,
    difference,
    name_of,
    patched,
    pod_labels,
    pod_spec,
    references,
    whole,
)
from e2e.processes import PROBES, Check, Process, duration, process_of, pull_of
from e2e.recorded import Case

#: Steps until then are the beginning: what they create stands in the manifest.
BEGINNING_S = 0.5
#: Nodes that all cases share: nothing is ever short there.
SHARED = [{"role": f"shared{number}", "cpu": 256, "zone": f"z{number}"} for number in range(3)]
NPU = "huawei.com/ascend-1980"
#: Latencies of the real components beside what the runtime was told (`latencies_ms` of the table): the volume manager looks
#: every 300 ms whether a pod's token is mounted; a container is created within tens of ms; the kubelet lists its containers
#: once a second; a deleted pod's object goes with the kubelet's second status update.
LATENCIES: Raw = {
    "volumes": "300ms",
    "create": "50ms",
    "relist": {"uniform": {"low": "1ms", "high": "1s"}},
    "cleanup": {"uniform": {"low": "50ms", "high": "1s"}},
}
#: From the creation of a pod to the start of its first container. The prober's grid begins just before that, but the
#: first readiness probe, which begins its grid anew, comes just after it: whether the probe of the moment in which a check
#: goes wrong sees that depends on these few ms.
UP = {"startup": 355, "liveness": 355, "readiness": 345}
#: The kubelets of a case's own nodes have been started 5 to 15 s before it.
YOUNG_S = 5
#: The run goes on a little so that what is up to 2 s late is still seen.
MORE_S = 4


@dataclass(slots=True)
class Written:
    """A scenario file and the manifest beside it.

    Attributes:
        origin: when in the recording its time 0 is, in ms.
        needs: what the language must have for it, as `action evictPod`, `object StatefulSet`, `field crash.after`.
        unknown: what of the case nothing is known of: verbs and words the reader does not know.
    """

    scenario: Raw
    manifest: list[Raw]
    origin: int
    needs: list[str]
    unknown: list[str]


def write(case: Case) -> Written:
    """The case as a scenario."""
    return _Writer(case).written()


@dataclass(slots=True)
class _Writer:
    case: Case
    needs: dict[str, None] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    actions: list[tuple[int, int, Raw]] = field(default_factory=list)
    manifest: list[Raw] = field(default_factory=list)
    # As they are at the moment, with what the API server refused left out.
    objects: dict[str, Raw] = field(default_factory=dict)
    roles: dict[str, Raw] = field(default_factory=dict)
    images: dict[str, Raw] = field(default_factory=dict)
    present: dict[str, None] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    priorities: dict[str, int] = field(default_factory=dict)
    origin: int = 0
    # The periods of all probes, in seconds.
    periods: set[int] = field(default_factory=set)
    # The process each image stands for.
    _processes: dict[str, Process] = field(default_factory=dict)
    _down: dict[str, tuple[int, str]] = field(default_factory=dict)
    _sick: dict[tuple[str, int], Raw] = field(default_factory=dict)

    def written(self) -> Written:
        steps = self.case["steps"]
        self.origin = self._first_pod()
        for index, step in enumerate(steps):
            at = max(0, round(step[0] * 1000) - self.origin)
            handler = getattr(self, f"_{step[1]}", None)
            if handler is None:
                self.unknown[f"step {step[1]}"] = None
            else:
                handler(at, *step[2:], **({"step": index} if step[1] in ("patch", "create") else {}))
        for node, (at, mode) in self._down.items():
            self._node_down(at, node, mode)
        return Written(self._scenario(), self.manifest, self.origin, list(self.needs), list(self.unknown))

    def _first_pod(self) -> int:
        """When the scenario's time 0 is: when both runs had the first pod of the beginning.

        Before there is nothing to compare; in the passes under load the controllers took up to a second for it.
        """
        first = next((step[0] for step in self.case["steps"] if step[1] == "create"), None)
        if first is None or first > BEGINNING_S:
            return 0
        made = [
            next((at for at, _, what in run if what == "created"), 0) for run in self.case["runs"].values()
        ]
        return max(round(first * 1000), min(made))

    # -- the file ------------------------------------------------------------------------------------------

    def _scenario(self) -> Raw:
        if self.periods and max(self.periods) >= YOUNG_S and self.case["nodes"] != "shared":
            # Its kubelets are young: a prober first sleeps a random part of its period.
            nodes = [f"{node['role']}-0" for node in self._nodes()]
            restart = {"nodes": nodes, "takes": "1ms", "devicePluginAfter": "0s"}
            self.actions.insert(0, (0, -1, {"at": "0s", "kubeletRestart": restart}))
        spec: Raw = {
            "manifest": "manifest.yaml",
            "cluster": {"pools": [self._pool(node) for node in self._nodes()]},
            "initial": "empty",
            "actions": [action for _, _, action in sorted(self.actions, key=lambda each: each[:2])],
            "timings": {"profile": "zero", **LATENCIES, "roles": self.roles},
            "assumptions": {"placement": "default"},
            "horizon": duration(round((self.case["end_s"] + MORE_S) * 1000) - self.origin),
        }
        if self.images:
            self._need("field timings.images")
            spec["timings"]["images"] = self.images
        if self.sizes:
            spec["transfers"] = {"registry": {"perClient": "1MB/s"}, "imageSizes": self.sizes}
        if absent := self._absent():
            self._need("field spec.absent")
            spec["absent"] = absent
        if self.broken:
            spec["brokenImages"] = self.broken
        if any("fault" in action for _, _, action in self.actions):
            # The device plugin of the recording tells of a device as soon as it is told.
            spec["faults"] = {"npus": {"reportPeriod": "1ms"}}
        if self.priorities:
            spec["priorityClasses"] = self.priorities
            spec["assumptions"]["preemption"] = True
        return {
            "apiVersion": "kubeinfer-sim/v1",
            "kind": "Scenario",
            "metadata": {"name": self.case["id"], "description": self.case["what"]},
            "spec": spec,
        }

    def _absent(self) -> list[str]:
        """What pods need that is not there from the beginning."""
        there = {name_of(each) for each in self.manifest}
        specs = [spec for each in self.objects.values() if (spec := pod_spec(each)) is not None]
        return list(dict.fromkeys(each for spec in specs for each in references(spec) if each not in there))

    def _nodes(self) -> list[Raw]:
        return SHARED if self.case["nodes"] == "shared" else self.case["nodes"]

    def _pool(self, node: Mapping[str, Any]) -> Raw:
        pool = {
            "name": node["role"],
            "count": 1,
            "labels": {"topology.kubernetes.io/zone": node.get("zone", "z"), **node.get("labels", {})},
            "allocatable": {"cpu": node.get("cpu", 32), "pods": 110},
            "images": list(self.present),
        }
        if node.get("devices"):
            pool["allocatable"][NPU] = node["devices"]
        return pool

    def _act(self, at: int, action: Raw, *needs: str) -> None:
        self._need(*needs)
        self.actions.append((at, len(self.actions), {"at": duration(at), **action}))

    def _need(self, *needs: str) -> None:
        self.needs |= dict.fromkeys(needs)

    # -- objects -------------------------------------------------------------------------------------------

    def _create(self, at: int, *written: Raw, step: int) -> None:
        objects = [self._placed(whole(each)) for each in written]
        for each in objects:
            self._note(at, each)
        if self.case["steps"][step][0] <= BEGINNING_S:
            self.manifest += objects
        else:
            self._act(at, {"create": objects[0] if len(objects) == 1 else objects}, "action create")

    def _placed(self, written: Raw) -> Raw:
        spec = pod_spec(written)
        if spec is not None and str(spec.get("nodeName", "")).startswith("node:"):
            spec["nodeName"] = f"{spec['nodeName'].removeprefix('node:')}-0"
        return written

    def _note(self, at: int, written: Raw) -> None:
        """There is such an object, or it is like this from now on."""
        spec = pod_spec(written)
        if spec is not None:
            self._note_processes(at, written, spec)
        if written["kind"] == "PriorityClass":
            self.priorities[written["metadata"]["name"]] = written["value"]
        elif written["kind"] not in ("Service", "PodDisruptionBudget", "Deployment", "KubeInfer"):
            self._need(f"object {written['kind']}")
        self.objects[name_of(written)] = written

    def _image(self, at: int, name: str, image: str) -> None:
        self._set_main(at, name, {"image": image})

    def _command(self, at: int, name: str, command: list[str]) -> None:
        self._set_main(at, name, {"command": command})

    def _set_main(self, at: int, name: str, fields: Raw) -> None:
        """The container `main` of a workload has other fields."""
        old = self.objects.get(self._owner(name))
        if old is None:
            self.unknown[f"object {name}"] = None
            return
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", **fields}]}}}}
        self._change(at, old, patched(old, patch, None))

    def _patch(self, at: int, kind: str, name: str, patch: Any, *rest: str | None, step: int) -> None:
        subresource, content_type = (*rest, None, None)[:2]
        old = self.objects.get(f"{kind}/{name}")
        if old is None or subresource is not None:
            self.unknown[f"patch of {kind}{f'/{subresource}' if subresource else ''}"] = None
            return
        new = patched(old, patch, content_type)
        if kind == "Pod":
            self._pod_patched(at, old, new)
        elif self._refused(step):
            self._act(at, {"object": name_of(old), **_patching(old, new)}, *_needs_of_patch(old))
        else:
            self._change(at, old, new)

    def _change(self, at: int, old: Raw, new: Raw) -> None:
        self._note(at, new)
        self._act(at, {"object": name_of(old), **_patching(old, new)}, *_needs_of_patch(old))

    def _pod_patched(self, at: int, old: Raw, new: Raw) -> None:
        def names(written: Raw) -> list[str]:
            return [each["name"] for each in written["spec"].get("schedulingGates") or ()]

        def finalizers(written: Raw) -> list[str]:
            return written["metadata"].get("finalizers") or []

        self.objects[name_of(old)] = new
        for gate in names(old):
            if gate not in names(new):
                self._act(
                    at, {"object": name_of(old), "setGate": {"gate": gate, "open": True}}, "action setGate"
                )
        removed = [each for each in finalizers(old) if each not in finalizers(new)]
        if removed:
            action = {"object": name_of(old), "removeFinalizers": {"finalizers": removed}}
            self._act(at, action, "action removeFinalizers")
        if names(old) == names(new) and not removed:
            self.unknown["patch of a pod"] = None

    def _podstatus(self, at: int, name: str, patch: Mapping[str, Any]) -> None:
        for condition in (patch.get("status") or {}).get("conditions") or ():
            gate = {"gate": condition["type"], "status": condition["status"] == "True"}
            self._act(at, {"object": f"Pod/{name}", "setReadinessGate": gate}, "action setReadinessGate")

    def _refused(self, step: int) -> bool:
        """Whether the API server refused what the step asked for."""
        run = next(iter(self.case["runs"].values()))
        results = [what for _, subject, what in run if subject == "step"]
        return step < len(results) and " -> 2" not in results[step]

    def _delete(self, at: int, kind: str, name: str) -> None:
        if kind == "Node":
            self._act(at, {"removeNodes": [f"{name}-0"]}, "action removeNodes")
        else:
            self._act(at, {"deleteObject": f"{kind}/{name}"}, "action deleteObject")

    def _scale(self, at: int, name: str, replicas: int) -> None:
        self._act(at, {"object": self._owner(name), "scale": replicas})

    def _pause(self, at: int, name: str) -> None:
        self._act(at, {"object": self._owner(name), "pause": True})

    def _resume(self, at: int, name: str) -> None:
        self._act(at, {"object": self._owner(name), "resume": True})

    def _undo(self, at: int, name: str) -> None:
        self._act(at, {"object": self._owner(name), "rollback": True})

    def _owner(self, name: str) -> str:
        return next(
            (f"{kind}/{name}" for kind in OWNERS if f"{kind}/{name}" in self.objects), f"Deployment/{name}"
        )

    # -- pods ----------------------------------------------------------------------------------------------

    def _delpod(self, at: int, which: Any, grace: int | None = None) -> None:
        about, target = self._which(which)
        if grace is not None:
            target["gracePeriod"] = duration(grace * 1000)
        self._act(at, {"object": about, "deletePod": target}, "action deletePod")

    def _evict(self, at: int, which: Any) -> None:
        about, target = self._which(which)
        self._act(at, {"object": about, "evictPod": target}, "action evictPod")

    def _which(self, which: Any) -> tuple[str, Raw]:
        """Whose pods, and which of them: `first` counts by creation among those that are there."""
        if isinstance(which, str):
            return f"Pod/{which}", {}
        target: Raw = {}
        if "node" in which:
            target["nodes"] = [f"{which['node']}-0"]
        if "ready" in which:
            target["ready"] = which["ready"]
        if not which.get("all"):
            target["first"] = which.get("i", 0) + 1
        if which.get("i"):
            self.unknown["the pod after the first"] = None
        owners = [name for name, each in self.objects.items() if pod_spec(each) is not None]
        meant = [name for name in owners if pod_labels(self.objects[name]).get("app") == which["app"]]
        if len(meant) != 1:
            self.unknown[f"pods of {len(meant)} owners"] = None
        return next(iter(meant), "Deployment/?"), target

    # -- nodes ---------------------------------------------------------------------------------------------

    def _cordon(self, at: int, role: str) -> None:
        self._act(at, {"cordon": f"{role}-0"})

    def _uncordon(self, at: int, role: str) -> None:
        self._act(at, {"uncordon": f"{role}-0"})

    def _drain(self, at: int, role: str, timeout: int | None = None) -> None:
        drain: Raw = {"nodes": [f"{role}-0"], "force": True}
        self._act(at, {"drain": drain if timeout is None else {**drain, "timeout": f"{timeout}s"}})

    def _taint(self, at: int, role: str, key: str, value: str | None, effect: str) -> None:
        nodes = {"nodes": [f"{role}-0"]}
        if key == "node.kubernetes.io/out-of-service":
            self._act(at, {"outOfService": nodes if value is not None else {**nodes, "ended": True}})
        elif value is None:
            self._act(at, {"untaint": {**nodes, "key": key, "effect": effect}}, "action untaint")
        else:
            taint = {**nodes, "key": key, "value": value, "effect": effect}
            self._act(at, {"taint": taint}, "action taint")

    def _label(self, at: int, role: str, key: str, value: str | None) -> None:
        self._act(at, {"labelNodes": {"nodes": [f"{role}-0"], "labels": {key: value}}}, "action labelNodes")

    def _addnode(self, at: int, node: str | Raw, *more: Raw) -> None:
        role = {"role": node} if isinstance(node, str) else node
        self._act(at, {"addNodes": self._pool({**role, **dict(*more)})}, "action addNodes")

    def _kill(self, at: int, role: str, mode: str = "die") -> None:
        self._down[role] = at, mode

    def _start(self, at: int, role: str, reboot: bool = False, plugin: int | None = None) -> None:
        began, mode = self._down.pop(role, (at, "die"))
        kind = "kubeletRestart" if mode == "keep" and not reboot else "reboot"
        action: Raw = {"nodes": [f"{role}-0"], "takes": duration(at - began)}
        if plugin is not None:
            self._need("field reboot.devicePluginAfter")
            action["devicePluginAfter"] = f"{plugin}s"
        self._act(began, {kind: action})

    def _node_down(self, at: int, role: str, mode: str) -> None:
        down: Raw = {"nodes": [f"{role}-0"], "mode": "cutOff" if mode == "keep" else "silent"}
        self._act(at, {"nodeDown": down})

    def _health(self, at: int, role: str, devices: list[int], healthy: bool) -> None:
        """Devices that the plugin calls unhealthy, until it calls them healthy again."""
        for each in devices:
            fault = self._sick.pop((role, each), None)
            if healthy and fault is not None:
                began = next(began for began, _, action in self.actions if action.get("fault") is fault)
                fault["clearsAfter"] = duration(at - began)
            elif not healthy:
                fault = {"kind": "NpuFault", "node": f"{role}-0", "npu": each, "symptom": "none"}
                self._sick[role, each] = fault
                self._act(at, {"fault": fault})

    def _dp(self, at: int, role: str, up: bool) -> None:
        key = (role, -1)
        if not up:
            fault = self._sick[key] = {"kind": "DevicePluginDown", "node": f"{role}-0"}
            self._act(at, {"fault": fault}, "fault DevicePluginDown")
        elif (fault := self._sick.pop(key, None)) is not None:
            began = next(began for began, _, action in self.actions if action.get("fault") is fault)
            fault["clearsAfter"] = duration(at - began)

    # -- processes -----------------------------------------------------------------------------------------

    def _note_processes(self, at: int, written: Raw, spec: Raw) -> None:
        """Timings and troubles of the containers; an image stands for one process, so others get a name of their own."""
        before = self.objects.get(name_of(written))
        known = (
            {}
            if before is None
            else {each["name"]: each for each, _ in containers_of(pod_spec(before) or {"containers": ()})}
        )
        for container, kind in containers_of(spec):
            process, words = process_of(container)
            self.unknown |= dict.fromkeys(words)
            probes = (container.get(f"{probe}Probe") for probe in PROBES)
            self.periods |= {probe.get("periodSeconds", 10) for probe in probes if probe is not None}
            same = (
                known.get(container["name"]) is not None
                and process_of(known[container["name"]])[0] == process
            )
            self._settle_image(written, container, kind, process)
            if not same:
                self._troubles(at, written, spec, container, kind, process)

    def _settle_image(self, written: Raw, container: Raw, kind: str, process: Process) -> None:
        plain, alias = container["image"], container["image"]
        number = 1
        while self._processes.get(alias, process) != process:
            number += 1
            alias = f"{plain}-{number}"
        self._processes[alias] = process
        container["image"] = alias
        pull = pull_of(plain)
        if pull is None:
            self.present[alias] = None
        elif pull[1]:
            self.sizes[alias] = f"{pull[0] // 1000}MB"
        elif alias not in self.broken:
            if pull[0]:
                fault = {"images": [alias], "after": duration(pull[0])}
                self._act(0, {"imageFault": fault}, "field imageFault.after")
            else:
                self.broken.append(alias)
        self._settle_timings(written["metadata"]["name"], alias, kind, process)

    def _settle_timings(self, role: str, image: str, kind: str, process: Process) -> None:
        """Under the role's name where that is enough, else under the image's."""
        # As with UP: a startup probe that comes when the load ends comes just before.
        load = process.load
        if load and any(probe == "startup" for probe, _ in process.checks):
            load += 5
        stages = {"frameworkImport": duration(load), "exit": duration(process.stops)}
        if kind == "init":
            stages = {"init": duration(process.exits_after), "sidecarExit": duration(process.stops)}
        elif kind == "sidecar":
            stages = {"sidecarExit": duration(process.stops)}
            if load:
                self.images[image] = {"frameworkImport": duration(load), "exit": duration(process.stops)}
                return
        of_role = self.roles.setdefault(role, {})
        if all(of_role.get(stage, each) == each for stage, each in stages.items()):
            of_role |= stages
        else:
            own = "exit" if kind == "sidecar" else None
            self.images[image] = {own or stage: each for stage, each in stages.items()}

    def _troubles(
        self, at: int, written: Raw, spec: Raw, container: Raw, kind: str, process: Process
    ) -> None:
        about = {"object": name_of(written)}
        name = container["name"]
        if ((container.get("lifecycle") or {}).get("postStart") or {}).get("exec", {}).get("command") == [
            "false"
        ]:
            self._act(at, {**about, "postStartFault": {"container": name}})
        if kind == "init":
            if process.exit_code:
                fault: Raw = {"container": name, "exitCode": process.exit_code}
                self._act(
                    at,
                    {
                        **about,
                        "initFault": fault
                        if process.exit_times is None
                        else {**fault, "times": process.exit_times},
                    },
                )
            return
        if process.exits_after is not None:
            crash: Raw = {"container": name, "after": duration(process.exits_after)}
            crash |= {"exitCode": process.exit_code} if process.exit_code else {"reason": "Completed"}
            if process.exit_times is not None:
                crash["times"] = process.exit_times
            self._act(at, {**about, "crash": crash}, "field crash.after")
        for probe, ready_after in process.slower():
            lasts = {} if ready_after is None else {"lasts": duration(ready_after)}
            health = {"probes": [probe], "container": name, "after": "0s", **lasts}
            self._act(at, {**about, "health": health}, "field health.after")
        for probe, check in process.checks:
            if check.wrong_from is not None:
                self._wrong(at, about, container, probe, check, again=_starts_again(process))

    def _wrong(self, at: int, about: Raw, container: Raw, probe: str, check: Check, *, again: bool) -> None:
        """A check that goes wrong some time after the container's start."""
        health: Raw = {"probes": [probe], "container": container["name"]}
        if check.hangs:
            health["hang"] = True
        settings = container[f"{probe}Probe"]
        if check.only_attempt == 0 or not again:
            # Nothing starts twice before it is over: a time on the clock says the same.
            began = at + UP[probe] + (check.wrong_from or 0)
            if check.only_attempt == 0 and check.wrong_to is None:
                takes = max(
                    settings.get("periodSeconds", 10), settings.get("timeoutSeconds", 1) if check.hangs else 0
                )
                health["lasts"] = duration(takes * settings.get("failureThreshold", 3) * 1000 + 500)
            elif check.wrong_to is not None:
                health["lasts"] = duration(check.wrong_to - (check.wrong_from or 0))
            self._act(began, {**about, "health": health})
            return
        if check.only_attempt is not None:
            self.unknown[f"only attempt {check.only_attempt}"] = None
        health["after"] = duration(check.wrong_from)
        if check.wrong_to is not None:
            health["lasts"] = duration(check.wrong_to - (check.wrong_from or 0))
        self._act(at, {**about, "health": health}, "field health.after")


def _starts_again(process: Process) -> bool:
    """Whether its container is started again without anybody asking for it."""
    kills = any(
        probe in PROBES[:2] and check.wrong_from is not None and check.only_attempt is None
        for probe, check in process.checks
    )
    return kills or process.exits_after is not None


def _patching(old: Raw, new: Raw) -> Raw:
    patch = difference(old, new)
    return {"patch": patch} if old["kind"] in ("Deployment", "KubeInfer") else {"patchObject": patch}


def _needs_of_patch(old: Raw) -> list[str]:
    return [] if old["kind"] in ("Deployment", "KubeInfer") else ["action patchObject"]


def as_files(written: Written) -> dict[str, str]:
    """The files' texts by name: JSON, which YAML holds."""
    return {
        "scenario.yaml": json.dumps(written.scenario, indent=1),
        "manifest.yaml": "---\n".join(f"{json.dumps(each, indent=1)}\n" for each in written.manifest),
    }
