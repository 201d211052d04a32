import pytest

from kubeinfer_sim.manifest.convert import convert_template
from kubeinfer_sim.manifest.kubernetes.quantity import Quantity
from kubeinfer_sim.manifest.pod_resources import pod_total, whole_units


def quantities(written):
    return {name: Quantity.from_json(value) for name, value in written.items()}


def container(written):
    restart = written.get("restart_policy")
    resources = {kind: quantities(each) for kind, each in written["resources"].items()}
    return {"resources": resources, **({"restartPolicy": restart} if restart else {})}


@pytest.mark.vectors("k8s_pod_requests_limits")
def test_a_pods_total_is_the_schedulers(case):
    spec = {
        "containers": list(map(container, case["containers"])),
        "initContainers": list(map(container, case["init_containers"])),
        "overhead": {} if case["options"].get("exclude_overhead") else quantities(case["overhead"]),
    }
    assert pod_total(spec, case["op"]) == quantities(case["expected"])


def pod(**resources):
    typed = {kind: quantities(each) for kind, each in resources.items()}
    return {"containers": [{"name": "a", "resources": typed}]}


def test_a_request_left_out_is_its_limit():
    assert pod_total(pod(limits={"cpu": 2, "memory": "1Gi"}, requests={"cpu": "500m"})) == {
        "cpu": Quantity.parse("500m"),
        "memory": Quantity.parse("1Gi"),
    }


def test_pod_level_resources_replace_those_of_the_containers():
    whole = {"requests": quantities({"cpu": 5, "x/npu": 1})}
    spec = {**pod(requests={"cpu": 2, "x/npu": 8}), "resources": whole}
    assert whole_units(pod_total(spec)) == {"cpu": 5000, "x/npu": 8}


def test_cpu_is_in_millicores_and_the_rest_in_whole_units_rounded_up():
    written = quantities({"cpu": "1.0001", "memory": "1.5", "x/y": "8"})
    assert whole_units(written) == {"cpu": 1001, "memory": 2, "x/y": 8}


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ([], "none"),
        ([{"emptyDir": {"medium": "Memory"}}, {"configMap": {"name": "x"}}, {"secret": {}}], "none"),
        ([{"hostPath": {"path": "/mnt/models"}}], "local"),
        ([{"hostPath": {"path": "/usr/local/Ascend/driver"}}, {"hostPath": {"path": "/dev/shm"}}], "none"),
        ([{"hostPath": {"path": "/mnt/models"}}, {"persistentVolumeClaim": {"claimName": "x"}}], "shared"),
        ([{"nfs": {"server": "x", "path": "/"}}], "shared"),
        ([{"csi": {"driver": "x"}}], "shared"),
        ([{"hostPath": {"path": "/variant"}}], "local"),
    ],
)
def test_the_volumes_tell_where_weights_are_read_from(volumes, expected):
    spec = {"containers": [], "volumes": [{"name": f"v{i}", **each} for i, each in enumerate(volumes)]}
    assert convert_template({"spec": spec}, {}).weights_volume == expected
