"""What an object that exists may not become: the API server's words, and what it takes all the same."""

from __future__ import annotations

import pytest
import yaml

from kubeinfer_sim.manifest.kubernetes.updates import invalid, update_errors

#: kind, what it is, what it becomes, what the API server says ("" takes it).
UPDATES = [
    (
        "Deployment",
        "spec: {selector: {matchLabels: {app: web}}}",
        "spec: {selector: {matchLabels: {app: other}}}",
        'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    ),
    (
        "Deployment",
        "spec: {selector: {matchLabels: {app: web}}, replicas: 1}",
        "spec: {selector: {matchLabels: {app: web}, matchExpressions: []}, replicas: 5}",
        "",
    ),
    (
        "ReplicaSet",
        "spec: {selector: {matchLabels: {app: web}}}",
        "spec: {selector: {matchLabels: {app: web, tier: b}}}",
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"b"}}: field is immutable',
    ),
    (
        "StatefulSet",
        "spec: {serviceName: a, replicas: 1}",
        "spec: {serviceName: b, replicas: 1}",
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
        "forbidden",
    ),
    (
        "StatefulSet",
        "spec: {serviceName: a, replicas: 1}",
        "spec: {serviceName: a, replicas: 2, podManagementPolicy: OrderedReady, updateStrategy: {type: OnDelete}}",
        "",
    ),
    (
        "Service",
        "spec: {clusterIP: 10.0.0.1}",
        "spec: {clusterIP: 10.0.0.2}",
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    ),
    (
        "Service",
        "spec: {}",
        "spec: {clusterIP: None}",
        'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set',
    ),
    (
        "Service",
        "spec: {clusterIP: None}",
        "spec: {clusterIP: 10.0.0.2}",
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    ),
    # An address that is left out is taken over, and which one has been allocated is not known.
    ("Service", "spec: {clusterIP: 10.0.0.1}", "spec: {ports: [{port: 80}]}", ""),
    ("Service", "spec: {}", "spec: {clusterIP: 10.0.0.2}", ""),
    ("Service", "spec: {clusterIP: 10.0.0.1}", "spec: {clusterIPs: [10.0.0.1, fd00::1]}", ""),
    ("Service", "spec: {clusterIP: 10.0.0.1}", "spec: {type: ExternalName, externalName: x.example}", ""),
    (
        "Service",
        "spec: {type: LoadBalancer, loadBalancerClass: a/b}",
        "spec: {type: LoadBalancer, loadBalancerClass: a/c}",
        'spec.loadBalancerClass: Invalid value: "a/c": may not change once set',
    ),
    ("PriorityClass", "value: 1000", "value: 2000", "value: Forbidden: may not be changed in an update."),
    ("PriorityClass", "value: 1000", "{value: 1000, description: x, globalDefault: true}", ""),
    (
        "PriorityClass",
        "value: 1000",
        "{value: 1000, preemptionPolicy: Never}",
        'preemptionPolicy: Invalid value: "Never": field is immutable',
    ),
    (
        "PersistentVolumeClaim",
        "spec: {storageClassName: fast, resources: {requests: {storage: 1Gi}}}",
        "spec: {storageClassName: slow, resources: {requests: {storage: 1Gi}}}",
        "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName "
        "for bound claims",
    ),
    (
        "PersistentVolumeClaim",
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}",
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
    ),
    (
        "PersistentVolumeClaim",
        "spec: {accessModes: [ReadWriteOnce], volumeName: pv-1, resources: {requests: {storage: 1Gi}}}",
        "spec: {accessModes: [ReadWriteOnce], volumeMode: Filesystem, storageClassName: standard, "
        "resources: {requests: {storage: 1024Mi}}}",
        "",
    ),
    (
        "Pod",
        "spec: {containers: [{name: c, image: 'i:1'}]}",
        "spec: {containers: [{name: c, image: 'i:1'}], nodeSelector: {a: b}}",
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
        "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    ),
    (
        "Pod",
        "spec: {containers: [{name: c, image: 'i:1'}]}",
        "spec: {containers: [{name: c, image: 'i:1'}, {name: d, image: 'i:1'}]}",
        "spec.containers: Forbidden: pod updates may not add or remove containers",
    ),
    (
        "Pod",
        "spec: {nodeName: n, priority: 0, containers: [{name: c, image: 'i:1'}]}",
        "spec: {restartPolicy: Always, tolerations: [{key: k}], containers: [{name: c, image: i}]}",
        "",
    ),
    (
        "Pod",
        "spec: {tolerations: [{key: k, tolerationSeconds: 3, effect: NoExecute}], containers: []}",
        "spec: {tolerations: [{key: k, tolerationSeconds: 9, effect: NoExecute}], containers: []}",
        "",
    ),
    (
        "Pod",
        "spec: {tolerations: [{key: k}], containers: []}",
        "spec: {containers: []}",
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ),
    (
        "Pod",
        "spec: {schedulingGates: [{name: a}], containers: []}",
        "spec: {schedulingGates: [{name: b}], containers: []}",
        "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'b'",
    ),
    (
        "Pod",
        "spec: {schedulingGates: [{name: a}], containers: []}",
        "spec: {nodeSelector: {a: b}, containers: []}",
        "",
    ),
    ("ConfigMap", "{immutable: true, data: {a: b}}", "{immutable: true, data: {a: b}}", ""),
    ("ConfigMap", "data: {a: b}", "data: {a: c}", ""),
    (
        "ConfigMap",
        "{immutable: true, data: {a: b}}",
        "{immutable: true, data: {a: c}}",
        "data: Forbidden: field is immutable when `immutable` is set",
    ),
    (
        "RuntimeClass",
        "handler: a",
        "handler: b",
        'handler: Invalid value: "b": field is immutable',
    ),
    (
        "Secret",
        "data: {a: b}",
        "{type: kubernetes.io/tls, data: {a: c}}",
        'type: Invalid value: "kubernetes.io/tls": field is immutable',
    ),
    ("Secret", "{type: Opaque, data: {a: b}}", "data: {a: c}", ""),
    (
        "StorageClass",
        "{provisioner: a, parameters: {b: c}}",
        "{provisioner: d, reclaimPolicy: Retain, volumeBindingMode: WaitForFirstConsumer}",
        "parameters: Forbidden: updates to parameters are forbidden.\n"
        "provisioner: Forbidden: updates to provisioner are forbidden.\n"
        "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.\n"
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ),
    ("StorageClass", "provisioner: a", "{provisioner: a, reclaimPolicy: Delete, mountOptions: [x]}", ""),
    (
        "PersistentVolume",
        "spec: {hostPath: {path: /a}, capacity: {storage: 1Gi}, nodeAffinity: {required: {nodeSelectorTerms: [a]}}}",
        "spec: {nfs: {path: /a, server: s}, volumeMode: Block}",
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n"
        'volumeMode: Invalid value: "Block": field is immutable\n'
        "nodeAffinity: Invalid value: null: field is immutable",
    ),
    (
        "PersistentVolume",
        "spec: {csi: {driver: d}, capacity: {storage: 1Gi}}",
        "spec: {csi: {driver: d, controllerExpandSecretRef: {name: s}}, capacity: {storage: 2Gi}, "
        "storageClassName: b, volumeMode: Filesystem, nodeAffinity: {required: {nodeSelectorTerms: [a]}}}",
        "",
    ),
    (
        "PersistentVolume",
        "spec: {csi: {driver: d, controllerExpandSecretRef: {name: s}}}",
        "spec: {csi: {driver: d}}",
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
    ),
    ("PersistentVolume", "spec: {hostPath: {path: /a}}", "spec: {hostPath: {path: /a, type: ''}}", ""),
    ("KubeInfer", "spec: {replicas: 1}", "spec: {replicas: 2}", ""),
]


@pytest.mark.parametrize(("kind", "old", "new", "words"), UPDATES)
def test_an_update_is_refused_in_the_words_of_the_api_server(kind: str, old: str, new: str, words: str):
    before, after = ({"kind": kind, **yaml.safe_load(each)} for each in (old, new))
    assert "\n".join(str(each) for each in update_errors(before, after)) == words


def test_an_answer_names_kind_group_and_name_and_every_error_once() -> None:
    assert invalid("Service", "web", ["spec: no"]) == 'Service "web" is invalid: spec: no'
    assert invalid("PriorityClass", "high", ["a: b", "c: d", "a: b"]) == (
        'PriorityClass.scheduling.k8s.io "high" is invalid: [a: b, c: d]'
    )
