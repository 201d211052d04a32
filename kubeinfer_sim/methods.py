"""Methods of results that a room above writes.

What is simulated knows nothing of reports, and still shows itself in a notebook: its class says where the function is
that takes it first, and that is imported when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import MethodType
from typing import Any


class WrittenIn:
    """A method that is a function of a module, such as `report.pictures`, with the object as its first argument."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def __get__(self, owner: object | None, kind: type) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module(f"kubeinfer_sim.{self._module}"), self._name)
        return function if owner is None else MethodType(function, owner)
