"""What a meter knows at one moment."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: W, var, mA (negative while exporting) and tenths of a volt."""

    active_import: int = 0
    active_export: int = 0
    reactive_import: int = 0
    reactive_export: int = 0
    current: int = 0
    voltage: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The registers as integers: W, var, VA, Wh, varh and dm3.

    `when` is the meter's local time: aware in its zone, or naive in standard time.
    """

    when: datetime
    phases: tuple[Phase, ...] = (Phase(), Phase(), Phase())
    active_import: int = 0
    active_export: int = 0
    reactive_import: int = 0
    reactive_export: int = 0
    apparent_import: int = 0
    apparent_export: int = 0
    energy_import: int = 0
    energy_export: int = 0
    reactive_energy_import: int = 0
    reactive_energy_export: int = 0
    tariffs_import: tuple[int, int] = (0, 0)
    tariffs_export: tuple[int, int] = (0, 0)
    tariff: int = 1
    gas: int = 0
    water: int = 0
    gas_time: datetime | None = None  # when gas and water were read; None: at `when`
    demand: int = 0  # W imported in this quarter hour so far, spread over all of it
    peak: int = 0  # W of the highest quarter hour of this month
    peak_time: datetime | None = None  # end of that quarter hour; None: at `when`
