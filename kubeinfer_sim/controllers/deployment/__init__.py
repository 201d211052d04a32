"""The controllers of the kinds of apps/v1, as in kube-controller-manager 1.36."""
