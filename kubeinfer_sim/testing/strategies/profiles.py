"""How large scenarios are, and how much of what may be written there is."""

from __future__ import annotations

from msgspec import Struct


class Profile(Struct, frozen=True):
    """Attributes:
    workloads: at most so many objects that own pods.
    roles: at most so many of a KubeInfer.
    actions: at most so many.
    richness: in how many of a hundred cases something is written that may be left out.
    """

    name: str
    workloads: int
    roles: int
    actions: int
    richness: int


SMALL = Profile("small", workloads=1, roles=2, actions=3, richness=15)
MEDIUM = Profile("medium", workloads=4, roles=3, actions=10, richness=40)
LARGE = Profile("large", workloads=8, roles=3, actions=25, richness=60)
PROFILES = {each.name: each for each in (SMALL, MEDIUM, LARGE)}


def profile_named(name: str) -> Profile:
    """The profile of this name.

    Raises:
        KeyError: there is none.
    """
    return PROFILES[name]
