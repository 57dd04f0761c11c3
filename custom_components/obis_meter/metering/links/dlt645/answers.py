"""What a meter answers: readings, who it is, or why it refuses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ...errors import DecodeError, Incomplete, NoSuchData, Refused
from ...model import Message, ObisCode, Reading, Telegram
from ...security import Security
from . import data
from .formats import Field
from .frame import FROM_METER, Frame, Function, frames, learnt

_READS: Final[dict[int, int]] = {Function.READ: 4, Function.OLD_READ: 2}
"""Function that reads -> bytes of an identifier."""
_READS_ON: Final[dict[int, int]] = {Function.READ_ON: 4, Function.OLD_READ_ON: 2}
_COUNTED: Final = 4  # bytes of identifiers whose following frames end in their number
_ADDRESS: Final = 6  # bytes
_HEAD: Final = 12  # bytes of address, control, length, and an identifier of 2007
_DONE: Final = frozenset(
    (0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x84, 0x8A, 0x8C, 0x8F, 0x90)
)
"""Acknowledgements of what was asked for, 2007 and 1997."""

_NO_SUCH_DATA: Final = 1
_REASONS: Final = {
    _NO_SUCH_DATA: "it has no such data",
    2: "the password is wrong or does not suffice",
    3: "the speed cannot be changed",
    4: "there are too many year zones",
    5: "there are too many day slots",
    6: "there are too many rates",
    0: "it gives another reason",
}
"""Bit of the error byte -> in words (DL/T 645-2007, annex C)."""


@dataclass(frozen=True, slots=True)
class _Single:
    """What an answer of one value says but the value; end is the length of its payload."""

    meter: str | None
    name: ObisCode | str
    field: Field
    end: int

    def telegram(self, octets: bytes) -> Telegram:
        """Return the reading of a value; none where it is absent."""
        if (value := self.field.read(octets)) is None:
            return Telegram((), self.meter)
        return Telegram((Reading(self.name, value, self.field.unit),), self.meter)


@lru_cache(maxsize=1024)
def _single(head: bytes) -> _Single | None:
    """Return what the first bytes of an answer of 2007 tell; None unless one value follows.

    Most answers are of this kind: their head is read once.
    """
    size = _READS[Function.READ]
    if len(head) < _HEAD or head[_ADDRESS] != FROM_METER | Function.READ:
        return None
    length = head[_ADDRESS + 1]
    if (only := data.single(head[-size:][::-1].hex().upper(), length - size)) is None:
        return None
    name, field = only
    return _Single(learnt(head[:_ADDRESS][::-1].hex().upper()), name, field, _HEAD - size + length)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands behind a data identifier, all frames of it; meter as Telegram has it."""

    meter: str | None
    identifier: str
    octets: bytes


def refusal(frame: Frame) -> Refused:
    """Return why a meter refused: NoSuchData where asking again is of no use."""
    bits = frame.data[0] if frame.data else 0
    reasons = [text for bit, text in _REASONS.items() if bits >> bit & 1]
    why = f"the meter refused 0x{frame.function:02X}: {', '.join(reasons) or 'it does not say why'}"
    unknown = frame.function in _READS and bits >> _NO_SUCH_DATA & 1
    return NoSuchData(why) if unknown else Refused(why)


def decode(payload: bytes, _security: Security) -> list[Telegram | Message]:
    """Return the telegram of an answer and of the frames joined behind it.

    Incomplete after a frame that others continue; Refused where the meter says
    no; nothing for an acknowledgement.
    """
    if (known := _single(payload[:_HEAD])) and len(payload) == known.end:
        return [known.telegram(payload[_HEAD:])]
    first, *rest = frames(payload)
    if first.refused:
        raise refusal(first)
    if first.control == FROM_METER | Function.READ_ADDRESS:
        return [Telegram((), _said_address(first))]
    if first.control in _DONE:
        return []
    if first.function not in _READS:
        raise DecodeError(f"nothing asked for 0x{first.control:02X}")
    return [telegram(joined(first, rest))]


def telegram(block: Block) -> Telegram:
    """Return the readings of a block; DecodeError where nobody knows how it reads."""
    return Telegram(tuple(data.readings(block.identifier, block.octets)), block.meter)


def _said_address(frame: Frame) -> str | None:
    if len(frame.data) != _ADDRESS:
        raise DecodeError(f"an address of {len(frame.data)} bytes")
    return learnt(frame.data[::-1].hex().upper())


def identifier_of(frame: Frame) -> str:
    """Return the data identifier of an answer, by the size that its function has."""
    size = _READS.get(frame.function) or _READS_ON.get(frame.function, 0)
    return frame.data[:size][::-1].hex().upper()


def joined(first: Frame, rest: Sequence[Frame]) -> Block:
    """Return what a frame holds and the frames that continue it; Incomplete without the last."""
    size = _READS[first.function]
    octets, last = first.data[size:], first
    if len(first.data) < size:
        raise DecodeError("an answer without data identifier")
    for number, frame in enumerate(rest, 1):
        if not (last.more and continues(first, frame, number)):
            raise DecodeError("a frame that continues another block")
        octets += frame.data[size : -1 if size == _COUNTED else None]
        last = frame
    if last.more:
        raise Incomplete("the block goes on")
    return Block(first.meter, identifier_of(first), octets)


def continues(first: Frame, frame: Frame, number: int) -> bool:
    """Tell whether a frame is the one of this number behind the first of a block."""
    size = _READS[first.function]
    counted = frame.data[-1:] == bytes([number]) and len(frame.data) > size
    return (
        not frame.refused
        and frame.function == first.function + 1
        and frame.address == first.address
        and identifier_of(frame) == identifier_of(first)
        and (counted or size != _COUNTED)
    )
