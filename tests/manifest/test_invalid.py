"""Mistakes people make, one at a time: what is said, and at which line."""

import pytest
from manifest.helpers import BASE, DATA, changed, errors, load

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.load import load_manifest

#: The line each file of `invalid/` is about (the files count from their `# expect:` comment).
LINES = {
    "01-wrong-kind": 3,
    "02-wrong-apiversion": 2,
    "04-percent-malformed": 25,
    "05-percent-fraction": 26,
    "07-surge-negative": 25,
    "08-liveness-success-threshold-3": 66,
    "10-nodeport-out-of-range": 17,
    "11-duplicate-role-name": 97,
    "13-role-replicas-negative": 31,
    "14-missing-image": 45,
    "16-tab-indentation": 25,
    "17-duplicate-yaml-key": 22,
    "19-empty-roles": 29,
    "20-bad-recovery-level": 34,
    "22-npu-request-limit-differ": 82,
    "23-npu-fractional": 78,
    "25-bad-name": 5,
    "26-strategy-type-typo": 23,
    "28-probe-two-handlers": 70,
    "29-duplicate-nodeport": 25,
    "31-command-not-a-list": 49,
}


@pytest.mark.parametrize("file", sorted((DATA / "invalid").glob("*.yaml")), ids=lambda file: file.stem)
def test_each_mistake_is_told_once_in_the_expected_words_at_its_line(file):
    expected = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ")
    with pytest.raises(InputError) as caught:
        load_manifest([str(file)])
    (found,) = caught.value.diagnostics
    assert expected in found.one_line()
    assert found.line == LINES[file.stem]


