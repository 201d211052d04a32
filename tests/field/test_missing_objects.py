"""ConfigMaps, Secrets and claims that are not there, come later, or are another node's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from field.user import Raw, User, asking, bare_pod, both, deployment, kubeinfer

FROM_CONFIG_MAP = {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "x"}}}]}
FROM_SECRET = {"envFrom": [{"secretRef": {"name": "s"}}]}


def named(kind: str, name: str, **fields: Any) -> Raw:
    versions = {"StorageClass": "storage.k8s.io/v1"}
    metadata = (
        {"name": name, "namespace": "prod"}
        if kind not in ("StorageClass", "PersistentVolume")
        else {"name": name}
    )
    return {"apiVersion": versions.get(kind, "v1"), "kind": kind, "metadata": metadata, **fields}


def claim(*modes: str, **spec: Any) -> Raw:
    resources = {"requests": {"storage": "1Gi"}}
    return named(
        "PersistentVolumeClaim", "c", spec={"accessModes": list(modes), "resources": resources, **spec}
    )


def volume(**source: Any) -> Raw:
    return {"volumes": [{"name": "v", **source}]}


OF_CLAIM = volume(persistentVolumeClaim={"claimName": "c"})


def statuses(user: User, at: str = "") -> list[str]:
    return sorted(each["status"] for each in user.pods(at=at))


@both
@pytest.mark.parametrize(
    ("container", "made"),
    [
        (FROM_CONFIG_MAP, named("ConfigMap", "cm", data={"x": "1"})),
        (FROM_SECRET, named("Secret", "s", data={"x": "MQ=="})),
    ],
)
def test_a_container_whose_environment_lacks_something_waits_and_is_synced_every_10_to_15_s(
    user: User, workload: Callable[..., Raw], container: Raw, made: Raw
) -> None:
    pods = workload({**asking(npu=8), **container}, replicas=2)
    user.plans(pods, cluster="2x8", initial="empty", actions=[{"at": "40s", "create": made}])
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    assert statuses(user, "39s") == ["CreateContainerConfigError"] * 2
    assert statuses(user, "55s") == ["Running"] * 2
    kind, name = made["kind"], made["metadata"]["name"]
    user.plans(pods, cluster="2x8", initial="empty", absent=[f"{kind}/{name}"], horizon="1h")
    done, _ = user.runs()
    assert done.returncode == 1
    said = f'CreateContainerConfigError: {kind.lower()} "{name}" not found'
    assert said in " ".join(done.stdout.split())
    words = " ".join(user.types("why", "scenario.yaml", "--at", "1m").stdout.split())
    assert (
        f"container engine of chat-0{'-serve-0' if workload is kubeinfer else ''} cannot be started" in words
    )


@both
@pytest.mark.parametrize("source", ["configMap", "secret", "projected"])
def test_a_volume_that_lacks_its_object_is_mounted_after_a_back_off_that_doubles(
    user: User, workload: Callable[..., Raw], source: str
) -> None:
    mounted = {
        "configMap": {"configMap": {"name": "o"}},
        "secret": {"secret": {"secretName": "o"}},
        "projected": {"projected": {"sources": [{"secret": {"name": "o"}}]}},
    }[source]
    made = named("ConfigMap" if source == "configMap" else "Secret", "o", data={})
    pods = workload(asking(npu=8), replicas=1, **volume(**mounted))
    user.plans(pods, cluster="1x8", initial="empty", actions=[{"at": "40s", "create": made}])
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    # 0.5 s, 1 s, 2 s … after the first attempt: the seventh is the first that finds it.
    assert statuses(user, "63.499s") == ["ContainerCreating"]
    assert statuses(user, "63.5s") == ["Running"]


@both
def test_a_volume_that_lacks_its_object_holds_the_pod_when_that_of_another_is_there(
    user: User, workload: Callable[..., Raw]
) -> None:
    volumes = [{"name": name, "configMap": {"name": name}} for name in ("one", "two")]
    comes = [
        {"at": at, "create": named("ConfigMap", name, data={"x": "1"})}
        for at, name in (("10s", "one"), ("1m", "two"))
    ]
    pods = workload(asking(npu=8), replicas=1, volumes=volumes)
    user.plans(pods, cluster="1x8", initial="empty", actions=comes)
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    assert statuses(user, "1m") == ["ContainerCreating"]
    assert statuses(user, "4m") == ["Running"]


def test_what_is_optional_or_not_said_to_be_absent_is_no_hindrance(user: User) -> None:
    optional = {
        "env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "x", "optional": True}}}]
    }
    pods = deployment({**optional, **FROM_SECRET}, replicas=1, **OF_CLAIM)
    user.plans(pods, cluster="1x8", initial="empty")
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    user.plans(pods, cluster="1x8", initial="empty", absent=["ConfigMap/cm"])
    done, _ = user.runs()
    assert done.returncode == 2
    assert "no pod needs 'ConfigMap/cm'" in " ".join(done.stderr.split())


def test_a_key_that_the_object_in_the_file_has_not_is_missing_too(user: User) -> None:
    there = named("ConfigMap", "cm", data={"y": "1"})
    user.plans(deployment(FROM_CONFIG_MAP, replicas=1), there, cluster="1x8", initial="empty", horizon="1m")
    done, _ = user.runs()
    assert "couldn't find key x in ConfigMap prod/cm" in " ".join(done.stdout.split())
    change = {"at": "30s", "object": "ConfigMap/cm", "patchObject": {"data": {"x": "1"}}}
    user.plans(
        deployment(FROM_CONFIG_MAP, replicas=1), there, cluster="1x8", initial="empty", actions=[change]
    )
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout


@both
@pytest.mark.parametrize(
    ("mounted", "there", "made", "said"),
    [
        (
            volume(configMap={"name": "cm", "items": [{"key": "x", "path": "x"}]}),
            named("ConfigMap", "cm", data={"y": "1"}),
            named("ConfigMap", "cm", data={"x": "1"}),
            "configmap references non-existent config key: x",
        ),
        (
            volume(projected={"sources": [{"secret": {"name": "s", "items": [{"key": "k", "path": "k"}]}}]}),
            named("Secret", "s", data={"y": "MQ=="}),
            named("Secret", "s", data={"k": "MQ=="}),
            "references non-existent secret key: k",
        ),
    ],
)
def test_a_volume_that_names_a_key_its_object_has_not_is_mounted_once_it_has(
    user: User, workload: Callable[..., Raw], mounted: Raw, there: Raw, made: Raw, said: str
) -> None:
    what = {"object": f"{made['kind']}/{made['metadata']['name']}", "patchObject": {"data": made["data"]}}
    user.plans(
        workload(asking(npu=8), replicas=1, **mounted),
        there,
        cluster="2x8",
        initial="empty",
        actions=[{"at": "1m", **what}],
    )
    told = " ".join(user.types("why", "scenario.yaml", "--at", "50s").stdout.split())
    assert f"MountVolume.SetUp failed: {said}" in told
    assert statuses(user, "50s") == ["ContainerCreating"]
    assert statuses(user) == ["Running"]


def test_an_init_container_waits_as_well(user: User) -> None:
    init = [{"name": "fetch", "image": "i", **FROM_CONFIG_MAP}]
    pods = deployment({}, replicas=1, initContainers=init)
    made = {"at": "40s", "create": named("ConfigMap", "cm", data={"x": "1"})}
    user.plans(pods, cluster="1x8", initial="empty", actions=[made])
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    assert statuses(user, "30s") == ["Init:CreateContainerConfigError"]


@both
def test_a_pod_that_waits_is_gone_as_soon_as_it_is_deleted(user: User, workload: Callable[..., Raw]) -> None:
    lacking = {**asking(npu=8), **FROM_CONFIG_MAP, "lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}
    actions = [{"at": "1m", "scale": 0}]
    absent = ["ConfigMap/cm"]
    user.plans(workload(lacking, replicas=1), cluster="1x8", initial="empty", actions=actions, absent=absent)
    user.runs()
    assert statuses(user, "61s") == []


@pytest.mark.parametrize("outage", ["kubeletRestart", "reboot"])
def test_a_node_that_goes_and_comes_changes_nothing_about_it(user: User, outage: str) -> None:
    actions = [
        {"at": "20s", outage: {"nodes": ["node-0"], "takes": "5s"}},
        {"at": "21s", "create": named("ConfigMap", "cm", data={"x": "1"})},
    ]
    pods = deployment({**asking(npu=8), **FROM_CONFIG_MAP}, replicas=1)
    user.plans(pods, cluster="1x8", initial="empty", actions=actions, horizon="5m")
    done, _ = user.runs()
    assert "fault" not in done.stderr
    assert "Running" in statuses(user)


@both
def test_pods_whose_claim_is_not_there_wait_for_it_without_a_node(
    user: User, workload: Callable[..., Raw]
) -> None:
    pods = workload(asking(npu=8), replicas=2, **OF_CLAIM)
    actions = [{"at": "1m", "create": claim("ReadWriteMany")}]
    user.plans(pods, cluster="2x8", initial="empty", actions=actions)
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    assert statuses(user, "59s") == ["Pending"] * 2
    assert statuses(user, "61s") == ["Running"] * 2
    user.plans(pods, cluster="2x8", initial="empty", absent=["PersistentVolumeClaim/c"], horizon="1h")
    done, _ = user.runs()
    assert done.returncode == 1
    assert 'persistentvolumeclaim "c" not found' in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        (
            [
                named(
                    "StorageClass",
                    "l",
                    provisioner="kubernetes.io/no-provisioner",
                    volumeBindingMode="WaitForFirstConsumer",
                )
            ],
            "didn't find available persistent volumes to bind",
        ),
        (
            [named("StorageClass", "l", provisioner="kubernetes.io/no-provisioner")],
            "pod has unbound immediate PersistentVolumeClaims",
        ),
        ([named("StorageClass", "l", provisioner="csi.example.com")], ""),
        (
            [
                named("StorageClass", "l", provisioner="kubernetes.io/no-provisioner"),
                named(
                    "PersistentVolume",
                    "pv",
                    spec={
                        "storageClassName": "l",
                        "capacity": {"storage": "2Gi"},
                        "accessModes": ["ReadWriteOnce"],
                        "local": {"path": "/data"},
                    },
                ),
            ],
            "",
        ),
        ([], ""),
    ],
)
def test_a_claim_that_nothing_binds_keeps_its_pods_pending(user: User, beside: list[Raw], said: str) -> None:
    own = claim("ReadWriteOnce", storageClassName="l")
    pods = deployment(asking(npu=8), replicas=1, **OF_CLAIM)
    user.plans(pods, own, *beside, cluster="2x8", initial="empty")
    done, _ = user.runs()
    assert done.returncode == (1 if said else 0), done.stdout
    assert said in " ".join(done.stdout.split())


def test_a_volume_for_one_node_keeps_an_update_from_going_on_elsewhere(user: User) -> None:
    pods = deployment(asking(npu=8), replicas=1, surge=1, **OF_CLAIM)
    update = {"newRevision": True}
    user.plans(pods, claim("ReadWriteOnce"), cluster="2x8", update=update, horizon="1h")
    done, result = user.runs()
    assert done.returncode == 1
    holder = "Multi-Attach error: volume of claim c is already used by pod chat-0 on node-0"
    assert holder in " ".join(done.stdout.split())
    assert holder in " ".join(user.types("why", "scenario.yaml", "--at", "30m").stdout.split())
    assert statuses(user) == ["ContainerCreating", "Running"]
    assert not [each for each in result["warnings"] if "PersistentVolumeClaim" in each], "it is simulated"
    # So it does an instance's.
    instances = kubeinfer(asking(npu=8), replicas=1, surge=1, **OF_CLAIM)
    user.plans(instances, claim("ReadWriteOnce"), cluster="2x8", update=update, horizon="1h")
    assert "already used by pod chat-0-serve-0 on node-0" in " ".join(user.runs()[0].stdout.split())
    # Where the old one goes first, the volume is attached once its node has said that it is free.
    down = deployment(asking(npu=8), replicas=1, **OF_CLAIM)
    user.plans(down, claim("ReadWriteOnce"), cluster="2x8", update=update)
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    user.plans(pods, claim("ReadWriteMany"), cluster="2x8", update=update)
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout


def test_a_volume_for_one_pod_keeps_the_next_from_being_placed(user: User) -> None:
    actions = [
        {"at": "1m", "create": bare_pod(asking(npu=8), name="second", **OF_CLAIM)},
        {"at": "2m", "deleteObject": "Pod/p"},
    ]
    user.plans(bare_pod(asking(npu=8), **OF_CLAIM), claim("ReadWriteOncePod"), cluster="2x8", actions=actions)
    done, _ = user.runs()
    assert done.returncode == 0, done.stdout
    assert statuses(user, "90s") == ["Pending", "Running"]
    assert statuses(user) == ["Running"]


@pytest.mark.parametrize(
    "own",
    [
        named("PersistentVolumeClaim", "c", spec=5),
        named("PersistentVolumeClaim", "c", spec={"accessModes": "ReadWriteOnce", "storageClassName": 5}),
        claim("ReadWriteOnce", storageClassName=""),
        named("ConfigMap", "cm", data=5),
    ],
)
def test_objects_that_the_api_server_would_not_take_are_no_fault_of_the_simulator(
    user: User, own: Raw
) -> None:
    volume = named("PersistentVolume", "pv", spec={"capacity": 5, "claimRef": []})
    pods = deployment(FROM_CONFIG_MAP, replicas=1, **OF_CLAIM)
    user.plans(pods, own, volume, cluster="1x8", initial="empty", horizon="1m")
    done, _ = user.runs()
    assert done.returncode in (0, 1, 2)
    assert "fault" not in done.stderr


@both
@pytest.mark.parametrize(
    ("written", "place"),
    [
        (
            named(
                "PersistentVolume",
                "pv",
                spec={
                    "accessModes": ["ReadWriteOnce"],
                    "capacity": {"storage": "1Gi"},
                    "local": {"path": "/disk"},
                    "nodeAffinity": {
                        "required": {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
                            ]
                        }
                    },
                },
            ),
            "spec.nodeAffinity",
        ),
        (
            named(
                "StorageClass",
                "disk",
                provisioner="disk.csi",
                allowedTopologies=[{"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}],
            ),
            "allowedTopologies",
        ),
    ],
)
def test_a_volume_that_ties_its_pods_to_nodes_is_a_warning_with_its_line(
    user: User, workload: Callable[..., Raw], written: Raw, place: str
) -> None:
    user.plans(
        workload(asking(npu=8), **OF_CLAIM), claim("ReadWriteOnce"), written, cluster="4x8", horizon="1h"
    )
    warnings = user.runs()[1]["warnings"]
    (warning,) = [each for each in warnings if f"warning: {place}: not simulated: pods that use" in each]
    assert "stay Pending" in warning
    assert f"{place}: not simulated" in " ".join(user.types("validate", "manifest.yaml").stdout.split())


@both
def test_a_volume_for_all_nodes_is_none(user: User, workload: Callable[..., Raw]) -> None:
    volume = named("PersistentVolume", "pv", spec={"capacity": {"storage": "1Gi"}, "nodeAffinity": {}})
    user.plans(
        workload(asking(npu=8), **OF_CLAIM), claim("ReadWriteOnce"), volume, cluster="4x8", horizon="1h"
    )
    assert not [each for each in user.runs()[1]["warnings"] if "not simulated" in each]


DEAD = {"at": "1m", "nodeDown": "node-0"}
FORCED = {"at": "20m", "forceDelete": {}}


@both
@pytest.mark.parametrize(
    ("actions", "least", "most"),
    [
        # maxWaitForUnmountDuration: kubernetes #129805, #50944
        ([DEAD, FORCED], "25m59s", "26m2s"),
        ([DEAD, {"at": "20m", "outOfService": ["node-0"]}, FORCED], "19m59s", "20m11s"),
        # Back after two of the six minutes it says that it has unmounted it.
        ([DEAD, FORCED, {"at": "22m", "nodeUp": "node-0"}], "21m59s", "22m15s"),
        ([{"at": "1m", "nodeDown": {"nodes": ["node-0"], "mode": "cutOff"}}, FORCED], "25m59s", "26m2s"),
        # Its node lives, and says so with its next status.
        (
            [{"at": "1m", "cordon": ["node-0"]}, {"at": "20m", "deletePod": {"gracePeriod": "0s"}}],
            "19m59s",
            "20m11s",
        ),
    ],
)
def test_a_volume_of_a_node_nobody_hears_of_is_detached_by_force_after_six_minutes(
    user: User, workload: Callable[..., Raw], actions: list[Raw], least: str, most: str
) -> None:
    pods = workload(asking(npu=8), replicas=1, **OF_CLAIM)
    user.plans(pods, claim("ReadWriteOnce"), cluster="2x8", actions=actions, horizon="1h")
    assert "Running" not in [each["status"] for each in user.pods(least) if each["node"] == "node-1"]
    assert [each["status"] for each in user.pods(most) if each["node"] == "node-1"] == ["Running"]


@both
def test_meanwhile_it_is_said_that_the_volume_is_attached_still(
    user: User, workload: Callable[..., Raw]
) -> None:
    pods = workload(asking(npu=8), replicas=1, **OF_CLAIM)
    user.plans(pods, claim("ReadWriteOnce"), cluster="2x8", actions=[DEAD, FORCED], horizon="23m")
    attached = "Multi-Attach error: volume of claim c is already exclusively attached to node-0"
    assert attached in " ".join(user.types("why", "scenario.yaml", "--at", "22m").stdout.split())
    assert attached in " ".join(user.types("run", "scenario.yaml").stdout.split())


@both
def test_a_volume_for_many_nodes_waits_for_none(user: User, workload: Callable[..., Raw]) -> None:
    pods = workload(asking(npu=8), replicas=1, **OF_CLAIM)
    user.plans(pods, claim("ReadWriteMany"), cluster="2x8", actions=[DEAD, FORCED], horizon="1h")
    assert [each["status"] for each in user.pods("20m10s") if each["node"] == "node-1"] == ["Running"]
