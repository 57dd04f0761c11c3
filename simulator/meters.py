"""The meters one can ask for by name: a new meter is a row of METERS."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import override
from zoneinfo import ZoneInfo

from . import han, p1, push, smlmeters
from .carried import Carried
from .clock import later
from .device import Device, Turn, due, pace
from .han import Country, Grid
from .household import Household
from .module import ModuleDevice, ModuleTalk
from .registers import Truth
from .snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Model:
    """A meter to be had: what it is, where it hangs, and what is peculiar to that country."""

    about: str
    device: Device
    zone: str
    day_tariff: int = 2
    gas_every: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter that measures a home."""

    name: str
    model: Model
    household: Household
    start: datetime

    @property
    def line(self) -> str:
        """Line settings in words."""
        return self.model.device.line

    @property
    def secrets(self) -> str:
        """The keys that open its telegrams, in words."""
        device = self.model.device
        return str(device.cipher or "") if isinstance(device, Carried) else ""

    @property
    def pace(self) -> timedelta:
        """Every telegram is due at a whole multiple of this."""
        return pace(self.model.device)

    def telegrams(self, when: datetime) -> Iterator[bytes]:
        """Yield what is sent at this moment."""
        for turn, snapshot in self._due(when):
            yield self.model.device.telegram(snapshot, turn.number)

    def truths(self, when: datetime) -> Iterator[Truth]:
        """Yield the readings of each telegram that is sent at this moment."""
        for turn, snapshot in self._due(when):
            yield self.model.device.truth(snapshot, turn.number)

    def _due(self, when: datetime) -> Iterator[tuple[Turn, Snapshot]]:
        if turn := due(self.model.device, when):
            yield turn, self.household.at(later(when, -turn.lag))


@dataclass(frozen=True, slots=True)
class ModuleMeter(Meter):
    """A meter that also talks with its communication module."""

    talk: ModuleTalk

    @override
    def telegrams(self, when: datetime) -> Iterator[bytes]:
        """Yield telegrams, questions and events."""
        yield from Meter.telegrams(self, when)
        yield from self.talk.spontaneous(when)

    def respond(self, heard: bytes, when: datetime) -> bytes:
        """Return the answers to what the module said."""
        return self.talk.respond(heard)


_OSLO, _STOCKHOLM, _AMSTERDAM = "Europe/Oslo", "Europe/Stockholm", "Europe/Amsterdam"
_BRUSSELS, _LUXEMBOURG, _BERLIN = "Europe/Brussels", "Europe/Luxembourg", "Europe/Berlin"
_VIENNA, _ZURICH = "Europe/Vienna", "Europe/Zurich"
_HOURLY = timedelta(hours=1)


def _module(serial: str = "202600012345") -> ModuleDevice:
    return ModuleDevice(inner=han.aidon(meter_id=serial), serial=serial)


METERS: dict[str, Model] = {
    "aidon": Model("Aidon 6534, Norway, three phases", han.aidon(), _OSLO),
    "aidon-it": Model("Aidon 6525, Norway, IT grid", han.aidon(grid=Grid.IT), _OSLO),
    "aidon-1ph": Model("Aidon 6515, Norway, one phase", han.aidon(phases=1), _OSLO),
    "aidon-se": Model("Aidon, Sweden, power of each phase", han.aidon_se(), _STOCKHOLM),
    "embriq": Model("Landis+Gyr E350 with Embriq module, Norway", han.embriq(), _OSLO),
    "kaifa": Model("Kaifa MA304H4, Norway, three phases", han.kaifa(), _OSLO),
    "kaifa-it": Model("Kaifa MA304H3E, Norway, IT grid", han.kaifa(grid=Grid.IT), _OSLO),
    "kaifa-1ph": Model("Kaifa MA105H2E, Norway, one phase", han.kaifa(phases=1), _OSLO),
    "kaifa-se": Model("Kaifa MA304H4, Sweden, with OBIS codes", han.kaifa_pairs(), _STOCKHOLM),
    "kaifa-se-list": Model("Kaifa MA304H4D, Sweden, by position", han.kaifa_se(), _STOCKHOLM),
    "kamstrup": Model("Kamstrup Omnipower, Norway, three phases", han.kamstrup(), _OSLO),
    "kamstrup-it": Model("Kamstrup, Norway, IT grid", han.kamstrup(grid=Grid.IT), _OSLO),
    "kamstrup-1ph": Model("Kamstrup, Norway, one phase", han.kamstrup(phases=1), _OSLO),
    "kamstrup-se": Model("Kamstrup, Sweden", han.kamstrup(country=Country.SE), _STOCKHOLM),
    "module": Model("Meter with a communication module (RFC 1662)", _module(), _OSLO),
    "kaifa-at": Model("Kaifa MA309M, Austria, M-Bus, ciphered", push.KAIFA, _VIENNA),
    "am550-at": Model("Iskraemeco AM550, Vienna, ciphered", push.AM550, _VIENNA),
    "e450-ch": Model("Landis+Gyr E450, Switzerland, ciphered, in blocks", push.E450, _ZURICH),
    "dlms-tcp": Model("the list of kaifa-at in the clear, over TCP", push.TCP, _VIENNA),
    "p1": Model("P1 of the Netherlands (DSMR 5) with gas", p1.NL, _AMSTERDAM),
    "p1-1ph": Model("P1 of the Netherlands (ESMR 5), one phase", p1.NL_1PH, _AMSTERDAM),
    "p1-be": Model("P1 of Belgium with monthly peak, gas and water", p1.BE, _BRUSSELS, 1),
    "p1-lu": Model("P1 of Luxembourg, decrypted, with apparent power", p1.LU, _LUXEMBOURG),
    "p1-lu-ciphered": Model("P1 of Luxembourg, as sent", push.LUXEMBOURG, _LUXEMBOURG),
    "p1-se": Model("P1 of Sweden: no tariffs, no meter id", p1.SE, _STOCKHOLM),
    "p1-se-winter": Model("P1 of Sweden, winter time all year", p1.SE_WINTER, _STOCKHOLM),
    "p1-v2": Model("P1 of DSMR 2.2: no CRC, hourly gas", p1.V2, _AMSTERDAM, 2, _HOURLY),
    "sml": Model("SML of Germany: Iskraemeco, PIN entered", smlmeters.WITH_PIN, _BERLIN, 1),
    "sml-no-pin": Model("the same without its PIN", smlmeters.WITHOUT_PIN, _BERLIN, 1),
    "sml-dzg": Model("SML: DZG that sends power too short", smlmeters.DZG, _BERLIN, 1),
    "sml-emh": Model("SML: old EMH, power without sign", smlmeters.EMH, _BERLIN, 1),
    "sml-holley": Model("SML: Holley with voltages and currents", smlmeters.HOLLEY, _BERLIN, 1),
}


class UnknownMeterError(LookupError):
    """There is no meter of this name."""


def meter(name: str, start: datetime | None = None, seed: int = 1) -> Meter:
    """Return a meter of METERS in a home that is metered from the day of `start` (now) on.

    A naive `start` stays naive: standard time without summer time.
    """
    if name not in METERS:
        raise UnknownMeterError(f"unknown meter {name!r}; --list shows them")
    model = METERS[name]
    start = start or datetime.now(ZoneInfo(model.zone))
    household = Household(
        seed,
        start,
        phases=model.device.phases,
        day_tariff=model.day_tariff,
        gas_every=model.gas_every,
    )
    if isinstance(model.device, ModuleDevice):
        return ModuleMeter(name, model, household, start, ModuleTalk(model.device))
    return Meter(name, model, household, start)
