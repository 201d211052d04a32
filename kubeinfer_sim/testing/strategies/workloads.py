"""Objects that own pods, as manifests hold them: KubeInfers, Deployments, ReplicaSets, bare Pods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from kubeinfer_sim.manifest.accelerators import family_of
from kubeinfer_sim.manifest.model import RESET_LABEL
from kubeinfer_sim.testing.strategies.profiles import Profile
from kubeinfer_sim.testing.strategies.values import (
    Draw,
    draw_int_or_percent,
    draw_probe,
    maybe,
    part,
    pick,
)
from kubeinfer_sim.testing.strategies.written import Raw

NPU = "huawei.com/ascend-1980"
NAMES = {
    "KubeInfer": ("chat", "code", "embed"),
    "Deployment": ("web", "router"),
    "ReplicaSet": ("set",),
    "StatefulSet": ("store",),
    "DaemonSet": ("agent",),
    "Pod": ("job", "probe"),
}
#: The name of gates and finalizers, where there are any.
GATE = "example.com/checked"
#: A scheduler that does not run unless the scenario says so.
OTHER_SCHEDULER = "other-scheduler"
#: What pods name that somebody has to make.
CONFIG_MAP, CLAIM, RUNTIME_CLASS = "settings", "cache", "kata"
#: Of the pods that may be evicted by others, where priorities are in play at all.
PRIORITY_CLASSES = {"high": 1000, "low": -5}


class Workload(Struct, frozen=True, dict=True):
    """An object that owns pods, as written, and what actions ask of it."""

    document: Raw

    @property
    def kind(self) -> str:
        """As `KubeInfer`."""
        kind: str = self.document["kind"]
        return kind

    @property
    def name(self) -> str:
        """Without its namespace."""
        name: str = self.document["metadata"]["name"]
        return name

    @property
    def replicas(self) -> int:
        """Instances of a KubeInfer, pods of anything else."""
        replicas: int = self.document["spec"].get("replicas", 1)
        return replicas

    @cached_property
    def templates(self) -> dict[str, Raw]:
        """The template of the pods of each role; what has no roles has one of its own name."""
        if self.kind == "Pod":
            return {self.name: {"metadata": self.document["metadata"], "spec": self.document["spec"]}}
        if self.kind != "KubeInfer":
            return {self.name: self.document["spec"]["template"]}
        return {role["name"]: role["template"] for role in self.roles}

    @property
    def roles(self) -> Sequence[Raw]:
        """Of a KubeInfer."""
        roles: Sequence[Raw] = self.document["spec"]["template"]["spec"]["roles"]
        return roles

    @cached_property
    def containers(self) -> list[Raw]:
        """All that run long, of all templates: ordinary ones and sidecars."""
        return [container for template in self.templates.values() for container in long_running(template)]

    @cached_property
    def init_containers(self) -> list[Raw]:
        """All that have to end."""
        return [container for template in self.templates.values() for container in ending(template)]

    @property
    def images(self) -> list[str]:
        """Of all containers, without those that have a hole in them."""
        images = [each["image"] for each in (*self.containers, *self.init_containers)]
        return [image for image in dict.fromkeys(images) if "$" not in image]

    @property
    def npus(self) -> int:
        """The most that one pod holds."""
        return max(map(npus_of, self.templates.values()))


def npus_of(template: Raw) -> int:
    """How many NPUs a pod of a template holds."""
    resources = [each.get("resources") or {} for each in template["spec"]["containers"]]
    limits = [each.get("limits") or each.get("requests") or {} for each in resources]
    return sum(int(amount) for each in limits for name, amount in each.items() if family_of(name))


def long_running(template: Raw) -> list[Raw]:
    """The containers of a template that have probes and hooks: ordinary ones and sidecars."""
    before = template["spec"].get("initContainers") or ()
    return [
        *template["spec"]["containers"],
        *(each for each in before if each.get("restartPolicy") == "Always"),
    ]


def ending(template: Raw) -> list[Raw]:
    """The init containers of a template that have to end."""
    before = template["spec"].get("initContainers") or ()
    return [each for each in before if each.get("restartPolicy") != "Always"]


# -- pod templates --------------------------------------------------------------------------------------------


def _container(draw: Draw, name: str, image: str, port: int, npus: int, richness: int) -> Raw:
    container: Raw = {"name": name, "image": image}
    for kind, percent in (("readiness", 70), ("startup", 40), ("liveness", 40)):
        if maybe(draw, percent):
            container[f"{kind}Probe"] = part(draw, draw_probe, kind, port)
    if npus:
        container["resources"] = {"limits": {NPU: npus}, "requests": {NPU: npus}}
    if maybe(draw, richness):
        hooks: Raw = {}
        if maybe(draw, 60):
            hooks["preStop"] = pick(draw, ({"exec": {"command": ["sleep", "20"]}}, {"sleep": {"seconds": 1}}))
        if maybe(draw, 60):
            hooks["postStart"] = {"exec": {"command": ["warm"]}}
        if hooks:
            container["lifecycle"] = hooks
    if maybe(draw, richness // 3):
        container["imagePullPolicy"] = pick(draw, ("IfNotPresent", "Always"))
    return container


def draw_pod_spec(draw: Draw, image: str, npus: int, profile: Profile) -> Raw:
    """The spec of a pod: a server, and with some profiles what people put beside it."""
    rich = profile.richness
    spec: Raw = {"containers": [part(draw, _container, "engine", image, 9000, npus, rich)]}
    if maybe(draw, rich // 3):
        spec["containers"].append(part(draw, _container, "exporter", "repo/exporter:v1", 9100, 0, 0))
    before = []
    if maybe(draw, rich // 2):
        before.append({"name": "fetch", "image": "repo/fetch:v1"})
    if maybe(draw, rich // 3):
        mesh = {**part(draw, _container, "mesh", "repo/mesh:v1", 15021, 0, 0), "restartPolicy": "Always"}
        before.insert(draw_index(draw, len(before)), mesh)
    if before:
        spec["initContainers"] = before
    if maybe(draw, rich):
        # No hook may sleep for longer.
        hooked = any("lifecycle" in each for each in spec["containers"])
        spec["terminationGracePeriodSeconds"] = pick(draw, (30, 5, 1, 120) if hooked else (30, 5, 0, 120))
    if maybe(draw, rich // 3):
        key = f"node.kubernetes.io/{pick(draw, ('unreachable', 'not-ready'))}"
        toleration = {"key": key, "operator": "Exists", "effect": "NoExecute"}
        spec["tolerations"] = [{**toleration, "tolerationSeconds": pick(draw, (30, 0, 600))}]
    if maybe(draw, rich // 8):
        spec["schedulingGates"] = [{"name": GATE}]
    if maybe(draw, rich // 8):
        spec["readinessGates"] = [{"conditionType": GATE}]
    if maybe(draw, rich // 4):
        spec["priorityClassName"] = pick(draw, tuple(PRIORITY_CLASSES))
    if maybe(draw, rich // 6):
        spec["containers"][0]["envFrom"] = [{"configMapRef": {"name": CONFIG_MAP}}]
    if maybe(draw, rich // 6):
        spec["volumes"] = [{"name": "cache", "persistentVolumeClaim": {"claimName": CLAIM}}]
    if maybe(draw, rich // 12):
        spec["runtimeClassName"] = RUNTIME_CLASS
    return spec


def draw_index(draw: Draw, length: int) -> int:
    """A place in a list, its end included."""
    return pick(draw, range(length + 1))


def draw_template(draw: Draw, labels: Raw, image: str, npus: int, profile: Profile) -> Raw:
    """A pod template with these labels, whose server holds so many NPUs."""
    if npus and maybe(draw, 50):
        labels = {**labels, RESET_LABEL: "true"}
    # A model server without NPUs is an error.
    spec = part(draw, draw_pod_spec, image if npus or "$" in image else "repo/web:v1", npus, profile)
    if maybe(draw, profile.richness // 4):
        selector = {"matchLabels": {"app": labels["app"]}}
        spec.update(
            pick(
                draw,
                (
                    {
                        "affinity": {
                            "podAntiAffinity": {
                                "preferredDuringSchedulingIgnoredDuringExecution": [
                                    {
                                        "weight": 1,
                                        "podAffinityTerm": {
                                            "labelSelector": selector,
                                            "topologyKey": "kubernetes.io/hostname",
                                        },
                                    }
                                ]
                            }
                        }
                    },
                    {
                        "topologySpreadConstraints": [
                            {
                                "maxSkew": 1,
                                "topologyKey": "kubernetes.io/hostname",
                                "whenUnsatisfiable": "ScheduleAnyway",
                                "labelSelector": selector,
                            }
                        ]
                    },
                ),
            )
        )
    metadata: Raw = {"labels": labels}
    if maybe(draw, profile.richness // 8):
        metadata["finalizers"] = [GATE]
    return {"metadata": metadata, "spec": spec}


# -- objects --------------------------------------------------------------------------------------------------


def _rolling_update(draw: Draw) -> Raw:
    surge = draw_int_or_percent(draw)
    unavailable = draw_int_or_percent(draw)
    if surge in (0, "0%") and unavailable in (0, "0%"):
        unavailable = 1
    return {"maxSurge": surge, "maxUnavailable": unavailable}


def draw_kubeinfer(draw: Draw, name: str, image: str, profile: Profile) -> Raw:
    """A KubeInfer of one to three roles."""
    roles: list[Raw] = []
    for role in ("prefill", "decode", "router")[: profile.roles]:
        if roles and not maybe(draw, 50):
            break
        npus = 0 if role == "router" else pick(draw, (8, 4, 2, 1, 16)[: 4 if profile.name == "small" else 5])
        written: Raw = {"name": role, "replicas": 1 + pick(draw, range(2))}
        if maybe(draw, 70):
            written["recoveryPolicy"] = {"restart": pick(draw, ("Instance", "Pod", "Custom"))}
        written["template"] = draw_template(draw, {"app": name}, image, npus, profile)
        roles.append(written)
    return {
        "apiVersion": "infer.modelarts.huaweicloud/v1",
        "kind": "KubeInfer",
        "metadata": {"name": name, "namespace": "prod"},
        "spec": {
            "replicas": pick(draw, (2, 1, 3, 4, 0)),
            "strategy": {"type": "InstanceRollingUpdate", "rollingUpdate": _rolling_update(draw)},
            "template": {"spec": {"roles": roles}},
        },
    }


def draw_deployment(draw: Draw, name: str, image: str, profile: Profile) -> Raw:
    """A Deployment, of a model server or of something that needs no NPU."""
    spec: Raw = {"replicas": pick(draw, (2, 1, 3, 5, 0)), "selector": {"matchLabels": {"app": name}}}
    if maybe(draw, 30):
        spec["strategy"] = {"type": "Recreate"}
    elif maybe(draw, 60):
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": _rolling_update(draw)}
    for key, choices in (
        ("minReadySeconds", (5, 60)),
        ("progressDeadlineSeconds", (600, 100)),
        ("revisionHistoryLimit", (0, 1)),
    ):
        if maybe(draw, profile.richness // 3):
            spec[key] = pick(draw, choices)
        if key == "progressDeadlineSeconds" and key not in spec and spec.get("minReadySeconds", 0) >= 600:
            spec[key] = 6000
    spec["template"] = draw_template(draw, {"app": name}, image, pick(draw, (8, 1, 0)), profile)
    metadata = {"name": name, "namespace": "prod"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def draw_replica_set(draw: Draw, name: str, image: str, profile: Profile) -> Raw:
    """A ReplicaSet that no Deployment owns."""
    spec: Raw = {"replicas": pick(draw, (1, 2, 0)), "selector": {"matchLabels": {"app": name}}}
    if maybe(draw, profile.richness // 3):
        spec["minReadySeconds"] = 5
    spec["template"] = draw_template(draw, {"app": name}, image, pick(draw, (0, 2)), profile)
    metadata = {"name": name, "namespace": "prod"}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def draw_stateful_set(draw: Draw, name: str, image: str, profile: Profile) -> Raw:
    """A StatefulSet, whose pods come one after the other."""
    spec: Raw = {
        "replicas": pick(draw, (1, 2, 0)),
        "selector": {"matchLabels": {"app": name}},
        "serviceName": name,
    }
    if maybe(draw, profile.richness // 3):
        spec["podManagementPolicy"] = pick(draw, ("Parallel", "OrderedReady"))
    if maybe(draw, profile.richness // 3):
        ways = (
            {"rollingUpdate": {"maxUnavailable": 2}},
            {"rollingUpdate": {"partition": 1}},
            {"type": "OnDelete"},
        )
        spec["updateStrategy"] = {"type": "RollingUpdate", **pick(draw, ways)}
    spec["template"] = draw_template(draw, {"app": name}, image, pick(draw, (0, 2)), profile)
    metadata = {"name": name, "namespace": "prod"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}


def draw_daemon_set(draw: Draw, name: str, image: str, profile: Profile) -> Raw:
    """A DaemonSet: a pod on every node that takes it."""
    spec: Raw = {"selector": {"matchLabels": {"app": name}}}
    if maybe(draw, profile.richness // 3):
        spec["minReadySeconds"] = 5
    if maybe(draw, profile.richness // 3):
        ways = (
            {"rollingUpdate": {"maxUnavailable": "50%"}},
            {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            {"type": "OnDelete"},
        )
        spec["updateStrategy"] = {"type": "RollingUpdate", **pick(draw, ways)}
    spec["template"] = draw_template(draw, {"app": name}, image, 0, profile)
    metadata = {"name": name, "namespace": "prod"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec}


def draw_bare_pod(draw: Draw, name: str, image: str, profile: Profile) -> Raw:
    """A Pod that nobody will make again."""
    template = draw_template(draw, {"app": name}, image, pick(draw, (0, 1)), profile)
    spec = template["spec"]
    if maybe(draw, 60):
        spec["restartPolicy"] = pick(draw, ("Never", "OnFailure", "Always"))
    metadata = {"name": name, "namespace": "prod", **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


#: What writes an object of each kind: `(draw, name, image of its server, profile)`.
KINDS = {
    "KubeInfer": draw_kubeinfer,
    "Deployment": draw_deployment,
    "ReplicaSet": draw_replica_set,
    "StatefulSet": draw_stateful_set,
    "DaemonSet": draw_daemon_set,
    "Pod": draw_bare_pod,
}
