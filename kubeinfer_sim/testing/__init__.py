"""For tests: the project's own, and those of users who check their manifests in CI.

    from kubeinfer_sim.testing import assert_objectives, min_ready

The assertions are imported when they are asked for: pytest imports this package for its plugin, which costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubeinfer_sim.testing.assertions import MinReady, assert_objectives, min_ready

__all__ = ["MinReady", "assert_objectives", "min_ready"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from kubeinfer_sim.testing import assertions

        return getattr(assertions, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
