import textwrap

import pytest
from command_line import python
from manifest.helpers import BASE, DATA, changed, errors, load, one

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.model import IntOrPercent, RecoveryPolicy
from kubeinfer_sim.manifest.source import SourceText


@pytest.mark.parametrize("file", sorted((DATA / "valid").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_manifest_of_the_collection_loads_without_a_word(file):
    loaded = load_manifest([str(file)])
    assert len(loaded.kubeinfers) == 1
    assert loaded.diagnostics == ()


def test_a_kubeinfer_has_what_was_written():
    kubeinfer = load_manifest([str(DATA / "valid" / "01-1p1d-vllm-a2.yaml")]).kubeinfers[0]
    assert (kubeinfer.namespace, kubeinfer.name, kubeinfer.replicas) == ("default", "infer-vllm-1p1d", 2)
    assert kubeinfer.rolling_update.max_surge == IntOrPercent(20, percent=True)
    assert [(role.name, role.replicas) for role in kubeinfer.roles] == [("role0", 1), ("role1", 1)]
    template = kubeinfer.roles[0].template
    assert template.requests == {"cpu": 160_000, "memory": 1200 * 2**30, "huawei.com/ascend-1980": 8}
    assert template.node_selector == {"accelerator/huawei-npu": "ascend-1980"}
    assert template.labels == {"modelarts-infer-npu-reset-enable": "true"}
    assert template.termination_grace_period_seconds == 120
    container = template.containers[0]
    assert container.startup_probe.failure_threshold == 720
    assert container.startup_probe.success_threshold == 1
    assert container.liveness_probe.period_seconds == 5
    assert container.limits == template.requests
    assert kubeinfer.network_services[0].name == "svc-infer-vllm-1p1d"
    assert kubeinfer.source.endswith("01-1p1d-vllm-a2.yaml:3")


def test_the_shape_omni_infer_ships_loads():
    loaded = load_manifest([str(DATA / "omni-infer.yaml")])
    (kubeinfer,) = loaded.kubeinfers
    assert [(role.name, role.replicas) for role in kubeinfer.roles] == [("role0", 2), ("role1", 1)]
    assert kubeinfer.rolling_update.max_unavailable == IntOrPercent(34, percent=True)
    assert kubeinfer.network_services == ()
    template = kubeinfer.roles[0].template
    assert template.termination_grace_period_seconds == 3600
    assert template.containers[0].pre_stop.handler == "exec"
    assert template.requests["huawei.com/ascend-1980"] == 8
    assert template.weights_volume == "local"
    assert [(each.severity, each.code) for each in loaded.diagnostics] == [
        ("warning", "budget-rounds-to-zero"),
        ("note", "role-strategy"),
        ("note", "role-strategy"),
    ]


def test_defaults_are_those_of_the_vendors_guide():
    text = changed(
        ("  replicas: 1\n", ""),
        ("    rollingUpdate:\n      maxSurge: 20%\n      maxUnavailable: 20%\n", ""),
        (
            "        replicas: 1\n        recoveryPolicy:\n          type: Restart\n          restart: Instance\n",
            "",
        ),
        ("  namespace: default\n", ""),
    )
    kubeinfer = one(text)
    assert (kubeinfer.replicas, kubeinfer.namespace) == (1, "default")
    assert str(kubeinfer.rolling_update.max_surge) == str(kubeinfer.rolling_update.max_unavailable) == "20%"
    assert kubeinfer.roles[0].replicas == 1
    assert kubeinfer.roles[0].recovery_policy == RecoveryPolicy("Instance", "Restart")


def test_roles_without_names_are_numbered_and_may_not_collide():
    text = changed(("- name: role0   # prefill\n        replicas", "- replicas"))
    assert [role.name for role in one(text).roles] == ["role0", "role1"]
    assert errors(text.replace("- name: role1", "- name: role0")) == [
        '95: spec.template.spec.roles[1].name: duplicate role name "role0"'
    ]


AS_KUBECTL_PRINTS_IT = """\
  uid: 5f1c8f9e-0000-4000-8000-000000000000
  resourceVersion: "123456"
  generation: 3
  creationTimestamp: "2026-01-02T03:04:05Z"
  finalizers: [kubeinfer/protect]
  managedFields:
  - {manager: kubectl, operation: Apply, apiVersion: infer.modelarts.huaweicloud/v1, time: "2026-01-02T03:04:05Z", fieldsType: FieldsV1, fieldsV1: {"f:spec": {}}}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"infer.modelarts.huaweicloud/v1","kind":"KubeInfer"}
spec:
"""


def test_what_kubectl_prints_is_the_same_object_without_a_word():
    text = changed(("spec:\n", AS_KUBECTL_PRINTS_IT))
    text += "status:\n  replicas: 1\n  conditions: [{type: Available, status: 'True'}]\n"
    text = text.replace(
        "              imagePullPolicy: IfNotPresent",
        "              imagePullPolicy: IfNotPresent\n              terminationMessagePath: /dev/termination-log\n              terminationMessagePolicy: File",
    )
    text = text.replace(
        "            schedulerName: volcano",
        "            schedulerName: volcano\n            restartPolicy: Always\n            dnsPolicy: ClusterFirst\n            securityContext: {}",
    )
    text = text.replace("          metadata:\n", "          metadata:\n            creationTimestamp: null\n")
    loaded = load(text)
    assert loaded.diagnostics == ()
    assert loaded.kubeinfers[0].revision == one(BASE).revision


def test_the_revision_is_that_of_the_templates_alone():
    revision = one(BASE).revision
    same = [
        ("replicas: 1", "replicas: 5"),
        ("20%", "1"),
        ("nodePort: 30090", "nodePort: 30091"),
        ("app.model: ", "x: "),
    ]
    assert {one(changed(each)).revision for each in same} == {revision}
    other = [
        ("ascend-vllm:A3.6", "ascend-vllm:A3.7"),
        ("        replicas: 1", "        replicas: 2"),
        (
            'cpu: "160"\n                  memory: 1200Gi\n                  huawei.com/ascend-1980: "8"\n                requests',
            'cpu: "161"\n                  memory: 1200Gi\n                  huawei.com/ascend-1980: "8"\n                requests',
        ),
    ]
    assert revision not in {one(changed(each)).revision for each in other}


def as_item(text):
    return "- " + textwrap.indent(text, "  ").lstrip()


@pytest.mark.parametrize("kind", ["List", "KubeInferList"])
def test_the_items_of_a_list_are_objects_with_paths_of_their_own(kind):
    second = changed(("infer-broken", "other"), ("30090", "30091"))
    text = f"apiVersion: v1\nkind: {kind}\nmetadata: {{resourceVersion: ''}}\nitems:\n{as_item(BASE)}{as_item(second)}"
    assert [each.name for each in load(text).kubeinfers] == ["infer-broken", "other"]
    found = errors(text.replace("restart: Instance", "restart: X", 1))
    assert found == [
        '37: spec.template.spec.roles[0].recoveryPolicy.restart: "X" is not one of Instance, Pod, Custom'
    ]


def test_other_kinds_are_skipped_with_a_note_and_kept_aside():
    others = "apiVersion: v1\nkind: Namespace\nmetadata: {name: infer}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {}\n---\n"
    loaded = load(others + BASE)
    assert [(each.kind, each.name) for each in loaded.others] == [
        ("Namespace", "infer"),
        ("Ingress", "web"),
    ]
    assert [each.sentence for each in loaded.diagnostics] == [
        "kind: Namespace infer is skipped, without effect on what is predicted: who may do what; it is taken to be "
        "allowed",
        "kind: Ingress web is skipped, without effect on what is predicted: how requests come to ready pods; how many "
        "there are decides what is lost",
    ]
    assert [each.severity for each in loaded.diagnostics] == ["note", "note"]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", "it is empty"),
        ("# nothing\n---\n", "it holds nothing but comments"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", "it holds Namespace a"),
        ("apiVersion: infer.modelarts.huaweicloud/v1\nkind: Instance\n", "it holds Instance"),
        ("apiVersion: v1\nkind: List\nitems: []\n", "it holds a List without items"),
    ],
)
def test_a_file_without_any_kubeinfer_is_an_error(text, holds):
    assert errors(BASE, text) == [
        f"0: there is no KubeInfer, Deployment, ReplicaSet, StatefulSet, DaemonSet or Pod in this file; {holds}"
    ]


@pytest.mark.parametrize("text", ["hello", "[1, 2]", "3"])
def test_a_document_that_is_no_object_is_an_error(text):
    (found,) = errors(text)
    assert found.startswith("1: expected a Kubernetes object, which is a mapping, got ")


def test_a_node_port_belongs_to_one_object_only():
    other = changed(("name: infer-broken", "name: other"))
    assert errors(BASE, other) == [
        "16: spec.networkServices[0].spec.ports[0].nodePort: 30090 is used by KubeInfer default/infer-broken "
        "as well (m0.yaml:16:19)"
    ]
    spec = "{type: NodePort, ports: [{port: 80, nodePort: 30090}]}"
    service = f"apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {spec}\n---\n"
    assert len(errors(service + BASE)) == 1


def test_two_versions_of_one_object_may_share_their_node_port():
    assert len(load(BASE, changed(("A3.6", "A3.7"))).kubeinfers) == 2


def test_the_same_node_port_is_free_for_another_protocol():
    port = "      - nodePort: 30090\n        port: 9000\n        protocol: TCP\n        targetPort: 9000\n"
    both = port.replace("- nodePort", "- name: a\n        nodePort") + port.replace(
        "- nodePort", "- name: b\n        nodePort"
    ).replace("TCP", "UDP")
    assert one(changed((port, both)))


def test_one_of_several_can_be_picked_by_name():
    other = changed(("name: infer-broken", "name: other"), ("30090", "30091"), ("default", "prod"))
    assert [each.name for each in load(BASE, other, only="other").kubeinfers] == ["other"]
    assert [each.name for each in load(BASE, other, only="prod/other").kubeinfers] == ["other"]
    assert errors(BASE, other, only="othr") == [
        '0: there is no KubeInfer named "othr"; did you mean "other"?'
    ]


def test_documents_that_cannot_be_read_do_not_hide_the_errors_of_the_others():
    text = BASE.replace("maxSurge: 20%", "maxSurge: -1") + "---\na: [\n"
    assert [each.split(":")[0] for each in errors(text)] == ["24", str(text.count("\n") + 1)]


@pytest.mark.parametrize("line_break", ["\r\n", "\r"])
def test_line_breaks_of_other_systems_make_no_difference(line_break):
    assert one("\ufeff" + BASE.replace("\n", line_break)).revision == one(BASE).revision


def test_loading_brings_in_no_heavy_library():
    code = "import sys, kubeinfer_sim.manifest.load\nprint([m for m in ('pydantic', 'simpy', 'rich', 'click') if m in sys.modules])"
    assert python(code).stdout.strip() == "[]"


def test_what_is_wrong_in_an_aliased_template_is_told_once():
    text = (DATA / "valid" / "14-anchors-and-comments.yaml").read_text(encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_manifest([SourceText("x", text.replace("image: swr", "imago: swr"))])
    told = [(each.line, each.column, each.message) for each in caught.value.diagnostics]
    assert len(told) == len(set(told)) > 1
    assert {each.path[:5] for each in caught.value.diagnostics} == {("spec", "template", "spec", "roles", 0)}
    assert 29 in {line for line, _, _ in told}
