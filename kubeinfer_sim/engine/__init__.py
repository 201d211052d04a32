"""Simulated time: clock, timers, named random streams, the history. Knows nothing of Kubernetes."""
