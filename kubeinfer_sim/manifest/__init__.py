"""What the user wrote: YAML text with positions, KubeInfer objects, Kubernetes rules, lint."""
