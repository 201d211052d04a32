"""Nodes that fail, and who notices: heartbeats, node lifecycle, taint eviction, pod garbage collection."""
