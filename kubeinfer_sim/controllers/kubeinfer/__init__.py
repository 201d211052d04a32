"""KubeInfer's own controller: instances, rolling update, recovery."""
