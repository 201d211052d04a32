"""Random numbers by name: each decision draws from a stream named after what it decides.

The n-th number of a stream is a function of (seed, name, n) alone, so adding one object, or deciding in
another order, changes no other draw, and two strategies can be compared under the same luck (common random
numbers). Counter-based: BLAKE2b of the counter, keyed with the seed and the name.
"""

from __future__ import annotations

from hashlib import blake2b

from msgspec import Struct

#: The counter of the first number of a stream; of most streams no other is drawn.
_FIRST = bytes(8)
_from_bytes = int.from_bytes


class Stream(Struct, eq=False):
    """The numbers of one name, of one seed. Making one costs next to nothing until the first number is drawn."""

    _name: str
    _of: Streams
    _key: bytes = b""
    _count: int = 0

    def random(self) -> float:
        """The next number, uniform in [0, 1), with 53 random bits."""
        count = self._count
        if count:
            key, place = self._key, count.to_bytes(8, "little")
        else:
            of, place = self._of, _FIRST
            self._key = key = blake2b(f"{of.seed}/{self._name}".encode(), digest_size=32).digest()
            of.drawn = True
        self._count = count + 1
        return (_from_bytes(blake2b(place, digest_size=8, key=key).digest(), "little") >> 11) * 2.0**-53


class Streams:
    """All streams of one seed.

    Attributes:
        drawn: whether any number was drawn; without, every other seed gives the same run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.drawn = False

    def named(self, name: str) -> Stream:
        """A stream from its beginning; asking twice for one name gives the same numbers twice."""
        return Stream(name, self)
