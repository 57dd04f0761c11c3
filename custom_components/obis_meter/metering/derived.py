"""Readings that a meter does not send but its owner wants: computed from those it sends.

They are readings like any other, under names instead of OBIS codes; their rows
stand in the catalogue (`DERIVED`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from math import sqrt
from typing import Final

from .demand import Demand, DemandState
from .flags import exporting
from .live import LiveState, LiveTotal
from .model import ObisCode, Reading
from .plausible import STRONGEST
from .said import Name, Readings, name_of, number
from .sums import Sums

_SPARSE_TELEGRAMS: Final = 5  # with power, but without the total, ...
_SPARSE_SECONDS: Final = 60.0  # ... over this time: such a meter sends its totals rarely
_WATT: Final = Decimal(1)
_MILLIAMPERE: Final = Decimal("0.001")
_DIRECTIONS: Final = {1: "import", 2: "export"}  # C group
_TOTAL, _MOMENTARY = 8, 7  # D group
_CLOCK: Final = (1, 0, 0)
_NET_POWER: Final = (16, 7, 0)
_ABSOLUTE_POWER: Final = (15, 7, 0)
_OWN_DEMAND: Final = (1, 4, 0)
_CURRENT_L2: Final = (51, 7, 0)


@dataclass(slots=True)
class DerivedState:
    """What has to survive a restart; sparse: the directions whose total comes rarely."""

    live: dict[str, LiveState] = field(default_factory=dict)
    sparse: list[str] = field(default_factory=list)
    demand: DemandState = field(default_factory=DemandState)


@dataclass(slots=True)
class _Waiting:
    """Telegrams with power since the total of the same direction was heard."""

    begun: float
    count: int = 0


class Deriver:
    """Computes for one meter. minutes is the period of the capacity tariff, 0 for none."""

    def __init__(self, minutes: int, zone: tzinfo, state: DerivedState | None = None) -> None:
        """Go on from a state; days and months are those of the zone."""
        self.state = state or DerivedState()
        self._live = {
            direction: LiveTotal(self.state.live.setdefault(direction, LiveState()))
            for direction in _DIRECTIONS.values()
        }
        self._waiting: dict[str, _Waiting] = {}
        self._known: set[Name] = set()
        self._shape: object = None
        self._names: list[Name | None] = []
        self._sums = Sums(_DIRECTIONS)
        self._demand = Demand(minutes, zone, self.state.demand) if minutes else None
        self._shown: set[str] = set()

    @property
    def knows_demand(self) -> bool:
        """Tell whether averages and peaks for a capacity tariff are computed."""
        return self._demand is not None

    def know(self, names: Iterable[ObisCode | str]) -> None:
        """Take note of registers that the meter is known to send, and of what was computed."""
        found = [name for code in names if (name := name_of(code))]
        self._shown.update(name for name in found if isinstance(name, str))
        self._learn(found)

    def derive(
        self, fresh: Sequence[Reading], at: float, shape: object = None
    ) -> tuple[list[Reading], list[str]]:
        """Return what follows from the fresh readings of one telegram, and what holds no longer.

        at is the time, in seconds since 1970. Lists of one shape have the same codes
        at the same places. The second are names of averages and peaks of a
        period or a month that is over.
        """
        if shape is None or shape is not self._shape:
            self._shape, self._names = shape, [name_of(reading.id) for reading in fresh]
            self._learn(name for name in self._names if name)
        said = {name: each for name, each in zip(self._names, fresh, strict=True) if name}
        found = [*self._net(said), *self._directed(said)]
        found += [*self._sums.of(said), *self._missing_phase(said)]
        said |= {str(reading.id): reading for reading in found}
        live = [*self._live_totals(said, at)]
        said |= {str(reading.id): reading for reading in live}
        demands = self._demands(said, at)
        return [*found, *live, *(demands or ())], self._over(demands)

    def _learn(self, names: Iterable[Name]) -> None:
        if fresh := set(names) - self._known:
            self._known |= fresh
            self._sums.learn(self._known)

    def _over(self, demands: list[Reading] | None) -> list[str]:
        """Return the names shown before that are not among the demands, if any were computed."""
        if demands is None:
            return []
        names = {str(reading.id) for reading in demands}
        over = [name for name in self._shown if name.startswith("demand:") and name not in names]
        self._shown = names
        return over

    def tick(self, at: float) -> Iterator[Reading]:
        """Yield the live totals at a time at which no telegram comes."""
        for direction in self.state.sparse:
            live = self._live[direction]
            live.extend(at)
            yield from self._told(direction)

    def _told(self, direction: str) -> Iterator[Reading]:
        value = self._live[direction].value
        if direction in self.state.sparse and value is not None:
            yield Reading(f"live:energy_{direction}", value, "kWh")

    def _net(self, said: Readings) -> Iterator[Reading]:
        """Yield import less export, where the meter does not say it itself.

        Short lists leave the export out; while power is imported it is zero.
        """
        if _NET_POWER in self._known:
            return
        bought = number(said, (1, _MOMENTARY, 0), "W")
        sold = number(said, (2, _MOMENTARY, 0), "W")
        if bought and sold is None and (2, _MOMENTARY, 0) in self._known:
            sold = Decimal(0)
        if bought is not None and sold is not None:
            yield Reading("computed:power_net", bought - sold, "W")

    def _directed(self, said: Readings) -> Iterator[Reading]:
        """Yield power with its direction, where that stands only in the status word.

        EMH eHZ-H and ED300L send 15.7.0 without a sign, to the grid and from it.
        """
        if _NET_POWER in self._known or (1, _MOMENTARY, 0) in self._known:
            return
        power = number(said, _ABSOLUTE_POWER, "W")
        if power is None:
            return
        directions = (exporting(reading.id, reading.value) for reading in said.values())
        exports = next((each for each in directions if each is not None), None)
        if exports is not None:
            yield Reading("computed:power_net", -abs(power) if exports else power, "W")

    def _missing_phase(self, said: Readings) -> Iterator[Reading]:
        """Yield the current of L2 in a grid without neutral, where L1 and L3 alone are measured.

        Power is the sum of U times I over the square root of 3; the result is
        kept within what the currents of L1 and L3 can add up to.
        """
        if _CURRENT_L2 in self._known:
            return
        one, three = (number(said, (c, _MOMENTARY, 0), "A") for c in (31, 71))
        volts = [float(number(said, (c, _MOMENTARY, 0), "V") or 0) for c in (32, 52, 72)]
        if one is None or three is None or not all(volts):
            return
        bought, sold = (number(said, (c, _MOMENTARY, 0), "W") or Decimal(0) for c in (1, 2))
        i1, i3 = abs(float(one)), abs(float(three))
        i2 = (abs(float(bought - sold)) * sqrt(3) - volts[0] * i1 - volts[2] * i3) / volts[1]
        i2 = min(max(i2, abs(i1 - i3)), i1 + i3)
        yield Reading("computed:current_l2", Decimal(i2).quantize(_MILLIAMPERE), "A")

    def _live_totals(self, said: Readings, at: float) -> Iterator[Reading]:
        for c, direction in _DIRECTIONS.items():
            if f"computed:energy_{direction}" in said:
                continue  # nothing is left to guess
            total = number(said, (c, _TOTAL, 0), "Wh")
            power = number(said, (c, _MOMENTARY, 0), "W")
            live = self._live[direction]
            if power is not None:
                self._watch(direction, total, at)
                if abs(power) <= STRONGEST:
                    live.power(float(power), at)
            if total is not None:
                self._anchor(direction, total, at, said)
            yield from self._told(direction)

    def _anchor(self, direction: str, total: Decimal, at: float, said: Readings) -> None:
        clock = said.get(_CLOCK)
        when = clock.value if clock and isinstance(clock.value, datetime) else None
        at_hour = self._live[direction].total(total, at, when)
        if at_hour and direction == "import" and self._demand:
            self._demand.mark(*at_hour)

    def _watch(self, direction: str, total: Decimal | None, at: float) -> None:
        """Find out whether a total comes with every telegram or rarely."""
        waiting = self._waiting.setdefault(direction, _Waiting(at))
        waiting.count += 1
        rare = waiting.count >= _SPARSE_TELEGRAMS and at - waiting.begun >= _SPARSE_SECONDS
        if rare and direction not in self.state.sparse:
            self.state.sparse.append(direction)
        if total is not None:
            del self._waiting[direction]

    def _demands(self, said: Readings, at: float) -> list[Reading] | None:
        """Return averages and peaks; None where this telegram tells nothing about them."""
        if self._demand is None or _OWN_DEMAND in said:
            return None
        power = number(said, (1, _MOMENTARY, 0), "W")
        if power is None or (energy := _energy(said)) is None:
            return None
        self._demand.energy(energy, at)
        values = {"demand:average": self._demand.average(at)}
        if power <= STRONGEST:
            values["demand:projection"] = self._demand.projection(at, power)
        peaks = self._demand.peaks(at)
        values |= {f"demand:peak_{place}": peak for place, peak in enumerate(peaks, 1)}
        values["demand:peak_mean"] = sum(peaks, Decimal(0)) / len(peaks) if peaks else None
        return [
            Reading(name, value.quantize(_WATT, ROUND_HALF_UP), "W")
            for name, value in values.items()
            if value is not None
        ]


def _energy(said: Readings) -> Decimal | None:
    """Return the energy imported by now, Wh: live where that is needed, else as sent or summed."""
    names: tuple[Name, ...] = ("live:energy_import", (1, _TOTAL, 0), "computed:energy_import")
    numbers = (number(said, name, "Wh") for name in names)
    return next((energy for energy in numbers if energy is not None), None)
