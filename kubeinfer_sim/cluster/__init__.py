"""The simulated machines, one module per real component."""