CONTAINER = "spec.template.spec.roles[0].template.spec.containers[0]"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # budgets
        ("maxSurge: 20%\n      maxUnavailable: 20%", "maxSurge: 0\n      maxUnavailable: 0%", "25: spec.strategy.rollingUpdate.maxUnavailable: maxSurge and maxUnavailable must not both be zero"),
        ("maxSurge: 20%", "maxSurge: 120%", '24: spec.strategy.rollingUpdate.maxSurge: "120%" must not be more than 100%'),
        ("maxSurge: 20%", "maxSurge: -5%", '24: spec.strategy.rollingUpdate.maxSurge: "-5%" must not be negative'),
        ("maxSurge: 20%", "maxSurge: 0.2", "24: spec.strategy.rollingUpdate.maxSurge: 0.2 is neither an integer nor a percentage"),
        ("maxSurge: 20%", "maxSurge: '1'", '24: spec.strategy.rollingUpdate.maxSurge: "1" is neither an integer nor a percentage'),
        ("maxSurge: 20%", "maxSurge: '%'", '24: spec.strategy.rollingUpdate.maxSurge: "%" is neither an integer nor a percentage'),
        ("maxSurge: 20%", "maxSurge: ２0%", '24: spec.strategy.rollingUpdate.maxSurge: "２0%" is neither an integer nor a percentage'),
        ("maxSurge: 20%", "maxSurge: yes", "24: spec.strategy.rollingUpdate.maxSurge: true is neither an integer nor a percentage"),
        ("maxSurge: 20%", "maxSurge: [1]", "24: spec.strategy.rollingUpdate.maxSurge: a list is neither an integer nor a percentage"),
        ("maxSurge: 20%", "maxSurge: " + "9" * 40 + "%", "must not be more than 100%"),
        ("maxSurge: 20%", "maxsurge: 20%", '24: spec.strategy.rollingUpdate.maxsurge: unknown field "maxsurge"; did you mean "maxSurge"?'),
        # counts
        ("replicas: 1", "replicas: '2'", '20: spec.replicas: expected an integer, got the string "2"'),
        ("replicas: 1", "replicas: two", '20: spec.replicas: expected an integer, got the string "two"'),
        ("replicas: 1", "replicas: 1.5", "20: spec.replicas: expected an integer, got the number 1.5"),
        ("replicas: 1", "replicas: -1", "20: spec.replicas: -1 must not be negative"),
        ("replicas: 1", "replicas: 3000000000", "20: spec.replicas: 3000000000 must not be more than 2147483647"),
        ("replicas: 1", "replicas: yes", "20: spec.replicas: expected an integer, got the boolean true"),
        # structure
        ("replicas: 1", "replica: 1", '20: spec.replica: unknown field "replica"; did you mean "replicas"?'),
        ("      roles:\n", "      rolles:\n", 'spec.template.spec.rolles: unknown field "rolles"; did you mean "roles"?'),
        ("  strategy:\n    type: InstanceRollingUpdate", "  strategy: InstanceRollingUpdate\n  x:", '21: spec.strategy: expected a mapping, got the string "InstanceRollingUpdate"'),
        ("type: InstanceRollingUpdate", "type: 3", "22: spec.strategy.type: expected a string, got the number 3"),
        ("apiVersion: infer.modelarts.huaweicloud/v1\n", "", "1: apiVersion: required"),
        ("kind: KubeInfer\n", "", "1: kind: required"),
        ("kind: KubeInfer\n", "kind: kubeinfer\n", '2: kind must be KubeInfer, got "kubeinfer"'),
        ("kind: KubeInfer\n", "kind: [a]\n", "2: kind: expected a string, got a list"),
        # names
        ("  name: infer-broken\n", "", "3: metadata.name: required"),
        ("name: infer-broken\n", "name: 7\n", "4: metadata.name: expected a string, got the number 7"),
        ("namespace: default", "namespace: Default", '5: metadata.namespace: "Default" is not a DNS-1123 name'),
        ("app.model: deepseek-r1", "app.model: true", "9: metadata.labels[app.model]: expected a string, got the boolean true"),
        ("app.model: deepseek-r1", "app model: x", '9: metadata.labels.app model: label key "app model": the name part'),
        ("app.model: deepseek-r1", "app.model: a b", '9: metadata.labels[app.model]: "a b" must be empty or letters'),
        ("- name: role0 ", "- name: Role_0 ", '29: spec.template.spec.roles[0].name: "Role_0" is not a role name'),
        ("- name: svc-infer-broken", "- name: svc.a", '12: spec.networkServices[0].name: "svc.a" is not a Service name'),
        ("- name: svc-infer-broken\n    spec:", "- spec:", "12: spec.networkServices[0].name: required"),
        # recovery
        ("type: Restart\n", "type: Recreate\n", '32: spec.template.spec.roles[0].recoveryPolicy.type: "Recreate" is not one of Restart'),
        ("restart: Instance", "restart: instance", '33: spec.template.spec.roles[0].recoveryPolicy.restart: "instance" is not one of Instance, Pod, Custom; did you mean "Instance"?'),
        ("restart: Instance", "restart: true", "33: spec.template.spec.roles[0].recoveryPolicy.restart: expected a string, got the boolean true"),
        # Services
        ("nodePort: 30090", "nodePort: 32768", "16: spec.networkServices[0].spec.ports[0].nodePort: 32768 is outside 30000-32767"),
        ("type: NodePort", "type: NodePorts", '14: spec.networkServices[0].spec.type: "NodePorts" is not one of ClusterIP, ExternalName, LoadBalancer, NodePort; did you mean "NodePort"?'),
        # pod templates
        ('modelarts-infer-npu-reset-enable: "true"', "modelarts-infer-npu-reset-enable: true", "37: spec.template.spec.roles[0].template.metadata.labels.modelarts-infer-npu-reset-enable: expected a string, got the boolean true; put it in quotes"),
        ("imagePullPolicy:", "imagePullPolice:", f'46: {CONTAINER}.imagePullPolice: unknown field "imagePullPolice"; did you mean "imagePullPolicy"?'),
        ("terminationGracePeriodSeconds: 120", "terminationGracePeriodSeconds: 120s", '40: spec.template.spec.roles[0].template.spec.terminationGracePeriodSeconds: expected an integer, got the string "120s"'),
        ("failureThreshold: 720", "failureThreshold: -1", f"58: {CONTAINER}.startupProbe.failureThreshold: -1 must not be negative"),
        ("Threshold: 720\n", "Threshold: 720\n                successThreshold: 2\n", f"59: {CONTAINER}.startupProbe.successThreshold must be 1, got 2"),
        ("imagePullPolicy: IfNotPresent", "imagePullPolicy: ifNotPresent", f'46: {CONTAINER}.imagePullPolicy: "ifNotPresent" is not one of Always, IfNotPresent, Never; did you mean "IfNotPresent"?'),
        ("volumeMounts:\n", "env:\n              - value: x\n              volumeMounts:\n", f"83: {CONTAINER}.env[0].name: required"),
        ("- containerPort: 9000", "- containerPort: 99999", f"51: {CONTAINER}.ports[0].containerPort: 99999 is outside 1-65535"),
        ("startupProbe:\n                exec:\n                  command", "startupProbe:\n                #\n                #", f"53: {CONTAINER}.startupProbe: exactly one of exec, httpGet, tcpSocket, grpc must be set"),
        ('limits:\n                  cpu: "160"', 'limits:\n                  cpu: "100"', f"79: {CONTAINER}.resources: cpu request 160 must not be more than limit 100"),
        ("            volumes:\n", "            - {name: role0, image: a:1}\n            volumes:\n", '87: spec.template.spec.roles[0].template.spec.containers[1].name: duplicate container name "role0"'),
        ("            - name: dshm\n              emptyDir", "            - name: weights\n              emptyDir", '92: spec.template.spec.roles[0].template.spec.volumes[1].name: duplicate volume name "weights"'),
        ('command: ["/bin/bash", "-c"]', "lifecycle: {preStop: {exec: {command: [a]}, sleep: {seconds: 1}}}", f"47: {CONTAINER}.lifecycle.preStop: exactly one of exec, httpGet, tcpSocket, sleep may be set"),
        ('command: ["/bin/bash", "-c"]', "lifecycle: {postStart: {}}", f"47: {CONTAINER}.lifecycle.postStart: exactly one of exec, httpGet, tcpSocket, sleep must be set"),
        ("memory: 1200Gi", "memory: 1200GB", f"76: {CONTAINER}.resources.limits.memory: a quantity is a number and a suffix"),
        ("            - name: weights\n              hostPath", "            - name: wights\n              hostPath", f"83: {CONTAINER}.volumeMounts[0].name"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_line(old, new, expected):
    found = errors(changed((old, new)))
    assert any(expected in each for each in found), found


def test_a_template_whose_pods_are_all_refused_is_an_error():
    text = changed(
        ("schedulerName: volcano", "schedulerName: volcano\n            hostNetwork: true"),
        (
            "            volumes:",
            "            - {name: side, image: a:1, ports: [{containerPort: 9000}]}\n            volumes:",
        ),
    )
    with pytest.raises(InputError) as caught:
        load(text)
    print(*[each.one_line() for each in caught.value.diagnostics], sep="\n")
    (found,) = [each for each in caught.value.diagnostics if each.severity == "error"]
    assert found.line == 88
    assert "every Pod made from it refused" in found.hint


@pytest.mark.parametrize(
    ("written", "meant"), [("010", 8), ("0o10", None), ("0", None), ("00", 0), ("10", None)]
)
def test_a_number_that_is_octal_by_surprise_is_warned_of(written, meant):
    found = [each.message for each in load(changed(("replicas: 1\n", f"replicas: {written}\n"))).diagnostics]
    expected = [] if meant is None else [f"YAML: {written} is octal and means {meant}"]
    assert [each for each in found if "octal" in each] == expected


def test_file_modes_are_octal_by_custom():
    text = changed(
        (
            "              hostPath:\n",
            "              secret: {secretName: a, defaultMode: 0444}\n              x:\n",
        )
    )
    with pytest.raises(InputError) as caught:
        load(text)
    assert not [each for each in caught.value.diagnostics if "octal" in each.message]


def test_a_missing_template_is_told():
    text = BASE[: BASE.index("  template:")]
    assert errors(text) == ["10: spec.template: required"]


def test_an_object_without_a_spec_is_told():
    assert errors(BASE[: BASE.index("spec:")]) == ["1: spec: required"]


@pytest.mark.parametrize("roles", ["{a: b}", "text", "3"])
def test_roles_that_are_no_list_are_told(roles):
    text = BASE[: BASE.index("      roles:")] + f"      roles: {roles}\n"
    (found,) = errors(text)
    assert found.startswith("28: spec.template.spec.roles: expected a list, got ")


def test_all_mistakes_are_told_at_once():
    found = errors(
        changed(
            ("maxSurge: 20%", "maxSurge: -1"),
            ("restart: Instance", "restart: Container"),
            ("nodePort: 30090", "nodePort: 9000"),
            ("- name: role1", "- name: role0"),
            ("imagePullPolicy:", "imagePullPolice:"),
        )
    )
    assert [int(each.split(":")[0]) for each in found] == [16, 24, 33, 46, 96]


def test_mistakes_of_yaml_and_of_kubernetes_are_told_together():
    found = errors(changed(("  replicas: 1\n", "  replicas: 1\n  replicas: -1\n")))
    assert found == [
        '21: YAML: duplicate key "replicas" in spec, first on line 20',
        "21: spec.replicas: -1 must not be negative",
    ]


def test_mistakes_in_several_sources_are_told_in_their_order():
    with pytest.raises(InputError) as caught:
        load(changed(("maxSurge: 20%", "maxSurge: -1")), changed(("replicas: 1", "replicas: -1")), "a: [")
    assert [each.file for each in caught.value.diagnostics] == ["m0.yaml", "m1.yaml", "m2.yaml"]


def test_a_flood_of_mistakes_ends_at_the_bound():
    fields = "".join(f"  field{i}: 1\n" for i in range(20_000))
    assert len(errors(BASE + fields.replace("  field", "x"))) <= 500


def test_values_of_the_wrong_type_do_not_hide_other_mistakes_nor_make_up_new_ones():
    found = errors(
        changed(
            ("image: swr.cn-east-4.myhuaweicloud.com/demo/ascend-vllm:A3.6", "image: 3"),
            ("failureThreshold: 720", "failureThreshold: -1"),
            ('huawei.com/ascend-1980: "8"', "huawei.com/ascend-1980: eight"),
        )
    )
    assert [int(each.split(":")[0]) for each in found] == [45, 58, 77]
