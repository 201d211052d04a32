"""Labels that mean something to Kubernetes (k8s.io/api core/v1/well_known_labels.go, k8s.io/kubelet pkg/apis)."""

from __future__ import annotations

HOSTNAME = "kubernetes.io/hostname"
OS = "kubernetes.io/os"
ARCHITECTURE = "kubernetes.io/arch"
#: What they were called before 1.14, which kubelets go on setting → what they are called now.
BETA_ALIASES = {"beta.kubernetes.io/os": OS, "beta.kubernetes.io/arch": ARCHITECTURE}

#: Which ReplicaSet of a Deployment a pod belongs to (k8s.io/api apps/v1, DefaultDeploymentUniqueLabelKey).
POD_TEMPLATE_HASH = "pod-template-hash"
#: Which template a pod of a StatefulSet or a DaemonSet was made from (apps/v1, ControllerRevisionHashLabelKey): the
#: name of its ControllerRevision, which begins with the StatefulSet's, and of a DaemonSet the hash alone.
CONTROLLER_REVISION_HASH = "controller-revision-hash"
#: Which pod of a StatefulSet a pod is (apps/v1, StatefulSetPodNameLabel, PodIndexLabel).
POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
