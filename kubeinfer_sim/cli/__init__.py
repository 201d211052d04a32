"""The command line: one thin file per command, no logic of its own."""

from kubeinfer_sim.cli.main import main

__all__ = ["main"]
