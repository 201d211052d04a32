"""The fixtures of `scenario_files.py`, for this folder."""

from scenario_files import findings, folder, load

__all__ = ["findings", "folder", "load"]
