"""How a home uses power: quarter hours of a mean power, and slots of 10 s that swing around it.

Energy must be exact and cheap a year after the start, so the mean of a quarter hour is a whole
number of watts that makes whole watt-hours (a multiple of 4), the swings within it add up to
nothing, and they never turn its direction (import or export).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import cos, tau

SLOT = timedelta(seconds=10)
BLOCK = timedelta(minutes=15)
SLOTS = BLOCK // SLOT  # slots in a block
DAY_BLOCKS = timedelta(days=1) // BLOCK

# W of lights and appliances by the hour: night, breakfast, day, dinner
_APPLIANCES = (
    *(210, 190, 180, 180, 190, 260, 720, 1250, 980, 560, 480, 520),
    *(640, 520, 460, 520, 880, 1650, 1900, 1600, 1350, 1100, 640, 330),
)
_HEATER = 2400  # W in the middle of winter
_KETTLE = 20  # W: 84 times this for a minute, 6 times less for the other 14 minutes
_KETTLE_SLOTS = 6
_KETTLE_FLOOR = 400  # W drawn at least while a kettle may be on, so that the swing stays import
_KETTLE_CHANCE = 4  # sixteenths
_CAR_NIGHTS = 4  # of seven
_CAR_START = 40  # blocks after noon: 22:00


def mix(*keys: int) -> int:
    """Return 64 well-mixed bits of some numbers (the finalizer of SplitMix64 per key)."""
    state = 0
    for key in keys:
        state = (state + key + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        state = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        state = ((state ^ state >> 27) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state


@dataclass(frozen=True, slots=True)
class Block:
    """A quarter hour: W and var per phase (+ drawn, - fed in), gas and water in dm3."""

    powers: tuple[int, ...]  # mean
    reactives: tuple[int, ...]
    gas: int
    water: int
    jitter: int  # W on L1, up in one slot and down in the next
    swing: int  # W on every phase, up in the first half and down in the second
    kettle: int  # slot in which a kettle is switched on; past the last slot: never


@dataclass(frozen=True, slots=True)
class Profile:
    """The habits of one home; `first` is the midnight (standard time) at which block 0 begins."""

    seed: int
    first: datetime
    phases: int = 3
    solar: int = 5000  # W peak, 0 for none
    car: bool = True


@dataclass(frozen=True, slots=True)
class _Day:
    """What holds for a whole day; the car charges in the night that follows."""

    winter: float  # 0 at midsummer, 1 in the middle of January
    sky: int  # percent of the sun that shines through
    car_blocks: int  # quarter hours from 22:00 on
    car_power: int  # W per phase


@lru_cache(maxsize=8)
def _day(profile: Profile, date: int) -> _Day:
    """Return the day of a proleptic ordinal."""
    bits = mix(profile.seed, date, 1)
    charges = profile.car and bits % 7 < _CAR_NIGHTS
    return _Day(
        winter=(1 + cos(tau * (datetime.fromordinal(date).timetuple().tm_yday - 15) / 365)) / 2,
        sky=20 + (bits >> 8) % 81,
        car_blocks=6 + (bits >> 16) % 14 if charges else 0,
        car_power=3600 + (bits >> 24) % 80,
    )


@lru_cache(maxsize=256)
def block(profile: Profile, number: int) -> Block:
    """Return the quarter hour `number` (0 begins at the profile's first midnight)."""
    day, index = divmod(number, DAY_BLOCKS)
    date = profile.first.toordinal() + day
    winter = _day(profile, date).winter
    bits = mix(profile.seed, number)
    heating = int(_HEATER * winter) if number % 3 else 0  # a thermostat switches it
    powers = _whole(_loads(profile, date, index, bits, heating))
    total = sum(powers)
    boils = total >= _KETTLE_FLOOR and bits >> 60 < _KETTLE_CHANCE
    return Block(
        powers=powers,
        reactives=_whole([heating // 5 - 40 - (bits >> 8 * n) % 60 for n in range(profile.phases)]),
        gas=3 * int((1 + 25 * winter) * ((bits >> 20) % 5) / 4),
        water=_APPLIANCES[index // 4] // 100 * ((bits >> 44) % 4) // 2,
        jitter=min(60, abs(total) // 8),
        swing=abs(total) // (4 * profile.phases) * ((bits >> 24) % 3) // 2,
        kettle=(bits >> 32) % SLOTS if boils else SLOTS,
    )


def _loads(profile: Profile, date: int, index: int, bits: int, heating: int) -> list[int]:
    """Return the net power of each phase in W in a quarter hour of a day."""
    home = _APPLIANCES[index // 4] * (70 + bits % 61) // 100 // profile.phases
    sun = _sun(profile, _day(profile, date), index, 75 + (bits >> 40) % 26) // profile.phases
    evening, since_noon = divmod(index - DAY_BLOCKS // 2, DAY_BLOCKS)
    night = _day(profile, date + evening)
    charges = 0 <= since_noon - _CAR_START < night.car_blocks
    even = home - sun + (night.car_power if charges else 0)
    loads = [even + (bits >> 8 * n) % 90 for n in range(profile.phases)]
    loads[-1] += heating
    return loads


def _sun(profile: Profile, day: _Day, index: int, clouds: int) -> int:
    """Return what the panels produce in W: a bell around noon, less in winter and under clouds."""
    from_noon = (index / 4 - 12.25) / (8.5 - 4.5 * day.winter)
    bell = max(0.0, 1 - from_noon**2) * (1 - 0.7 * day.winter)
    return int(profile.solar * bell) * day.sky * clouds // 10_000


def _whole(values: list[int]) -> tuple[int, ...]:
    """Return the values with the first raised so that a quarter hour makes whole Wh or varh."""
    return (values[0] + -sum(values) % 4, *values[1:])


@lru_cache(maxsize=64)
def slots(profile: Profile, number: int) -> tuple[tuple[int, ...], ...]:
    """Return the power of each phase in W in every slot of the quarter hour `number`."""
    quarter = block(profile, number)
    return tuple(
        _slot(quarter, index, mix(profile.seed, number, index // 2)) for index in range(SLOTS)
    )


def _slot(quarter: Block, index: int, bits: int) -> tuple[int, ...]:
    powers = [power + _half(quarter.swing, index * 2 < SLOTS) for power in quarter.powers]
    powers[0] += _half(bits % (quarter.jitter + 1), index % 2 == 0)
    if quarter.kettle < SLOTS:
        begin = min(quarter.kettle, SLOTS - _KETTLE_SLOTS)
        boiling = begin <= index < begin + _KETTLE_SLOTS
        kettle = (SLOTS - _KETTLE_SLOTS) if boiling else -_KETTLE_SLOTS
        powers[1 % len(powers)] += kettle * _KETTLE
    return tuple(powers)


def _half(watts: int, up: bool) -> int:
    return watts if up else -watts
