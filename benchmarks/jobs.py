"""What a worker is told to do: which module of `readers`, which way, which bytes."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
import json
from typing import Self

type Reader = Callable[[bytes], int]
"""Takes the bytes of one telegram, returns how many readings they hold."""


@dataclass(frozen=True, slots=True)
class Job:
    """A stream to be read, telegram by telegram; bytes as hexadecimal digits.

    link is the name of a link of ours; key and auth_key open the telegrams.
    """

    module: str
    way: str
    link: str
    telegrams: tuple[str, ...]
    key: str = ""
    auth_key: str = ""

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read what str wrote."""
        said = json.loads(line)
        return cls(**{**said, "telegrams": tuple(said["telegrams"])})

    def __str__(self) -> str:
        """Return one line."""
        return json.dumps(asdict(self))

    @property
    def chunks(self) -> list[bytes]:
        """Return the bytes of each telegram."""
        return [bytes.fromhex(telegram) for telegram in self.telegrams]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a worker took: CPU seconds for so many telegrams, and the readings in them."""

    seconds: float
    telegrams: int
    readings: int
