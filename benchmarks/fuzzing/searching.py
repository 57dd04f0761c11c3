"""Searches over line settings: what is heard, and when, and which settings a port refuses."""

from collections.abc import Iterator
from functools import partial
from itertools import chain, repeat
import json
from math import isfinite
from random import Random
from typing import Final
from zlib import crc32

from metering.attempts import Patience, Search
from metering.chances import Chances, chances, suspects
from metering.dialogue import MAX_PENDING
from metering.errors import Lock
from metering.evidence import Attempt, Evidence
from metering.links import LINKS
from metering.model import LineSettings
from simulator.uart import Uart

from .cases import Case
from .engine import Verdict
from .listening import bursts, loses_check
from .oracles import BOUND, EXCEPTION, WORK, not_invented, require

_PATIENCE: Final = Patience()
_LATEST: Final = _PATIENCE.most + _PATIENCE.meter_id  # s; what is understood last says who it is
_MOST_ATTEMPTS: Final = _PATIENCE.most / _PATIENCE.gap
_TIMES: Final = 3  # a stream is heard; meters repeat themselves
_COUNTRIES: Final = (None, "NO", "NL", "DE", "AT", "CN")
_PORTS: Final = ("", "/dev/ttyUSB0 P1", "SML IR", "M-Bus", "RS485")
_LINES: Final = tuple(chances())
_REASONS: Final = {"opaque", "broken", "garbled", "silent", *(lock.value for lock in Lock)}
_WAITS: Final = (0.0, 0.02, 0.3)  # s between two reads of a burst
_PAUSES: Final = (1, 8, 31)  # gaps between bursts


class _Port:
    """Says what is heard of some bytes, and what the search made of it."""

    def __init__(self, case: Case) -> None:
        """Let the bytes decide everything."""
        self.case = case
        self.random = random = Random(crc32(case.data))
        self.sent = Uart.parse(str(LINKS[case.seed.link].lines[0]))
        self.wired = random.random() < 0.3  # the line has settings; else all are right
        self.refusing = random.choice((0.0, 0.0, 0.01, 0.3))
        self.began = self.now = random.choice((0.0, 1e6, random.random()))
        self.search = Search(_shares(random), _PATIENCE, self.now)
        self.fed = 0
        self.refused = False
        self.here = bytearray()  # heard at these settings

    def listen(self) -> None:
        """Go on until the search has ended."""
        search, line = self.search, self.search.line
        for wait, chunk in self._reads():
            self.now += wait
            require(WORK, self.now - self.began <= _LATEST + 1, "the search does not end")
            if self.random.random() < self.refusing:
                self.refused = True
                search.refuse(self.now)
            else:
                self._hear(chunk)
            if search.ended:
                return
            if search.line != line:
                line, self.here = search.line, bytearray()

    def _hear(self, chunk: bytes) -> None:
        data = self._through(chunk)
        self.fed += len(data)
        self.here += data
        self.search.hear(data, self.now)
        waiting = max(each.session.pending for each in self.search._detector._candidates)
        require(BOUND, waiting <= MAX_PENDING, f"{waiting} bytes wait")
        _small(self.search.heard)
        require(BOUND, 0.0 <= self.search.part(self.now) <= 1.0, "further than the end")
        require(BOUND, self.search.number <= self.search.of, "more attempts than there are")

    def _through(self, chunk: bytes) -> bytes:
        at = Uart.parse(str(self.search.line))
        return at.hear(chunk, self.sent) if self.wired and chunk and at != self.sent else chunk

    def _reads(self) -> Iterator[tuple[float, bytes]]:
        """Yield how long nothing comes, and what comes then: at last nothing, for ever."""
        streams = chain.from_iterable(repeat(tuple(bursts(self.case.data)), _TIMES))
        for burst in streams:
            for chunk in burst:
                yield self.random.choice(_WAITS), chunk
            for _ in range(self.random.choice(_PAUSES)):
                yield _PATIENCE.gap, b""
        yield from repeat((_PATIENCE.gap, b""))


def _shares(random: Random) -> Chances:
    """Return what is usual somewhere, or settings that its owner has chosen."""
    if random.random() < 0.2:
        return {random.choice(_LINES): 1.0}
    return chances(random.choice(_COUNTRIES), random.choice(_PORTS))


def _small(heard: Evidence) -> None:
    kept = len(heard.values), len(heard.firsts), len(heard._last)
    require(BOUND, kept <= (256, 4, 64) and kept[1] <= 4 and kept[2] <= 64, f"{kept} kept")


def _true(attempt: Attempt) -> None:
    """Require that what is kept of an attempt is possible, and can be written down."""
    counts = (attempt.zeros, attempt.odd, attempt.begun, attempt.unread)
    possible = all(0 <= each <= attempt.count for each in counts) and attempt.seconds >= 0
    require(BOUND, possible, f"{attempt!r}")
    json.dumps(attempt.record)


def on_search(case: Case) -> Verdict | None:
    """Search until the end, which comes whatever is heard."""
    port = _Port(case)
    port.listen()
    search, seed = port.search, case.seed
    told = case.damaged and seed.checked and not loses_check(seed.link, list(bursts(case.data)))
    require(BOUND, len(search.attempts) <= _MOST_ATTEMPTS, f"{len(search.attempts)} attempts")
    for attempt in search.attempts:
        _true(attempt)
    if not port.refused:
        require(BOUND, search.count == port.fed, f"{search.count} of {port.fed} bytes counted")
    if not search.link:
        require(EXCEPTION, search.reason in _REASONS, search.reason)
    elif told and search.link.name == seed.link:
        return partial(not_invented, seed, bytes(port.here), search.telegrams)
    return None


def on_evidence(case: Case) -> None:
    """Weigh bytes heard at some settings against all others, and guess who is set how."""
    random, now = Random(crc32(case.data)), 0.0
    heard = Evidence(random.choice(_LINES))
    for burst in bursts(case.data):
        for chunk in burst:
            heard.feed(bytes(byte & 2**heard.line.byte_size - 1 for byte in chunk), now)
            now += random.choice((0.0, 0.02, 7.0))
        if random.random() < 0.7:
            heard.pause()
    _small(heard)
    _true(heard.attempt(now, "garbled"))
    shares = chances(random.choice(_COUNTRIES), case.data[:40].decode("latin-1"))
    likely = [heard.likelihood(line) for line in shares]
    require(BOUND, all(map(isfinite, likely)), f"{likely}")
    among: tuple[LineSettings, ...] = random.choice((_LINES, (heard.line,), ()))
    pair = suspects(heard, shares, among)
    require(BOUND, pair is None or (pair[0] in shares and pair[1] in among), f"{pair}")
