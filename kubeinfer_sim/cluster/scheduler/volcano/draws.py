"""What chance decides in Volcano, which takes any of the nodes of equal score."""

from __future__ import annotations

from collections.abc import Callable, Hashable


class Draws:
    """The numbers that choose among nodes of equal score.

    Args:
        uniform: draws numbers in [0, 1) for a pod, by what they decide.
    """

    def __init__(self, uniform: Callable[[Hashable, int | str], Callable[[], float]]) -> None:
        self._uniform = uniform
        self._attempt: int | str = 0

    def of_pod(self, pod: Hashable) -> float:
        """The next for a pod."""
        return self._uniform(pod, self._attempt)()

    def of_uid(self, pod: Hashable) -> float:
        """What stands for a pod's UID."""
        return self._uniform(pod, f"uid/{self._attempt}")()

    def of_preemption(self, pod: Hashable) -> Callable[[], float]:
        """One after the other for the nodes where a pod may have others evicted."""
        return self._uniform(pod, "preempt")

    def begin(self, attempt: int | str) -> None:
        """Another attempt to give pods their places."""
        self._attempt = attempt
