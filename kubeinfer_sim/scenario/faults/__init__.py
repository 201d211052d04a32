"""Faults, their kinds and processes, as written, checked and played."""
