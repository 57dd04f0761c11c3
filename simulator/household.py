"""A home as its meter sees it: a deterministic function of a seed and the time."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import isqrt

from .clock import from_standard, standard
from .ledger import Ledger, Totals, is_day, running
from .profile import BLOCK, SLOT, Profile, block, mix, slots
from .snapshot import Phase, Snapshot

__all__ = ["Household", "Phase", "Snapshot"]

_GAS_EVERY = timedelta(minutes=5)
_IDLE_VOLTAGE = 2325  # tenths of a volt on a phase without load
_LARGEST_OPENING = 9_000_000  # Wh, varh, dm3 that a register held before
_VOLTAGE_DROP = 7  # tenths of a volt per kW
_MICROSECOND = timedelta(microseconds=1)


class Household:
    """A home whose registers are the exact integral of its power, which is constant for 10 s.

    Counting begins at the midnight (standard time) before `start`, at values that depend on the
    seed. `start` and every moment asked for are both aware or both naive.
    """

    def __init__(  # noqa: PLR0913 - each is one trait of the home
        self,
        seed: int = 1,
        start: datetime = datetime(2026, 1, 1),
        *,
        phases: int = 3,
        solar: int = 5000,
        car: bool = True,
        day_tariff: int = 2,
        gas_every: timedelta = _GAS_EVERY,
    ) -> None:
        """Describe the home: `solar` in W peak; tariff 2 is the day's in the Netherlands."""
        first = standard(start).replace(hour=0, minute=0, second=0, microsecond=0)
        self.profile = Profile(seed, first, phases, solar, car)
        self._day_tariff = day_tariff
        self._gas_every = gas_every
        openings = (mix(seed, n) % _LARGEST_OPENING for n in range(len(Totals._fields)))
        self._ledger = Ledger(self.profile, Totals(*openings))

    def at(self, when: datetime) -> Snapshot:
        """Return what the meter shows; `ValueError` before the midnight it counts from."""
        elapsed = standard(when) - self.profile.first
        if elapsed < timedelta(0):
            raise ValueError(f"this home is metered since {self.profile.first} only")
        number, into = divmod(elapsed, BLOCK)
        return self._counted(_flowing(when, self._phases(number, into)), number, into)

    def _counted(self, snapshot: Snapshot, number: int, into: timedelta) -> Snapshot:
        """Add what is counted up to some time into the block `number`."""
        totals = self._ledger.at(number, into)
        tariff = self._day_tariff if is_day(standard(snapshot.when)) else 3 - self._day_tariff
        snapshot = replace(
            snapshot,
            energy_import=totals.import_night + totals.import_day,
            energy_export=totals.export_night + totals.export_day,
            reactive_energy_import=totals.reactive_import,
            reactive_energy_export=totals.reactive_export,
            tariffs_import=self._by_tariff(totals.import_night, totals.import_day),
            tariffs_export=self._by_tariff(totals.export_night, totals.export_day),
            tariff=tariff,
        )
        return self._read_later(snapshot, number, into)

    def _read_later(self, snapshot: Snapshot, number: int, into: timedelta) -> Snapshot:
        """Add what is known from time to time: other meters, and the quarter hours."""
        elapsed = number * BLOCK + into
        gas_read = elapsed - elapsed % self._gas_every
        volumes = self._ledger.at(*divmod(gas_read, BLOCK))
        peak = self._ledger.peak(number)
        first = self.profile.first
        return replace(
            snapshot,
            gas=volumes.gas,
            water=volumes.water,
            gas_time=from_standard(first + gas_read, snapshot.when),
            demand=max(0, running(self.profile, number, into)) // (BLOCK // _MICROSECOND),
            peak=peak.watts,
            peak_time=from_standard(first + peak.end * BLOCK, snapshot.when),
        )

    def _by_tariff(self, night: int, day: int) -> tuple[int, int]:
        return (day, night) if self._day_tariff == 1 else (night, day)

    def _phases(self, number: int, into: timedelta) -> tuple[Phase, ...]:
        slot = into // SLOT
        powers = slots(self.profile, number)[slot]
        reactives = block(self.profile, number).reactives
        bits = mix(self.profile.seed, number, slot, 3)
        return tuple(
            _phase(active, reactive, (bits >> 8 * n) % 21 - 10)
            for n, (active, reactive) in enumerate(zip(powers, reactives, strict=True))
        )


def _flowing(when: datetime, phases: tuple[Phase, ...]) -> Snapshot:
    """Return the power of all phases together, as a meter sums it before it counts."""
    active = sum(phase.active_import - phase.active_export for phase in phases)
    reactive = sum(phase.reactive_import - phase.reactive_export for phase in phases)
    apparent = isqrt(active * active + reactive * reactive)
    return Snapshot(
        when=when,
        phases=phases,
        active_import=max(active, 0),
        active_export=max(-active, 0),
        reactive_import=max(reactive, 0),
        reactive_export=max(-reactive, 0),
        apparent_import=apparent if active >= 0 else 0,
        apparent_export=apparent if active < 0 else 0,
    )


def _phase(active: int, reactive: int, noise: int) -> Phase:
    """Return a phase that carries some W and var (- fed in); `noise` is in tenths of a volt."""
    voltage = _IDLE_VOLTAGE - active * _VOLTAGE_DROP // 1000 + noise
    current = isqrt((active * active + reactive * reactive) * 10**8) // voltage
    return Phase(
        active_import=max(active, 0),
        active_export=max(-active, 0),
        reactive_import=max(reactive, 0),
        reactive_export=max(-reactive, 0),
        current=current if active >= 0 else -current,
        voltage=voltage,
    )
