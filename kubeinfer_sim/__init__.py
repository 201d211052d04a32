"""Dry-run KubeInfer deployments, rolling updates and failures on a simulated Ascend NPU cluster."""

from kubeinfer_sim._version import __version__

__all__ = ["__version__"]
