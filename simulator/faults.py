"""A bad line: bytes get damaged or lost, noise comes between telegrams, reads are cut short."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

_LONGEST_NOISE = 32  # bytes


@dataclass(slots=True)
class Line:
    """What a line does to telegrams; the same seed does the same to the same telegrams.

    `damage` and `lose` are probabilities per byte, `noise` is the probability of a burst of
    random bytes before a telegram, and `chunk` is the size of the pieces (0: whole telegrams).
    """

    damage: float = 0.0
    lose: float = 0.0
    noise: float = 0.0
    chunk: int = 0
    seed: int = 1
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the probabilities."""
        if not all(0 <= chance <= 1 for chance in (self.damage, self.lose, self.noise)):
            raise ValueError("damage, lose and noise are probabilities from 0 to 1")
        if self.chunk < 0:
            raise ValueError("a chunk has a size of 1 or more, or 0 for whole telegrams")
        self._random = Random(self.seed)

    def carry(self, telegram: bytes) -> Iterator[bytes]:
        """Yield the pieces in which a telegram arrives."""
        arrived = self._burst() + self._spoiled(telegram)
        size = self.chunk or max(1, len(arrived))
        for at in range(0, len(arrived), size):
            yield arrived[at : at + size]

    def _burst(self) -> bytes:
        random = self._random
        return (
            random.randbytes(random.randint(1, _LONGEST_NOISE)) if self._hits(self.noise) else b""
        )

    def _spoiled(self, telegram: bytes) -> bytes:
        if not (self.damage or self.lose):
            return telegram
        kept = (byte for byte in telegram if not self._hits(self.lose))
        return bytes(self._flipped(byte) if self._hits(self.damage) else byte for byte in kept)

    def _flipped(self, byte: int) -> int:
        return byte ^ 1 << self._random.randrange(8)

    def _hits(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance
