"""A meter whose telegrams travel ciphered, in blocks, or in frames of another kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .ciphering import Cipher, counter
from .device import Turn
from .registers import Truth
from .snapshot import Snapshot


class Speaker(Protocol):
    """What a meter says, whatever carries it."""

    @property
    def phases(self) -> int:
        """1 or 3."""

    @property
    def turns(self) -> Sequence[Turn]:
        """Return the lists with their times."""

    def apdu(self, snapshot: Snapshot, list_number: int = 1) -> bytes:
        """Return one list, without frame."""

    def truth(self, snapshot: Snapshot, list_number: int = 1) -> Truth:
        """Return its readings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A meter behind another link; `frame` turns an APDU into the bytes on the wire."""

    inner: Speaker
    link: str
    frame: Callable[[bytes], bytes] = bytes
    cipher: Cipher | None = None
    line: str = "2400 8E1"

    @property
    def phases(self) -> int:
        """1 or 3."""
        return self.inner.phases

    @property
    def turns(self) -> Sequence[Turn]:
        """Return the lists with their times."""
        return self.inner.turns

    def telegram(self, snapshot: Snapshot, list_number: int = 1) -> bytes:
        """Return the bytes of one list on the wire; the counter follows the meter's clock."""
        apdu = self.inner.apdu(snapshot, list_number)
        if self.cipher:
            apdu = self.cipher.seal(apdu, counter(snapshot.when))
        return self.frame(apdu)

    def truth(self, snapshot: Snapshot, list_number: int = 1) -> Truth:
        """Return the readings that this telegram carries."""
        return self.inner.truth(snapshot, list_number)
