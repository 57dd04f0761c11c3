"""What an owner does, from the first meter to the last, and what each page must show then."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import json
import re
from typing import Final
from urllib.parse import urlsplit

from scripts.demo_energy import HISTORY, History, Plan, Sensor, import_history
from scripts.home_assistant_api import Json
from scripts.home_assistant_install import DOMAIN, HOST
from simulator.carried import Carried
from simulator.meters import METERS
from simulator.module import ModuleDevice
from tests.e2e.browser import Missed, Screen
from tests.e2e.dialog import ConfigDialog
from tests.e2e.pages import UNAVAILABLE, DeveloperTools, DevicePage, EnergyPage, IntegrationPage
from tests.e2e.stage import Stage

CABLE: Final = "A cable at this machine"
BRIDGE: Final = "A serial server or bridge in the network"
MODULE_PORT: Final = "The port of a communication module"
RS485: Final = "An RS-485 line with meters that are asked (DL/T 645)"
LISTENING: Final = 40.0  # seconds that detection may take

AIDON, P1, KAIFA = "Aidon 6534", "Iskraemeco M550T-1012", "Kaifa"
MODULE, BUS = "Electricity meter", "202107072529"
PLAN: Final = Plan(
    "p1",
    1,
    {P1: ("sum of energy_import", "sum of energy_export")},
    {"sum of energy_import": "1.8.0", "sum of energy_export": "2.8.0"},
)


class Skipped(Exception):
    """A step does not apply; says why."""


class Owner:
    """Someone with five meters, and what they have found out about them."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        """Take what there is, and a page on which nobody has logged in."""
        self.stage = stage
        self.screen = screen
        self.dialog = ConfigDialog(screen)
        self.entries = IntegrationPage(screen)
        self.devices: dict[str, DevicePage] = {}

    async def add_serial_meter(self) -> None:
        """Add a Norwegian meter at a cable."""
        await self.screen.log_in(self.stage.home.user)
        await self._begin_serial(self.stage.serial, "2400 8N1")
        await self.screen.picture("serial-form")
        await self.dialog.submit()
        await self._add_found(AIDON, "Power import: ")
        await self._device(AIDON).value("Connection", "Connected")
        await self._device(AIDON).value("Power import", r"\b\d+ W")

    async def add_network_meter(self) -> None:
        """Add a Dutch meter behind a serial server."""
        await self.dialog.begin()
        await self.dialog.choose(BRIDGE)
        await self.dialog.fill("Host", HOST)
        await self.dialog.fill("TCP port", str(self.stage.tcp_port))
        await self.screen.picture("network-form")
        await self.dialog.submit()
        await self._add_found(P1, "Energy import tariff 1: ")
        await self._device(P1).value("Connection", "Connected")

    async def add_encrypted_meter(self) -> None:
        """Add an Austrian meter, first with a wrong key."""
        await self._begin_serial(self.stage.ciphered, "2400 8N1")
        await self.dialog.submit()
        await self.dialog.says("The meter encrypts its telegrams", LISTENING)
        await self.dialog.fill("Encryption key", "0123456789ABCDEF" * 2)
        await self.dialog.submit()
        await self.dialog.says("This key does not open the telegrams")
        await self.screen.picture("wrong-key")
        await self.dialog.fill("Encryption key", _key())
        await self.dialog.submit()
        await self._add_found(KAIFA, "Energy import: ")
        await self._device(KAIFA).value("Energy import", r"[\d,.]+ kWh")

    async def look_at_devices(self) -> None:
        """See that the sensors of a meter show what it says, and agree with each other."""
        page = self._device(P1)
        await page.open()
        kwh, watts = r"([\d,]+\.\d+) kWh", r"\b([\d,]+) W"
        parts = [_number(await page.value(f"Energy import tariff {n}", kwh)) for n in (1, 2)]
        total = _number(await page.value("Energy import total", kwh))
        _expect(abs(sum(parts) - total) < 0.1, f"tariffs {parts} add up to {total}")
        for phase in ("L1", "L2", "L3"):
            volts = _number(await page.value(f"Voltage {phase}", r"\b(\d+) V"))
            _expect(200 < volts < 260, f"{volts} V of {phase}")
        await page.value("Power import", watts)
        await page.value("Tariff", r"Tariff [12]\b")
        await self.screen.picture("device")

    async def set_up_energy(self) -> None:
        """Put a meter on the energy dashboard, which then has bars of a whole day."""
        home, energy = self.stage.home, EnergyPage(self.screen)
        history = History(PLAN, datetime.now(UTC))
        counters = await import_history(home, (await self._entry(P1))["entry_id"], history)
        await energy.set_up(P1, "Energy import total", "Energy export total", "Power net")
        await energy.yesterday()
        wanted = _used_yesterday(history, counters)
        right = f"a grid total of {wanted:.2f} kWh"
        await self.screen.until(energy.total, lambda kwh: abs(kwh - wanted) < 0.02, right)
        await self.screen.until(energy.bars, lambda bars: bars >= 20, "20 bars of a day")
        await self.screen.picture("energy")

    async def download_diagnostics(self) -> None:
        """Download what helps to find faults; it names no meter and gives no key away."""
        for name in (KAIFA, P1):
            await self._device(name).open()
            serial = await self._device(name).serial()
            text = await self.entries.diagnostics(name)
            _expect(bool(json.loads(text)["data"]["payloads"]), f"payloads of {name}")
            for secret in (_key(), serial, serial.encode().hex()):
                _expect(secret.lower() not in text.lower(), f"no {secret} in diagnostics")

    async def add_asked_meters(self) -> None:
        """Add a meter with a communication module, and one on an RS-485 line."""
        await self._begin_serial(self.stage.module_port, "115200 8N1", MODULE_PORT)
        await self.dialog.submit()
        await self._add_found(MODULE, "")
        await self._begin_serial(self.stage.bus_port, "2400 8N1", RS485)
        await self.dialog.submit()
        await (await self.dialog.says(re.compile(BUS), LISTENING)).click()
        await self.screen.picture("meters-on-a-line")
        await self.dialog.submit()
        await self.dialog.finish()
        await self.entries.open()
        await self.screen.see(self.entries.entry(BUS), f"the meter {BUS}")

    async def carry_out_actions(self) -> None:
        """Ask meters with the developer tools, and see what they answer."""
        tools, module = DeveloperTools(self.screen), METERS["module"].device
        assert isinstance(module, ModuleDevice)
        answer = await tools.act(
            "Get parameter", MODULE, Parameter="Serial number of the meter (0x8005)"
        )
        _expect(module.serial in answer, f"the serial number {module.serial} in '{answer}'")
        await self.screen.picture("action")
        answer = await tools.act("Read meter now", BUS)
        count = re.search(r"readings: (\d+)", answer)
        _expect(bool(count and int(count[1]) > 10), f"more than ten readings in '{answer}'")

    async def unplug_and_plug(self) -> None:
        """Pull the cable: the page says so, and that the meter is back afterwards."""
        page = self._device(AIDON)
        await page.open()
        await page.value("Power import", r"\b\d+ W")
        await self.stage.aidon.unplug()
        await page.value("Power import", UNAVAILABLE, 30)
        await page.value("Connection", "Disconnected")
        await self.screen.picture("unplugged")
        await self.stage.aidon.plug()
        await page.value("Power import", r"\b\d+ W", 90)
        await page.value("Connection", "Connected")

    async def reconfigure(self) -> None:
        """Move a meter to another port, and tell its entry."""
        entry = await self._entry(P1)
        if not entry["supports_reconfigure"]:
            raise Skipped("the integration has no reconfigure step yet")
        await self.stage.p1.unplug()
        self.stage.p1.connect(*self.stage.at(self.stage.other_port))
        await self.stage.p1.plug()
        await self.entries.open()
        await (await self.entries.menu(P1, "Reconfigure")).click()
        await self.dialog.choose(BRIDGE)
        await self.dialog.fill("TCP port", str(self.stage.other_port))
        await self.screen.picture("reconfigure")
        await self.dialog.submit()
        await self.dialog.says(re.compile(r"was changed|successful"), LISTENING)
        await self._device(P1).open()
        await self._device(P1).value("Connection", "Connected", 60)
        await self._device(P1).value("Power import", r"\b[\d,]+ W", 60)
        same = (await self._entry(P1))["entry_id"] == entry["entry_id"]
        _expect(same, "the same entry as before")

    async def remove_meter(self) -> None:
        """Delete an entry: its devices and entities go with it."""
        await self.entries.remove(AIDON)
        await self._device(AIDON).open()
        gone = self.screen.page.get_by_text(re.compile("not found", re.IGNORECASE))
        await self.screen.see(gone, "that the device is not there")
        left = [row["entity_id"] for row in await self.stage.home.entities(DOMAIN)]
        _expect(not [entity for entity in left if "aidon" in entity], f"no Aidon in {left}")
        _expect(bool(left), "the entities of other meters")

    async def _begin_serial(self, port: str, line: str, what: str = "") -> None:
        """Fill in the form of a serial port."""
        await self.dialog.begin()
        await self.dialog.choose(CABLE)
        await self.dialog.fill("Serial port", port)
        await self.dialog.fill("Line settings", line)
        if what:
            await self.dialog.fill("What is connected", what)

    async def _add_found(self, name: str, reading: str) -> None:
        """Add the meter that was found, and come to its page."""
        await self.dialog.says("Meter found", LISTENING)
        await self.dialog.says(name)
        await self.dialog.says(reading)
        await self.screen.picture(f"found-{name}")
        await self.dialog.submit()
        await self.dialog.finish()
        await self.screen.page.wait_for_url("**/config/devices/device/*")
        self.devices[name] = DevicePage(self.screen, urlsplit(self.screen.page.url).path)

    def _device(self, name: str) -> DevicePage:
        if name not in self.devices:
            raise Missed(f"{name} was not added")
        return self.devices[name]

    async def _entry(self, title: str) -> Json:
        rows = await self.stage.home.get(f"/api/config/config_entries/entry?domain={DOMAIN}")
        for row in rows:
            if row["title"] == title:
                return dict(row)
        raise Missed(f"there is no entry {title}")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an owner does; `name` is that of its picture too."""

    name: str
    carry_out: Callable[[Owner], Awaitable[None]]


