"""A total between two of its readings, for meters that send it hourly: the power since, added."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Final

_HOUR: Final = 3600
_PACE: Final = 15.0  # seconds between two readings of power, at the most
_LONGEST_GAP: Final = 120.0  # seconds without power that may still be bridged
_STEP: Final = 2.0  # seconds, at least, between what is remembered of the way of the energy
_FULL_HOUR: Final = 120.0  # seconds after the hour that count as just past
_LATEST: Final = 30.0  # seconds that a list may come after what its clock says
_TOO_FAR: Final = 1000  # Wh that a live total may be ahead and wait
_GRAIN: Final = 10  # Wh, in which some meters count


@dataclass(slots=True)
class LiveState:
    """What has to survive a restart. Energies in Wh, power in W, times in seconds since 1970.

    since is the energy that came after the total; told the highest value told;
    grain what the total is a multiple of.
    """

    total: Decimal | None = None
    clock: str | None = None
    since: float = 0.0
    told: Decimal | None = None
    power: float | None = None
    at: float = 0.0
    grain: int = _GRAIN


type AtHour = tuple[float, Decimal]
"""A full hour, in seconds since 1970, and the total at it, Wh."""


class LiveTotal:
    """Follows one total: never falls, waits when it is ahead, is exact again at each total.

    Exact to the meter's last digit: where it counts in 10 Wh, we know better.
    """

    def __init__(self, state: LiveState | None = None) -> None:
        """Go on from where a restart found us."""
        self.state = state or LiveState()
        self._trail: deque[tuple[float, float]] = deque()

    @property
    def value(self) -> Decimal | None:
        """Return the total by now, kWh; None before the first total was heard."""
        return None if self.state.told is None else self.state.told / 1000

    def power(self, watts: float, at: float) -> None:
        """Take note of the power at a time.

        It stays as it is until the next reading; over a gap it changes evenly.
        """
        state = self.state
        gap = at - state.at
        if state.power is not None and 0 < gap <= _LONGEST_GAP:
            mean = state.power if gap <= _PACE else (state.power + watts) / 2
            state.since += mean * gap / _HOUR
        state.power, state.at = watts, at
        if len(self._trail) > 1 and at - self._trail[-2][0] < _STEP:
            self._trail.pop()
        self._trail.append((at, state.since))
        while at - self._trail[0][0] > _FULL_HOUR + _LONGEST_GAP:
            self._trail.popleft()
        self._tell()

    def extend(self, at: float) -> None:
        """Reckon with the last power up to a time soon after it."""
        power, gap = self.state.power, at - self.state.at
        if power is not None and 0 < gap <= _PACE:
            self.power(power, at)

    def total(self, watt_hours: Decimal, at: float, clock: datetime | None) -> AtHour | None:
        """Take note of a total; return what it was at the full hour, where that is just past.

        The clock in the list tells when the meter held it: some send the total
        of the full hour ten seconds later. Some repeat the list of the hour
        before, with the same clock: that changes nothing.
        """
        state = self.state
        said = clock.isoformat() if clock else None
        if said is not None and said == state.clock and watt_hours == state.total:
            return None
        held = _held(at, clock)
        past = held % _HOUR
        meanwhile = self._between(held - past, held) if past < _FULL_HOUR else None
        later = self._between(held, at)
        unseen = self._unseen(watt_hours, held)
        if state.total is not None and watt_hours < state.total:
            state.told = None  # another meter, or one that began anew
        if state.told is not None and state.told - watt_hours > _TOO_FAR:
            state.told = None  # waiting would take too long: some power was wrong
        state.total, state.clock, state.since = watt_hours, said, unseen + later
        self._trail.clear()
        self._trail.append((at, state.since))
        self._tell()
        if meanwhile is None:
            return None
        return held - past, watt_hours + Decimal(unseen) - Decimal(meanwhile)

    def _unseen(self, watt_hours: Decimal, held: float) -> float:
        """Return what we know to be used beyond the last digit that the meter sends, Wh."""
        state = self.state
        if watt_hours % _GRAIN:
            state.grain = 1
        if state.total is None or watt_hours < state.total:
            return 0.0
        beyond = float(state.total - watt_hours) + self._since_at(held)
        return min(max(beyond, 0.0), state.grain - 1.0)

    def _between(self, begin: float, end: float) -> float:
        """Return the energy in a span not long ago, Wh."""
        return max(0.0, self._since_at(end) - self._since_at(begin))

    def _since_at(self, when: float) -> float:
        """Return the energy since the last total up to a moment not long ago."""
        before = None
        for at, since in self._trail:
            if at > when:
                if before is None:
                    return since
                part = (when - before[0]) / (at - before[0])
                return before[1] + part * (since - before[1])
            before = at, since
        return self.state.since

    def _tell(self) -> None:
        state = self.state
        if state.total is None:
            return
        grown = Decimal(state.since).quantize(Decimal(1), ROUND_DOWN)
        now = state.total + grown
        state.told = now if state.told is None else max(state.told, now)


def _held(at: float, clock: datetime | None) -> float:
    """Return when the meter held what arrived at a time: by its clock, without one at the hour."""
    past = at % _HOUR
    if clock is None:
        return at - past if past < _FULL_HOUR else at
    late = past - (60 * clock.minute + clock.second)
    return at - late if 0 < late <= _LATEST else at
