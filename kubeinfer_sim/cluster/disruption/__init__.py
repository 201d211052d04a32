"""PodDisruptionBudgets, the eviction API and `kubectl drain`."""
