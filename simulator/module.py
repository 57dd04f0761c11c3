"""A meter as its communication module knows it: RFC 1662 frames, both ways.

7E FF 03 protocol(2) length(2) command body FCS(2) 7E; nothing is escaped, the FCS is CRC-16/X.25
over FF..body, high byte first. 0x2100 carries telegrams, 0x2200 questions, answers and events.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from .checksums import crc16_x25
from .clock import standard
from .device import Device, Turn
from .registers import Truth
from .snapshot import Snapshot

TRANSPARENT, COMMANDS = 0x2100, 0x2200
GET, SET, EVENT, ACTION, ERROR, DATA = 0xC0, 0xC1, 0xC2, 0xC3, 0xC8, 0xBF
RESPONSE = 4  # what a response's code is above that of its question
SUCCESS, FAILED = b"\x01\x00", b"\x01\x0c"
VISIBLE, OCTETS, UNSIGNED8, UNSIGNED16, UNSIGNED32 = 0x0A, 0x09, 0x11, 0x12, 0x06

STATE, LINK_QUALITY, SERIAL, NAME = 0x8002, 0x8003, 0x8005, 0x8007
_ASKED = (LINK_QUALITY, STATE, NAME)
_WRAPPER = b"\x00\x01"
_FLAG, _START = b"\x7e", b"\x7e\xff\x03"
_HEAD, _TAIL = 7, 3  # bytes before the command, and after the body
_LONGEST = 8192  # bytes that a meter keeps of what is not whole


def frame(protocol: int, command: int, body: bytes) -> bytes:
    """Return a frame."""
    text = b"\xff\x03" + protocol.to_bytes(2, "little")
    text += (1 + len(body)).to_bytes(2, "big") + bytes([command]) + body
    return _FLAG + text + crc16_x25(text).to_bytes(2, "big") + _FLAG


def frames(heard: bytearray) -> Iterator[tuple[int, int, bytes]]:
    """Remove whole frames and yield protocol, command and body of each that is intact.

    One that is not whole is kept for its rest to come, unless an intact one follows: then its
    length was damaged on the way, and nothing is waited for.
    """
    at = heard.find(_START)
    while at >= 0:
        size = int.from_bytes(heard[at + 5 : at + _HEAD], "big") + _HEAD + _TAIL
        text, tail = bytes(heard[at + 1 : at + size - _TAIL]), heard[at + size - _TAIL : at + size]
        if len(tail) == _TAIL and tail == crc16_x25(text).to_bytes(2, "big") + _FLAG:
            del heard[: at + size - 1]  # the closing flag may also open the next frame
            yield int.from_bytes(text[2:4], "little"), text[6], text[7:]
            at = -1
        at = heard.find(_START, at + 1)
    del heard[:-_LONGEST]


def number(parameter: int) -> bytes:
    """Return the number of a parameter as it stands in a body."""
    return parameter.to_bytes(2, "little")


@dataclass(slots=True)
class Parameter:
    """What a parameter holds: the tag of its type and its octets; whether it may be set."""

    tag: int
    octets: bytes
    fixed: bool = False

    def answer(self, item: int) -> bytes:
        """Return length, item, type and value."""
        counted = bytes([len(self.octets)]) if self.tag in (VISIBLE, OCTETS) else b""
        inner = item.to_bytes(2, "big") + bytes([self.tag]) + counted + self.octets
        return bytes([len(inner)]) + inner

    def take(self, body: bytes) -> bool:
        """Take a new value, typed or as it is; tell whether it fits."""
        typed = len(body) > 3 and body[0] == len(body) - 1 and body[3] == self.tag
        octets = body[5 if self.tag in (VISIBLE, OCTETS) else 4 :] if typed else body[1:]
        fits = self.tag in (VISIBLE, OCTETS) or len(octets) == len(self.octets)
        if self.fixed or not fits or not body:
            return False
        self.octets = octets
        return True


def usual(serial: str) -> dict[int, Parameter]:
    """Return the parameters that such a meter has."""
    return {
        SERIAL: Parameter(VISIBLE, serial.encode("ascii"), fixed=True),
        0x2801: Parameter(OCTETS, b"apn.test"),
        0x2802: Parameter(UNSIGNED8, b"\x0f"),
        0x2803: Parameter(UNSIGNED16, b"\x03\x84"),
        0x2804: Parameter(UNSIGNED32, b"\xff\xff\xff\xfe", fixed=True),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleDevice:
    """A meter that passes the telegrams of another interface on to its module."""

    inner: Device
    serial: str
    quality: int = 20  # the signal quality that its frames carry
    asks_every: timedelta = timedelta(seconds=30)
    event_every: timedelta = timedelta(minutes=1)
    line: str = "115200 8N1"
    link: str = "rfc1662"

    @property
    def phases(self) -> int:
        """1 or 3."""
        return self.inner.phases

    @property
    def turns(self) -> Sequence[Turn]:
        """Return the lists with their times."""
        return self.inner.turns

    def telegram(self, snapshot: Snapshot, list_number: int = 1) -> bytes:
        """Return the frame that carries a telegram."""
        inner = self.inner.telegram(snapshot, list_number)
        return frame(TRANSPARENT | self.quality, DATA, inner)

    def truth(self, snapshot: Snapshot, list_number: int = 1) -> Truth:
        """Return the readings of a list."""
        return self.inner.truth(snapshot, list_number)


@dataclass
class ModuleTalk:
    """What one meter says to its module, and what it answers.

    received is everything that the module sent, answers what it answered. Questions about
    parameters that are unanswered stay so.
    """

    device: ModuleDevice
    parameters: dict[int, Parameter] = field(default_factory=dict)
    unanswered: set[int] = field(default_factory=set)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    heard: bytearray = field(default_factory=bytearray)
    events: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        """Have the usual parameters, unless others were given."""
        self.parameters = self.parameters or usual(self.device.serial)

    def spontaneous(self, when: datetime) -> Iterator[bytes]:
        """Yield questions to the module, and events, that are due."""
        moment = standard(when)
        if Turn(1, self.device.asks_every).is_due(moment):
            yield from (frame(COMMANDS, GET, number(asked) + b"\x00\x01") for asked in _ASKED)
        if Turn(1, self.device.event_every, timedelta(seconds=50)).is_due(moment):
            body = number(0x2860) + bytes([1, next(self.events) & 0xFF])
            yield frame(COMMANDS, EVENT, body)

    def respond(self, data: bytes) -> bytes:
        """Return the answers to what the module sent."""
        self.received += data
        self.heard += data
        return b"".join(self._answer(*said) for said in frames(self.heard))

    def _answer(self, protocol: int, command: int, body: bytes) -> bytes:
        if protocol == TRANSPARENT:
            return frame(TRANSPARENT, DATA, _returned(body))
        parameter, rest = int.from_bytes(body[:2], "little"), body[2:]
        if command not in (GET, SET, ACTION) or parameter in self.unanswered:
            self.answers.append((command, body))
            return b""
        said = self._act(command, parameter, rest)
        if said is None:
            return frame(COMMANDS, ERROR, body[:2] + FAILED)
        return frame(COMMANDS, command + RESPONSE, body[:2] + said)

    def _act(self, command: int, parameter: int, rest: bytes) -> bytes | None:
        if command == ACTION:
            return SUCCESS if parameter == 0x3007 else None
        if (known := self.parameters.get(parameter)) is None:
            return None
        if command == GET:
            return known.answer(parameter & 0xFF)
        return SUCCESS if known.take(rest) else FAILED


def _returned(body: bytes) -> bytes:
    """Return what a meter sends back: a wrapper with its ports exchanged, anything else as is."""
    if body.startswith(_WRAPPER) and len(body) >= 8:
        return body[:2] + body[4:6] + body[2:4] + body[6:]
    return body
