"""Each rule fires on a manifest made for it, at the right line and with its number, and only then."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from manifest.helpers import BASE, DATA, changed, load
from msgspec.structs import replace

from kubeinfer_sim.errors import InputError
from kubeinfer_sim.manifest.lint import shown_by_runs
from kubeinfer_sim.manifest.lint.catalogue import RULES, lint
from kubeinfer_sim.manifest.lint.packing import need_of
from kubeinfer_sim.manifest.lint.rule import ALL_KINDS, Expectations, LintContext
from kubeinfer_sim.manifest.load import load_manifest
from kubeinfer_sim.manifest.source import SourceText
from kubeinfer_sim.manifest.yaml_tree import load_documents
from kubeinfer_sim.scenario.cluster.model import NodeSpec
from kubeinfer_sim.scenario.timings.expectations import expectations

NPU = "huawei.com/ascend-1980"
VECTORS = Path(__file__).parents[2] / "vectors"
FRAME = {"apiVersion": "infer.modelarts.huaweicloud/v1", "kind": "KubeInfer", "metadata": {"name": "x"}}
LABELS = {"accelerator/huawei-npu": "ascend-1980"}
#: The base with nothing to find but what the vendor's guide itself brings along.
USUAL = {"KI001", "KI002", "KI007", "KI008", "KI022"}


def findings(text: str, nodes: tuple[NodeSpec, ...] = (), **options):
    loaded = load(text)
    expected = replace(expectations(), nodes=nodes)
    return lint(loaded.written, expected, **options)


def fired(text: str, code: str, **options):
    return [each for each in findings(text, **options) if each.code == code]


def cluster(count: int, npus: int = 8, cpu: int = 200_000, **labels: str) -> tuple[NodeSpec, ...]:
    """Nodes with NPUs and cpu (in millicores) and unlimited memory."""
    wanted = {key.replace("__", "/"): value for key, value in labels.items()} or LABELS
    return tuple(
        NodeSpec(f"n{i}", "n", {NPU: npus, "cpu": cpu}, wanted, unlimited=frozenset({"memory"}))
        for i in range(count)
    )


#: Required node affinity that contradicts the base's nodeSelector.
AFFINITY = (
    "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
    "[{matchExpressions: [{key: accelerator/huawei-npu, operator: In, values: [ascend-310]}]}]}}}"
)
#: code, changes to the base, line, severity, what the message or the fix must say.
CASES = [
    ("KI001", [], 24, "note", ["1 spare instance: 2 pods, 16 huawei.com/ascend-1980 = 2 nodes of 8"]),
    (
        "KI001",
        [("replicas: 1\n  strategy", "replicas: 4\n  strategy"), ("Surge: 20%", "Surge: 50%")],
        24,
        "note",
        ["2 spare instances: 4 pods, 32 huawei.com/ascend-1980 = 4 nodes of 8"],
    ),
    ("KI002", [], 25, "warning", ["20% of 1 instance rounds down to 0"]),
    ("KI003", [("Surge: 20%", "Surge: 3")], 24, "warning", ["3, of which 2 can never be used"]),
    (
        "KI004",
        [
            ("replicas: 1\n  strategy", "replicas: 3\n  strategy"),
            ("Unavailable: 20%", "Unavailable: 5"),
        ],
        25,
        "warning",
        ["all 3 instances", "20 min 49 s", "maxUnavailable: 2 or less"],
    ),
    (
        "KI004",
        [("Surge: 20%", "Surge: 0"), ("Unavailable: 20%", "Unavailable: 1")],
        25,
        "note",
        ["the only instance"],
    ),
    (
        "KI006",
        [("failureThreshold: 720", "failureThreshold: 100")],
        58,
        "warning",
        ["16 min 40 s (100 x 10 s)", "about 20 min 49 s", "failureThreshold: 340"],
    ),
    (
        "KI006",
        [("failureThreshold: 720", "failureThreshold: 150")],
        58,
        "note",
        ["25 min (150 x 10 s)", "up to 50 min 32 s"],
    ),
    (
        "KI007",
        [],
        63,
        "note",
        ["6 x 10 s = 60 s (not 6 x 5 s), 60-65 s", "3 x 10 s = 30 s (not 3 x 5 s), 30-35 s"],
    ),
    ("KI008", [], 72, "note", ["3 successes, 5 s apart: Ready 10 s after", "20 min 59 s after"]),
    (
        "KI009",
        [("failureThreshold: 6", "failureThreshold: 2")],
        59,
        "warning",
        ["fails its checks is killed after 5-10 s", "after 10-15 s", "failureThreshold: 14"],
    ),
    (
        "KI010",
        [
            (
                'command: ["/bin/bash", "-c"]',
                "lifecycle: {preStop: {exec: {command: [sh, -c, 'drain; sleep 115']}}}",
            ),
        ],
        40,
        "warning",
        ["the grace period is 2 min and preStop sleeps 115 s: 5 s are left", "about 30 s", "145 or more"],
    ),
    (
        "KI010",
        [
            ("GracePeriodSeconds: 120", "GracePeriodSeconds: 30"),
            ('command: ["/bin/bash", "-c"]', "lifecycle: {preStop: {httpGet: {port: 80}}}"),
        ],
        40,
        "warning",
        ["drains for about 60 s: 2 s are left to exit"],
    ),
    (
        "KI028",
        [("schedulerName: volcano", "schedulerName: volcano\n            schedulingGates: [{name: x/y}]")],
        40,
        "note",
        ["its pods stay Pending (SchedulingGated) until somebody opens the scheduling gate x/y"],
    ),
    (
        "KI028",
        [
            (
                "schedulerName: volcano",
                "schedulerName: volcano\n            readinessGates: [{conditionType: x/y}]",
            )
        ],
        40,
        "note",
        ["not Ready until somebody sets the condition of the readiness gate x/y to True"],
    ),
    (
        "KI027",
        [
            ('huawei.com/ascend-1980: "8"', 'huawei.com/ascend-1980: "4"'),
            ('huawei.com/ascend-1980: "8"', 'huawei.com/ascend-1980: "4"'),
            ("schedulerName: volcano", "schedulerName: volcano\n            hostNetwork: true"),
            ("        replicas: 1", "        replicas: 2"),
        ],
        52,
        "warning",
        [
            "port 9000 of a node can be had once",
            "4 of its 8 NPUs",
            "another pod of its role, up to 4 stay idle",
        ],
    ),
    (
        "KI025",
        [("ascend-vllm:A3.6", "Ascend-VLLM:A3.6")],
        45,
        "error",
        [
            "is no image reference",
            "InvalidImageName",
            "write swr.cn-east-4.myhuaweicloud.com/demo/ascend-vllm:a3.6",
        ],
    ),
    (
        "KI025",
        [("ascend-vllm:A3.6", "ascend-vllm:$(TAG)")],
        45,
        "error",
        ['ascend-vllm:$(TAG)"', "registry/path:tag"],
    ),
    (
        "KI026",
        [
            (
                'exec:\n                  command: ["/bin/bash", "-c", "python3 /mnt/deepseek/deploy/health.py --port 9000"]',
                "httpGet:\n                  port: http",
            ),
        ],
        55,
        "error",
        ['no port of role0 is named "http"', "never started nor killed", "name the port, or give its number"],
    ),
    (
        "KI026",
        [
            ("- containerPort: 9000", "- name: api\n                containerPort: 9000"),
            ('command: ["/bin/bash", "-c"]', "lifecycle: {preStop: {httpGet: {port: apy}}}"),
        ],
        47,
        "error",
        ['no port of role0 is named "apy": the hook fails and nothing is drained', "its ports are named api"],
    ),
    (
        "KI011",
        [("GracePeriodSeconds: 120", "GracePeriodSeconds: 3600")],
        40,
        "warning",
        ["1 h", "15 min", "45 min too early"],
    ),
    (
        "KI012",
        [('              modelarts-infer-npu-reset-enable: "true"\n', "              app: x\n")],
        36,
        "warning",
        ["there is no label", "after 60-65 s", "up to 2 h at each attempt"],
    ),
    (
        "KI012",
        [("modelarts-infer-npu-reset-enable", "modelarts-infer-npu-reset-enabled")],
        37,
        "warning",
        ["looks like modelarts-infer-npu-reset-enable but is not"],
    ),
    ("KI012", [('reset-enable: "true"', 'reset-enable: "True"')], 37, "warning", ['is "True", not "true"']),
    (
        "KI013",
        [("restart: Instance", "restart: Pod")],
        100,
        "warning",
        ["role1 restarts by Instance", "role0 by Pod"],
    ),
    (
        "KI013",
        [('reset-enable: "true"', 'reset-enable: "no"')],
        36,
        "warning",
        ["in 1 role of 2 with NPUs, not in role0"],
    ),
    (
        "KI014",
        [("        replicas: 1", "        replicas: 4"), ("restart: Instance", "restart: Pod")],
        33,
        "warning",
        ["one of 4 pods", "the other 3", "30 min"],
    ),
    ("KI015", [("restart: Instance", "restart: Custom")], 33, "warning", ["not published", "1 pod"]),
    (
        "KI018",
        [("ascend-vllm:A3.6", "ascend-vllm:latest")],
        45,
        "warning",
        ["another image", "1 of the 2 pods"],
    ),
    ("KI018", [("ascend-vllm:A3.6", "ascend-vllm")], 45, "warning", ["another image"]),
    ("KI018", [("PullPolicy: IfNotPresent", "PullPolicy: Always")], 46, "note", ["2 pods"]),
    (
        "KI021",
        [('requests:\n                  cpu: "160"', 'requests:\n                  cpu: "96"')],
        73,
        "note",
        ["cpu request 96, limit 160"],
    ),
    ("KI022", [], 89, "note", ["2 min 43 s", "20 min 49 s"]),
    (
        "KI022",
        [("hostPath:\n                path: /mnt/deepseek\n                type: Directory", "emptyDir: {}")],
        89,
        "note",
        ["emptied with every pod", "34 min 49 s"],
    ),
    (
        "KI023",
        [("schedulerName: volcano", AFFINITY)],
        39,
        "error",
        ["no value of accelerator/huawei-npu meets In ascend-1980 and In ascend-310"],
    ),
]


@pytest.mark.parametrize(
    ("code", "changes", "line", "severity", "words"),
    CASES,
    ids=lambda each: str(each)[:30],
)
def test_a_rule_fires_with_its_number_at_its_line(code, changes, line, severity, words) -> None:
    first, *_ = fired(changed(*changes), code)
    assert (first.line, first.severity) == (line, severity), first
    for each in words:
        assert each in f"{first.message} | {first.hint}", first


def without(text: str, *blocks: str) -> str:
    """The first container without some of its probes."""
    lines, skipping, seen = [], False, set()
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if skipping and indent <= 14:
            skipping = False
        name = line.strip().rstrip(":")
        if name in blocks and indent == 14 and name not in seen:
            seen.add(name)
            skipping = True
        if not skipping:
            lines.append(line)
    assert seen == set(blocks)
    return "\n".join(lines)


def test_liveness_without_startup_probe_that_kills_the_loading_engine() -> None:
    (found,) = fired(without(BASE, "startupProbe"), "KI005")
    assert (found.line, found.severity) == (53, "warning")
    assert (
        "kills the container 30 s after its start (6 x 5 s), while loading takes about 20 min 49 s"
        in found.message
    )
    assert "even with everything warm" in found.message
    patient = without(BASE, "startupProbe").replace("failureThreshold: 6", "failureThreshold: 400")
    assert not fired(patient, "KI005")


def test_a_container_without_probes_and_one_without_liveness() -> None:
    (found,) = fired(without(BASE, "startupProbe", "livenessProbe", "readinessProbe"), "KI016")
    assert (found.line, found.severity) == (44, "warning")
    assert "Ready as soon as it runs, 20 min 49 s before a cold engine can answer" in found.message
    (found,) = fired(without(BASE, "livenessProbe"), "KI017")
    assert (found.line, found.severity) == (44, "note")
    assert "out of traffic after 30-35 s" in found.message
    assert not fired(BASE, "KI016")
    assert not fired(BASE, "KI017")


def npus(number: int) -> str:
    return BASE.replace('ascend-1980: "8"', f'ascend-1980: "{number}"')


def test_a_count_of_nodes_says_where_volcano_does_not_pack_them() -> None:
    (found,) = fired(npus(4), "KI001")
    assert "= 1 node of 8 if packed, which Volcano does by binpack on accelerators alone" in found.message
    assert "packed" not in fired(npus(8), "KI001")[0].message
    elsewhere = npus(4).replace("schedulerName: volcano", "schedulerName: default-scheduler")
    assert "packed" not in fired(elsewhere, "KI001")[0].message


def test_npus_no_pod_can_use_are_counted() -> None:
    (found,) = fired(npus(3), "KI019")
    assert (found.line, found.severity) == (77, "warning")
    assert "3 of the 8 NPUs of a node: at least 2 of 8 stay idle on its nodes (25 %)" in found.message
    (found,) = fired(npus(12), "KI019")
    assert "12 of the 16 NPUs of a node: at least 4 of 16" in found.message
    mixed = npus(6).replace('ascend-1980: "6"', 'ascend-1980: "2"', 2)
    assert not fired(mixed, "KI019"), "2 fills what 6 leaves of 8"
    mixed = mixed.replace("replicas: 1", "replicas: 3", 1)
    (drawn,) = fired(mixed, "KI019")
    assert drawn.severity == "note", "2 fills what 6 leaves of 8, if it comes there"
    assert "2 of the 8 NPUs of a node: beside 2 such pods none of 6 has room, and Volcano as" in drawn.message
    assert not fired(mixed.replace("schedulerName: volcano", "schedulerName: default-scheduler"), "KI019")
    for number in (1, 2, 4, 8, 16):
        assert not fired(npus(number), "KI019")
    assert fired(npus(8), "KI019", nodes=cluster(4, npus=12)), "the cluster's own nodes count"


def test_where_cards_are_left_over_by_draws_alone_it_is_said_that_they_are_drawn() -> None:
    mixed = npus(8).replace('ascend-1980: "8"', 'ascend-1980: "4"', 2)
    (found,) = fired(mixed, "KI019")
    assert found.severity == "note"
    assert (
        "4 of the 8 NPUs of a node: beside such a pod none of 8 has room, and Volcano as shipped"
        in found.message
    )
    assert "binpack on huawei.com/ascend-1980" in found.hint
    assert not fired(mixed.replace("schedulerName: volcano", "schedulerName: default-scheduler"), "KI019")
    assert not fired(mixed, "KI019", nodes=cluster(4, npus=16)), "8 fit beside 4 of 16"
    (left,) = fired(npus(3), "KI019")
    assert (
        "(25 %), more where Volcano, which as shipped draws among nodes with room, packs fewer"
        in left.message
    )
    assert "more where" not in fired(npus(5), "KI019")[0].message, "no two of 5 share a node"


@pytest.mark.parametrize(
    ("asked", "replicas", "instances", "nodes"),
    [
        ((8, 8), 1, 1, 2),
        ((4, 4), 1, 1, 1),
        ((6, 2), 1, 3, 3),
        ((5, 3), 2, 1, 2),
        ((5, 4), 1, 2, 3),
        ((3, 3), 1, 2, 2),
        ((16, 8), 1, 2, 3),
        ((8, 8), 4, 1_000_000_000, 5_000_000_000),
    ],
)
def test_nodes_are_counted_by_packing(asked, replicas, instances, nodes) -> None:
    first, second = asked
    text = changed(
        ('ascend-1980: "8"', f'ascend-1980: "{first}"'),
        ('ascend-1980: "8"', f'ascend-1980: "{first}"'),
        ('ascend-1980: "8"', f'ascend-1980: "{second}"'),
        ('ascend-1980: "8"', f'ascend-1980: "{second}"'),
        ("        replicas: 1", f"        replicas: {replicas}"),
    )
    (kubeinfer,) = load(text).kubeinfers
    assert need_of(LintContext(kubeinfer), instances).nodes == nodes


def template(text: str) -> dict[str, Any]:
    """That of the first role of a KubeInfer."""
    (document,) = load_documents(SourceText("kubeinfer.yaml", text))
    found: dict[str, Any] = document.value["spec"]["template"]["spec"]["roles"][0]["template"]
    return found


def owned(kind: str, pods: dict[str, Any]) -> str:
    """What owns three pods of a template, or is one."""
    labels = {"app": "x", **pods["metadata"].get("labels", {})}
    pods = {**pods, "metadata": {**pods["metadata"], "labels": labels}}
    head = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "x", "labels": labels}}
    if kind == "Pod":
        return json.dumps({**head, "apiVersion": "v1", "spec": pods["spec"]}, indent=1)
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": pods}
    if kind != "DaemonSet":
        spec["replicas"] = pods_of(kind)
    return json.dumps({**head, "spec": spec}, indent=1)


def pods_of(kind: str) -> int:
    """How many pods it has as far as its own fields say."""
    return 1 if kind in ("Pod", "DaemonSet") else 3


OWNERS = [kind for kind in ALL_KINDS if kind != "KubeInfer"]


@pytest.mark.parametrize("kind", OWNERS)
def test_what_a_rule_says_of_a_pod_template_holds_whoever_owns_it(kind: str) -> None:
    """Each rule that fires on the first role of a KubeInfer alone fires on the same pods, at the same field."""
    compared = set()
    for code, changes, *_ in CASES:
        pods = template(changed(*changes))
        role = {"name": "x", "template": pods}
        one = {**FRAME, "spec": {"replicas": pods_of(kind), "template": {"spec": {"roles": [role]}}}}
        of_role = fired(json.dumps(one, indent=1), code, nodes=cluster(3))
        of_owner = fired(owned(kind, pods), code, nodes=cluster(3))
        if kind not in RULES[code].kinds:
            assert not of_owner
            continue
        if code == "KI011" and pods["spec"].get("schedulerName") != "volcano":
            continue
        compared.update(code for _ in of_role)
        whole = 0 if kind == "Pod" else 2
        assert [each.path[whole:] for each in of_owner] == [each.path[6:] for each in of_role], code
        assert [each.severity for each in of_owner] == [each.severity for each in of_role]
        assert [each.text.strip() for each in of_owner] == [each.text.strip() for each in of_role]
    assert len(compared) >= (10 if kind == "DaemonSet" else 12)


def test_no_valid_template_makes_lint_fail() -> None:
    table = json.loads(gzip.decompress((VECTORS / "golden_pod_templates.json.gz").read_bytes()))
    linted = 0
    for case in table["cases"]:
        if not case["valid"]:
            continue
        (document,) = load_documents(SourceText("template.yaml", case["input"]))
        value = {**FRAME, "spec": {"template": {"spec": {"roles": [{"template": document.value}]}}}}
        try:
            loaded = load(json.dumps(value))
        except InputError:
            continue  # what Kubernetes takes and KubeInfer does not
        lint(
            loaded.written,
            replace(expectations(), nodes=cluster(2)),
        )
        linted += 1
    assert linted > 500


def test_absurd_numbers_cost_no_time() -> None:
    text = npus(8).replace('ascend-1980: "8"', 'ascend-1980: "2000000000"', 2)
    text = text.replace("replicas: 1", "replicas: 2000000000").replace(
        "maxSurge: 20%", "maxSurge: 2000000000"
    )
    begin = time.perf_counter()
    findings(text, nodes=cluster(10))
    assert time.perf_counter() - begin < 5


def test_a_reset_group_shared_with_others_is_noted() -> None:
    (found,) = fired(npus(4), "KI020")
    assert "4 NPUs share a group of 8 that is reset together" in found.message
    (found,) = fired(npus(15), "KI020")
    assert "group of 2" in found.message
    assert not fired(npus(8), "KI020")
    assert not fired(npus(16), "KI020")


def test_no_node_of_the_cluster_has_the_labels() -> None:
    (found,) = fired(BASE, "KI023", nodes=cluster(3, accelerator__huawei_npu="x"))
    assert (found.line, found.severity) == (42, "error")
    assert "none of the 3 nodes" in found.message
    assert "accelerator/huawei-npu is on no node, not ascend-1980" in found.message
    assert not fired(BASE, "KI023", nodes=cluster(3))
    affine = changed(("schedulerName: volcano", AFFINITY.replace("accelerator/huawei-npu", "zone")))
    nodes = tuple(replace(each, labels={**LABELS, "zone": "a"}) for each in cluster(2))
    (found,) = fired(affine, "KI023", nodes=nodes)
    assert found.line == 39
    assert "zone is a there, not In ascend-310" in found.message


@pytest.mark.parametrize(
    ("expressions", "impossible"),
    [
        ("{key: a, operator: Exists}, {key: a, operator: DoesNotExist}", True),
        ("{key: a, operator: In, values: [x]}, {key: a, operator: NotIn, values: [x]}", True),
        ("{key: a, operator: In, values: [x, w]}, {key: a, operator: NotIn, values: [x]}", False),
        ("{key: a, operator: NotIn, values: [x]}, {key: a, operator: DoesNotExist}", False),
        ("{key: a, operator: In, values: [x, w]}, {key: a, operator: In, values: [w, z]}", False),
        ("{key: a, operator: Gt, values: ['3']}, {key: a, operator: DoesNotExist}", True),
    ],
)
def test_a_contradiction_needs_no_cluster(expressions: str, impossible: bool) -> None:
    old = "{key: accelerator/huawei-npu, operator: In, values: [ascend-310]}"
    text = changed(("schedulerName: volcano", AFFINITY.replace(old, expressions)))
    assert bool(fired(text, "KI023")) == impossible


def test_one_possible_term_is_enough() -> None:
    terms = AFFINITY.replace(
        "[{matchExpressions", "[{matchExpressions: [{key: b, operator: Exists}]}, {matchExpressions"
    )
    assert not fired(changed(("schedulerName: volcano", terms)), "KI023")


def test_a_pod_larger_than_any_node() -> None:
    (found,) = fired(npus(16), "KI024", nodes=cluster(4))
    assert (found.line, found.severity) == (77, "error")
    assert "16 huawei.com/ascend-1980 per pod, the largest node has 8" in found.message
    (found,) = fired(BASE, "KI024", nodes=cluster(4, cpu=100_000))
    assert "160000m cpu per pod, the largest node has 100000m" in found.message
    assert not fired(BASE, "KI024", nodes=cluster(1))


def test_with_a_cluster_the_spare_instance_is_looked_for() -> None:
    (full,) = fired(BASE, "KI001", nodes=cluster(3))
    assert full.severity == "warning"
    assert "holds its 1 instance and nothing beside" in full.message
    (roomy,) = fired(BASE, "KI001", nodes=cluster(4))
    assert roomy.severity == "note"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([("Surge: 20%", "Surge: 1"), ("Unavailable: 20%", "Unavailable: 1")], "KI001"),
        ([("Unavailable: 20%", "Unavailable: 0")], "KI002"),
        ([("replicas: 1\n  strategy", "replicas: 5\n  strategy")], "KI002"),
        ([("replicas: 1\n  strategy", "replicas: 0\n  strategy")], "KI001"),
        ([("Surge: 20%", "Surge: 1")], "KI003"),
        (
            [("replicas: 1\n  strategy", "replicas: 2\n  strategy"), ("Unavailable: 20%", "Unavailable: 1")],
            "KI004",
        ),
        ([("timeoutSeconds: 10", "timeoutSeconds: 30")], "KI009"),
        ([("        replicas: 1", "        replicas: 4")], "KI014"),
        ([("restart: Instance", "restart: Pod")], "KI014"),
        ([("ascend-vllm:A3.6", "ascend-vllm@sha256:" + "0" * 64)], "KI018"),
        ([("GracePeriodSeconds: 120", "GracePeriodSeconds: 900")], "KI011"),
        ([("schedulerName: volcano", "schedulerName: volcano\n            hostNetwork: true")], "KI027"),
        ([("schedulerName: volcano", "schedulerName: volcano\n            schedulingGates: []")], "KI028"),
        (
            [
                ('huawei.com/ascend-1980: "8"', 'huawei.com/ascend-1980: "4"'),
                ('huawei.com/ascend-1980: "8"', 'huawei.com/ascend-1980: "4"'),
                ("        replicas: 1", "        replicas: 2"),
            ],
            "KI027",
        ),
        ([("ascend-vllm:A3.6", "ascend-vllm:A3.6@sha256:" + "0" * 64)], "KI025"),
        (
            [
                ("- containerPort: 9000", "- name: api\n                containerPort: 9000"),
                ('command: ["/bin/bash", "-c"]', "lifecycle: {preStop: {httpGet: {port: api}}}"),
            ],
            "KI026",
        ),
        (
            [('command: ["/bin/bash", "-c"]', "lifecycle: {preStop: {sleep: {seconds: 90}}}")],
            "KI010",
        ),
    ],
)
def test_a_rule_is_silent_where_it_should_be(changes, code) -> None:
    assert not fired(changed(*changes), code)


def test_roles_without_npus_may_recover_alone_and_need_no_label() -> None:
    text = (DATA / "valid" / "11-full-pipeline.yaml").read_text(encoding="utf-8")
    codes = {each.code for each in findings(text)}
    assert not codes & {"KI012", "KI013", "KI014"}


@pytest.mark.parametrize("path", sorted((DATA / "valid").glob("*.yaml")), ids=lambda path: path.stem)
def test_sound_manifests_give_a_handful_of_true_findings_each_once(path: Path) -> None:
    loaded = load_manifest([str(path)])
    found = lint(loaded.written, expectations())
    codes = [each.code for each in found]
    assert len(set(codes)) == len(codes), "what holds for all roles is said once"
    assert set(codes) <= USUAL | {"KI004", "KI006"}
    assert all(each.severity == "note" for each in found if each.code not in ("KI002",))


def test_without_expectations_what_needs_them_is_silent() -> None:
    loaded = load(without(BASE, "startupProbe"))
    codes = {each.code for each in lint(loaded.written, Expectations())}
    assert not codes & {"KI005", "KI006", "KI022"}
    assert "KI007" in codes


def test_a_run_imports_the_modules_of_the_rules_it_shows_and_no_others() -> None:
    imported = {name for name in vars(shown_by_runs) if name.endswith("_rules")}
    shown = {RULES[code].check.__module__.rpartition(".")[2] for code in shown_by_runs.SHOWN_BY_RUNS}
    assert shown == imported


def test_every_rule_is_tested_by_its_code() -> None:
    text = Path(__file__).read_text(encoding="utf-8") + (
        Path(__file__).parent / "test_suppression.py"
    ).read_text(encoding="utf-8")
    assert [code for code in RULES if text.count(f'"{code}"') == 0] == []
