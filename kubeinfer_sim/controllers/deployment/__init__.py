"""The Deployment controller and the ReplicaSets below it, as in kube-controller-manager 1.36."""
