"""A real cluster as input: what `kubectl get nodes` and `kubectl get pods -A` print, as JSON or YAML."""
