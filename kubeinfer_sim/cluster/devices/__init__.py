"""Accelerators of nodes: device manager, device plugin, resets, repair."""
