"""Rare events: faults are made likely where they matter, and every run counts by its likelihood ratio."""
