"""KubeInfer's own controller: instances, rolling updates, recovery."""
