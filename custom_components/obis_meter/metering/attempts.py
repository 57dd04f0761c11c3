"""A search over line settings: listens at one after the other, and learns from what is heard."""

from dataclasses import dataclass
from math import log
from typing import Final

from .chances import Chances
from .detect import Detector, Locked
from .evidence import NOISE, Attempt, Evidence, Verdict
from .links import Link
from .model import LineSettings, Telegram


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a search waits.

    gap: no byte for so long ends a burst. quiet: and for so long a telegram. longest:
    within it every meter speaks that sends by itself; P1 of DSMR 4 and lists of HAN meters come
    every 10 s. meter_id: within it comes the list that says which meter it is. most: for
    the whole search.
    """

    gap: float = 0.4
    quiet: float = 3.0
    longest: float = 12.0
    meter_id: float = 15.0
    most: float = 90.0


_USUALLY: Final = 5  # attempts in which nearly every meter is found
_MISSED: Final = log(0.02)  # a telegram that was heard whole at the right settings, and not read
_DAMAGED: Final = log(0.7)  # one that began as telegrams do
_UNHEARD: Final = log(0.3)  # nothing was heard of a sender of quite another speed
_DEAF: Final = log(0.001)  # or of one of about our speed
_APART: Final = 4  # times the speed: quite another


class Search:
    """Says at which line settings to listen, and is fed what is heard there.

    line is how the port is to be set; ended tells when there is nothing more to do: link
    and telegrams say what was understood then, locked what needs a key, and reason is the
    word for why nothing was; understood is when the first telegram was. All times are in
    seconds of one clock.
    """

    def __init__(self, shares: Chances, patience: Patience, now: float) -> None:
        """Begin with the most frequent settings; with a single one there is nothing to try."""
        self.patience = patience
        self.shares = shares
        self.ended = False
        self.attempts: tuple[Attempt, ...] = ()
        self.understood = 0.0
        self._odds = {line: log(share) for line, share in shares.items()}
        self._began = now
        self._start(max(shares, key=shares.__getitem__), now)

    def _start(self, line: LineSettings, now: float) -> None:
        self.line = line
        self.heard = Evidence(line)
        self._detector = Detector()
        self._since = self._spoke = now
        self._idled = True

    @property
    def link(self) -> Link | None:
        """Return the link that was understood."""
        return self._detector.link

    @property
    def telegrams(self) -> list[Telegram]:
        """Return what it has said."""
        return self._detector.telegrams

    @property
    def locked(self) -> Locked | None:
        """Return the link whose telegrams a key would open."""
        return self._detector.locked

    @property
    def count(self) -> int:
        """Return how many bytes were heard, at whatever settings."""
        now = 0 if self.ended else self.heard.count  # an attempt that has ended is among them
        return now + sum(attempt.count for attempt in self.attempts)

    @property
    def is_refused(self) -> bool:
        """Tell whether the port could be set to nothing any more."""
        return not self._odds

    @property
    def reason(self) -> str:
        """Return the word for why nothing was understood."""
        if self.locked:
            return self.locked.error.lock.value
        verdicts = {attempt.verdict for attempt in self.attempts}
        words: tuple[Verdict, ...] = ("opaque", "broken")
        worst = next((word for word in words if word in verdicts), "garbled")
        return worst if self.count >= NOISE else "silent"

    @property
    def number(self) -> int:
        """Return which attempt this is, from 1."""
        return len(self.attempts) + 1

    @property
    def of(self) -> int:
        """Return how many attempts there may be."""
        return max(self.number, min(len(self._odds), _USUALLY))

    def part(self, now: float) -> float:
        """Return how far the search is, at most 1."""
        if self.link:
            return min(1.0, (now - self.understood) / self.patience.meter_id)
        silence = 2 * self.patience.longest
        return min(1.0, (now - self._began) / (silence if not self.count else self.patience.most))

    def hear(self, data: bytes, now: float) -> None:
        """Read what has come; nothing where nothing came for a gap."""
        was_understood = self.link is not None
        if data:
            self.heard.missed |= now - self._since < self.patience.gap
            self.heard.feed(data, now)
            self._detector.feed(data)
            self._spoke, self._idled = now, False
        elif not self._idled and now - self._spoke >= self.patience.quiet:
            self._detector.idle()
            self._idled = True
        if self.link:
            self.understood = self.understood if was_understood else now
            self._finish_when_known(now)
        elif self.locked:
            self.understood = now
            self._end("locked", now)
        else:
            self._weigh(bool(data), now)

    def refuse(self, now: float) -> None:
        """The port cannot be set to these line settings: try others."""
        del self._odds[self.line]
        self.ended = self.is_refused
        if not self.ended:
            self._start(max(self._odds, key=self._odds.__getitem__), now)

    def _finish_when_known(self, now: float) -> None:
        known = any(telegram.meter for telegram in self.telegrams)
        if known or now - self.understood > self.patience.meter_id:
            self._end("understood", now)

    def _weigh(self, spoke: bool, now: float) -> None:
        """Stay as long as these are the most likely settings."""
        endless = self.heard.endless
        burst = endless or (not spoke and now - self._spoke >= self.patience.gap)
        if burst:
            self.heard.pause()
        if now - self._began > self._most:
            self._end(self._verdict, now)
        elif now - self._spoke >= self.patience.longest:
            self._unheard(now)
        elif burst and self.heard.count >= NOISE:
            self._compare(now, endless=endless)

    @property
    def _most(self) -> float:
        """Return the seconds for the whole search."""
        alone = len(self._odds) == 1
        return 2 * self.patience.longest if alone else self.patience.most

    @property
    def _verdict(self) -> Verdict:
        if self._detector.unread:
            return "opaque"
        if self.heard.broken:
            return "broken"
        return "garbled" if self.heard.count >= NOISE else "silent"

    def _unheard(self, now: float) -> None:
        """Nothing came for longer than any meter is silent."""
        if self.heard.count < NOISE:
            for line in self._odds:
                self._odds[line] += _DEAF if _apart(line, self.line) < _APART else _UNHEARD
        else:
            self._odds[self.line] += _MISSED
        if self.attempts and self.count < NOISE:  # at two very different speeds
            self._end("silent", now)
        elif len(self._odds) > 1:
            self._next(now)

    def _compare(self, now: float, *, endless: bool) -> None:
        """Leave settings at which the bytes are unlikely, or were telegrams that nobody read.

        Nobody can have read one before the line was quiet, but where several have come.
        """
        odds = self._weighed(missed=self._idled or self.heard.bursts > 2 or endless)
        if max(odds, key=odds.__getitem__) != self.line:
            self._odds = self._weighed(missed=True)
            self._next(now)

    def _weighed(self, *, missed: bool) -> dict[LineSettings, float]:
        """Return the odds of all settings after what was heard here."""
        odds = {line: odd + self.heard.likelihood(line) for line, odd in self._odds.items()}
        if missed:
            lost = _DAMAGED if self.heard.broken or self._detector.unread else _MISSED
            odds[self.line] += lost * self.heard.bursts
        return odds

    def _next(self, now: float) -> None:
        self._keep(self._verdict, now)
        self._start(max(self._odds, key=self._odds.__getitem__), now)

    def _keep(self, verdict: Verdict, now: float) -> None:
        attempt = self.heard.attempt(now - self._since, verdict, self._detector.unread)
        self.attempts = (*self.attempts, attempt)

    def _end(self, verdict: Verdict, now: float) -> None:
        self._keep(verdict, now)
        self.ended = True


def _apart(one: LineSettings, other: LineSettings) -> float:
    return max(one.baudrate, other.baudrate) / min(one.baudrate, other.baudrate)
