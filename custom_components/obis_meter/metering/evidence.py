"""What bytes heard at some line settings say of those at which they were sent.

A port hands on whatever it samples: neither framing nor parity errors are marked (the
terminal has no INPCK and no PARMRK), and a break is a zero. But a sender that is slower than
we are holds every level for several of our bits, so that few values can be heard at all; and
seven bits with even parity, heard as eight bits, leave an even number of ones.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from math import ceil, floor, log
import re
from typing import Final, Literal

from .model import LineSettings

NOISE: Final = 8  # bytes; fewer come of plugging a cable in
_BURST: Final = 4  # bytes; a telegram leaves as many at a speed that is much too low
_VALUES: Final = 256
_STRAY: Final = 0.02  # share of bytes that noise may have made
_ENOUGH: Final = 64  # bytes; more do not make us surer, because meters repeat themselves
_AT_EDGE: Final = 0.8  # share of start bits that are taken at the edge of a slower sender's bit
_KNOWN: Final = 0.9  # share of telegrams that begin as we know
_FRAME: Final = 9.5  # bits after which a level that has not changed is a break
_LEVELS: Final = 0.27  # low levels per bit of telegrams, on average
_ENDLESS: Final = 6.0  # seconds; 700 octets at 2400 baud take three
_BRIEF: Final = 0.1  # seconds; ports deliver bytes with delays of some hundredths
_DOUBT: Final = 4.0  # a pace tells as much as this at most, because networks delay too
_FIRSTS: Final = 4  # bursts whose first bytes are looked at
_SHORT, _LONG, _LONGEST = 30, 1500, 5000  # octets of telegrams, and of several in a row
_EVEN: Final = b"[" + b"".join(rb"\x%02x" % octet for octet in range(0, 256, 2)) + b"]"
_ADDRESS: Final = _EVEN + b"{0,3}" + _EVEN.replace(b"[", b"[^")  # of HDLC: the last octet is odd
_TEXT: Final = rb"/[A-Za-z]{3}[0-9]"
_BINARY: Final = (
    rb"\x7e[\xa0-\xa7].(?:" + _ADDRESS + rb"){2}[\x03\x10\x13]",
    rb"\x1b{4}\x01{4}",
    rb"\x68(.)\1\x68",
    rb"\xdb\x08[A-Z]{3}",
)
_BEGIN: Final = {
    7: re.compile(_TEXT),
    8: re.compile(b"|".join((_TEXT, *_BINARY)), re.DOTALL),
}
"""Data bits -> how telegrams begin: P1 and IEC 62056-21; HDLC, SML, M-Bus, and ciphered ones."""

_MARKS: Final = b"\x7e\x68\x1b\x2f\xdb\x0f\xe6\xfe\x02"
"""Their first bytes, those of bare bodies, DL/T 645 and data messages among them."""

type Verdict = Literal["silent", "garbled", "broken", "opaque", "locked", "understood"]


@lru_cache(maxsize=1024)
def hearable(sent: LineSettings, heard: LineSettings) -> Mapping[int, float]:
    """Return the bytes that can be heard where a sender and we are set in these ways.

    With them their shares, all alike but for those of a slower sender at which a start
    bit was not taken at its edge.
    """
    every = range(2**heard.byte_size)
    ratio = heard.baudrate / sent.baudrate
    if ratio > _FRAME:
        return {0: 1.0}
    if ratio > 1:
        runs = {byte: _runs(byte, heard.byte_size) for byte in every}
        held = [byte for byte, run in runs.items() if all(_is_held(n, ratio) for n in run[1:-1])]
        aligned = {byte for byte in held if len(runs[byte]) == 1 or _is_held(runs[byte][0], ratio)}
        shifted = set(held) - aligned
        return _shares(aligned, _AT_EDGE if shifted else 1.0) | _shares(shifted, 1 - _AT_EDGE)
    if ratio == 1 and (sent.byte_size, heard.byte_size, heard.parity) == (7, 8, "N"):
        odd = sent.parity == "O"
        return _shares({byte for byte in every if byte.bit_count() % 2 == odd}, 1.0)
    return _shares(set(every), 1.0)


def _shares(values: set[int], share: float) -> dict[int, float]:
    return {value: share / len(values) for value in values}


def _runs(byte: int, size: int) -> list[int]:
    """Return for how many bits each level lasts, from the start bit to the last data bit."""
    bits = [0, *(byte >> place & 1 for place in range(size))]
    return [len(list(run)) for _, run in groupby(bits)]


def _is_held(run: int, ratio: float) -> bool:
    """Tell whether a level lasts for whole bits of a slower sender."""
    return any(floor(n * ratio) <= run <= ceil(n * ratio) for n in range(1, run + 1))


def _is_first(byte: int, sent: LineSettings, heard: LineSettings) -> bool:
    """Tell whether telegrams of such a sender begin with a byte: it is right at any parity."""
    if heard.byte_size < 8:
        return byte in {mark & 0x7F for mark in _MARKS}
    if sent.byte_size < 8:
        byte &= 0x7F
    return byte in _MARKS


@dataclass(frozen=True, slots=True)
class Attempt:
    """How listening at some line settings went: small enough to be kept, and without content.

    zeros are bytes that breaks may be; odd those with an odd number of ones; begun telegrams
    that seemed to begin; unread frames that were intact and not understood.
    """

    line: LineSettings
    seconds: float
    count: int
    verdict: Verdict
    zeros: int = 0
    odd: int = 0
    begun: int = 0
    unread: int = 0

    @property
    def record(self) -> dict[str, str | int | float | dict[str, int]]:
        """Return it as an entry keeps it."""
        kinds = {"zeros": self.zeros, "odd": self.odd, "begun": self.begun, "unread": self.unread}
        return {
            "line": str(self.line),
            "seconds": round(self.seconds, 1),
            "bytes": self.count,
            "verdict": self.verdict,
            "errors": kinds,
        }


@dataclass(slots=True)
class Evidence:
    """The bytes heard at some line settings, as far as they tell of a sender's.

    burst is the longest run of bytes without a pause, and lasted its seconds; bursts counts
    those that came whole, firsts are their first bytes. Of the very first, something was missed
    where it was under way already. endless: no pause has come for longer than telegrams last.
    """

    line: LineSettings
    values: Counter[int] = field(default_factory=Counter)
    count: int = 0
    burst: int = 0
    bursts: int = 0
    begun: int = 0
    missed: bool = False
    firsts: bytes = b""
    lasted: float = 0.0
    endless: bool = False
    _running: int = 0
    _since: float = 0.0
    _last: bytes = b""

    def feed(self, data: bytes, now: float) -> None:
        """Take note of bytes, and of the moment at which they came, in seconds."""
        if not self._running:
            self._since = now
        if not self._running and not self.missed:
            self.firsts = (self.firsts + data[:1])[:_FIRSTS]
        self.values.update(data)
        self.count += len(data)
        self._running += len(data)
        if self._running > self.burst:
            self.burst, self.lasted = self._running, now - self._since
        begin = _BEGIN[self.line.byte_size]
        self.endless = now - self._since > _ENDLESS
        self.begun += len(begin.findall(self._last + data)) - len(begin.findall(self._last))
        self._last = (self._last + data)[-_ENOUGH:]

    def pause(self) -> None:
        """The line went quiet."""
        if self._running >= _BURST:
            self.bursts += not self.missed
            self.missed = False
        self._running, self._last, self.endless = 0, b"", False

    @property
    def broken(self) -> bool:
        """Tell whether telegrams seem to begin, more often than noise looks so."""
        return self.begun * _LONGEST > self.count

    def likelihood(self, sent: LineSettings) -> float:
        """Return the logarithm of how likely these bytes are of a sender that is set so."""
        shares = hearable(sent, self.line)
        said = sum(
            times * log((1 - _STRAY) * shares.get(value, 0.0) + _STRAY / _VALUES)
            for value, times in self.values.items()
        )
        enough = min(1.0, _ENOUGH / max(1, self.count))
        return said * enough + self._begins(sent) + self._length(sent)

    def _begins(self, sent: LineSettings) -> float:
        """Return the logarithm of how likely the first bytes are, beside any others."""
        if sent.baudrate != self.line.baudrate:
            return 0.0
        known = log(_KNOWN * _VALUES / len(_MARKS))
        others = log((1 - _KNOWN) * _VALUES / (_VALUES - len(_MARKS)))
        return sum(known if _is_first(one, sent, self.line) else others for one in self.firsts)

    def _length(self, sent: LineSettings) -> float:
        """Return the logarithm of how likely bursts are of this length, as far as it is known.

        Of breaks there is one for every low level: they come as fast as these.
        """
        if self.line.baudrate > _FRAME * sent.baudrate:
            if self.lasted < _BRIEF:
                return 0.0
            pace = self.burst / self.lasted / sent.baudrate / _LEVELS
            return max(-_DOUBT, -2 * log(pace) ** 2)
        octets = self.burst * sent.baudrate / self.line.baudrate
        if self.burst < NOISE or sent.baudrate < self.line.baudrate:
            return 0.0
        return log(1.0 if _SHORT <= octets <= _LONG else 0.3 if octets <= _LONGEST else 0.03)

    def attempt(self, seconds: float, verdict: Verdict, unread: int = 0) -> Attempt:
        """Return what is kept of it."""
        odd = sum(times for byte, times in self.values.items() if byte.bit_count() % 2)
        return Attempt(
            self.line, seconds, self.count, verdict, self.values[0], odd, self.begun, unread
        )
