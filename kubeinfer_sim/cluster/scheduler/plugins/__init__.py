"""One module per kube-scheduler plugin, filter and score side by side (pkg/scheduler/framework/plugins)."""
