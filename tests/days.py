"""A home's days as its meter tells them."""

from collections.abc import Callable
from datetime import datetime, timedelta

from simulator.meters import Meter

_SHORT = 280  # bytes; Kamstrup's hourly lists are longer, the others are shorter


def is_hourly(raw: bytes) -> bool:
    """Tell Kamstrup's hourly list from the one that comes every ten seconds."""
    return len(raw) > _SHORT


class Days:
    """A home's days, told telegram by telegram to the integration."""

    def __init__(
        self,
        source: Meter,
        hear: Callable[[datetime, bytes], None],
        cut: Callable[[datetime], None],
    ) -> None:
        """Tell what comes to hear, and to cut that statistics will be cut in a second."""
        self.source = source
        self.when = source.start
        self._hear = hear
        self._cut = cut

    def pass_by(self, hours: float, lost: tuple[int, ...] = ()) -> None:
        """Let hours pass; the hourly lists of the hours lost do not arrive."""
        end = self.when + timedelta(hours=hours)
        while self.when < end:
            for raw in self.source.telegrams(self.when):
                if not (is_hourly(raw) and self.when.hour in lost):
                    self._hear(self.when, raw)
            self.when += self.source.pace
            if not self.when.minute % 5 and not self.when.second:
                self._cut(self.when - timedelta(seconds=1))

    def used(self, hour: datetime) -> int:
        """Return the energy really imported in an hour, Wh."""
        ends = (hour, hour + timedelta(hours=1))
        first, last = (self.source.household.at(end).energy_import for end in ends)
        return last - first
