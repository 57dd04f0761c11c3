"""A total between two of its readings, for meters that send it hourly: the power since, added."""

from collections import deque
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

_HOUR: Final = 3600
_LONGEST_GAP: Final = 120.0  # seconds without power that may still be bridged
_FULL_HOUR: Final = 120.0  # seconds after the hour in which a total belongs to the hour
_WATT_HOUR: Final = Decimal("0.001")  # kWh


@dataclass(slots=True)
class LiveState:
    """What has to survive a restart. Energies in Wh, power in W, times in seconds since 1970.

    since is the energy that came after the total; told the highest value told.
    """

    total: Decimal | None = None
    clock: str | None = None
    since: float = 0.0
    told: Decimal | None = None
    power: float | None = None
    at: float = 0.0


class LiveTotal:
    """Follows one total: never falls, waits when it is ahead, is exact again at each total."""

    def __init__(self, state: LiveState | None = None) -> None:
        """Go on from where a restart found us."""
        self.state = state or LiveState()
        self._trail: deque[tuple[float, float]] = deque()

    @property
    def value(self) -> Decimal | None:
        """Return the total by now, kWh; None before the first total was heard."""
        return None if self.state.told is None else self.state.told / 1000

    def power(self, watts: float, at: float) -> None:
        """Take note of the power at a time: between two readings it changes evenly."""
        state = self.state
        gap = at - state.at
        if state.power is not None and 0 < gap <= _LONGEST_GAP:
            state.since += (state.power + watts) / 2 * gap / _HOUR
        state.power, state.at = watts, at
        self._trail.append((at, state.since))
        while at - self._trail[0][0] > _FULL_HOUR + _LONGEST_GAP:
            self._trail.popleft()
        self._tell()

    def total(self, watt_hours: Decimal, at: float, clock: str | None) -> float | None:
        """Take note of a total and return the time at which the meter held it, None for a repeat.

        A list that comes within two minutes of the full hour tells the total of
        the hour. Some meters repeat the list of the hour before: same clock.
        """
        state = self.state
        if clock is not None and clock == state.clock:
            return None
        past = at % _HOUR
        held = at - past if past < _FULL_HOUR else at
        later = max(0.0, state.since - self._since_at(held))
        if state.total is not None and watt_hours < state.total:
            state.told = None  # another meter, or one that began anew
        state.total, state.clock, state.since = watt_hours, clock, later
        self._trail.clear()
        self._trail.append((at, later))
        self._tell()
        return held

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
