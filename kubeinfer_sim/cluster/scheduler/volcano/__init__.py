"""Volcano's scheduler (v1.15.1): gangs as PodGroups, placed in a cycle of its own."""