STEPS: Final[Sequence[Step]] = (
    Step("add a serial meter", Owner.add_serial_meter),
    Step("add a network meter", Owner.add_network_meter),
    Step("add an encrypted meter", Owner.add_encrypted_meter),
    Step("look at device pages", Owner.look_at_devices),
    Step("set up the energy dashboard", Owner.set_up_energy),
    Step("download diagnostics", Owner.download_diagnostics),
    Step("add meters that are asked", Owner.add_asked_meters),
    Step("carry out actions", Owner.carry_out_actions),
    Step("unplug and plug", Owner.unplug_and_plug),
    Step("reconfigure", Owner.reconfigure),
    Step("remove a meter", Owner.remove_meter),
)


def _key() -> str:
    meter = METERS["kaifa-at"].device
    assert isinstance(meter, Carried)
    assert meter.cipher
    return meter.cipher.key.hex()


def _used_yesterday(history: History, sensors: Mapping[str, Sensor]) -> float:
    """Return the kWh that were drawn, less those fed in."""
    today = history.begin + HISTORY
    days = (today - timedelta(days=1), today)
    totals = [[history.total(sensors[code], day) for day in days] for code in PLAN.registers]
    drawn, fed = (after - before for before, after in totals)
    return drawn - fed


def _number(shown: re.Match[str]) -> float:
    return float(shown[1].replace(",", ""))


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise Missed(f"expected {what}")
