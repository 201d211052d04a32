"""Pods that no controller makes."""
