"""What an owner does, from the first meter to the last, and what each page must show then."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import json
import re
from typing import Final

from scripts.demo_energy import HISTORY, History, Plan, Sensor, import_history
from scripts.home_assistant_install import DOMAIN, HOST
from simulator.carried import Carried
from simulator.meters import METERS
from simulator.module import ModuleDevice
from tests.e2e.owner import LISTENING, Owner, Skipped, expect, number
from tests.e2e.pages import UNAVAILABLE, DeveloperTools, EnergyPage

BRIDGE: Final = "A serial server or bridge in the network"
MODULE_PORT: Final = "The port of a communication module"
RS485: Final = "An RS-485 line with meters that are asked (DL/T 645)"

AIDON, P1, KAIFA = "Aidon 6534", "Iskraemeco M550T-1012", "Kaifa"
MODULE, BUS = "Electricity meter", "202107072529"
_COMPLAINT: Final = re.compile(
    r"integration 'obis_meter'|component\.obis_meter\.|custom_components/obis_meter/"
)
PLAN: Final = Plan(
    "p1",
    1,
    {P1: ("sum of energy_import", "sum of energy_export")},
    {"sum of energy_import": "1.8.0", "sum of energy_export": "2.8.0"},
)


async def add_serial_meter(owner: Owner) -> None:
    """Add a Norwegian meter at a cable."""
    await owner.screen.log_in(owner.stage.home.user)
    await owner.begin_serial(owner.stage.serial, "2400 8N1")
    await owner.screen.picture("serial-form")
    await owner.dialog.submit()
    page = await owner.add_found(AIDON, "Power import: ")
    await page.value("Connection", "Connected")
    await page.value("Power import", r"\b\d+ W")


async def add_network_meter(owner: Owner) -> None:
    """Add a Dutch meter behind a serial server."""
    await owner.dialog.begin()
    await owner.dialog.choose(BRIDGE)
    await owner.dialog.fill("Host", HOST)
    await owner.dialog.fill("TCP port", str(owner.stage.tcp_port))
    await owner.screen.picture("network-form")
    await owner.dialog.submit()
    page = await owner.add_found(P1, "Energy import tariff 1: ")
    await page.value("Connection", "Connected")


async def add_encrypted_meter(owner: Owner) -> None:
    """Add an Austrian meter, first with a wrong key."""
    await owner.begin_serial(owner.stage.ciphered, "2400 8N1")
    await owner.dialog.submit()
    await owner.dialog.says("The meter encrypts its telegrams", LISTENING)
    await owner.dialog.fill("Encryption key", "0123456789ABCDEF" * 2)
    await owner.dialog.submit()
    await owner.dialog.says("This key does not open the telegrams")
    await owner.screen.picture("wrong-key")
    await owner.dialog.fill("Encryption key", _key())
    await owner.dialog.submit()
    page = await owner.add_found(KAIFA, "Energy import: ")
    await page.value("Energy import", r"[\d,.]+ kWh")


async def look_at_devices(owner: Owner) -> None:
    """See that the sensors of a meter show what it says, and agree with each other."""
    page = await owner.visit(P1)
    kwh, watts = r"([\d,]+\.\d+) kWh", r"\b([\d,]+) W"
    parts = [number(await page.value(f"Energy import tariff {n}", kwh)) for n in (1, 2)]
    total = number(await page.value("Energy import total", kwh))
    expect(abs(sum(parts) - total) < 0.1, f"tariffs {parts} add up to {total}")
    for phase in ("L1", "L2", "L3"):
        volts = number(await page.value(f"Voltage {phase}", r"\b(\d+) V"))
        expect(200 < volts < 260, f"{volts} V of {phase}")
    await page.value("Power import", watts)
    await page.value("Tariff", r"Tariff [12]\b")
    await owner.screen.picture("device")


async def set_up_energy(owner: Owner) -> None:
    """Put a meter on the energy dashboard, which then has bars of a whole day."""
    home, energy = owner.stage.home, EnergyPage(owner.screen)
    history = History(PLAN, datetime.now(UTC))
    counters = await import_history(home, (await owner.entry(P1))["entry_id"], history)
    await energy.set_up(P1, "Energy import total", "Energy export total", "Power net")
    await energy.yesterday()
    wanted = _used_yesterday(history, counters)
    right = f"a grid total of {wanted:.2f} kWh"
    await owner.screen.until(energy.total, lambda kwh: abs(kwh - wanted) < 0.02, right)
    await owner.screen.until(energy.bars, lambda bars: bars >= 20, "20 bars of a day")
    await owner.screen.picture("energy")


async def download_diagnostics(owner: Owner) -> None:
    """Download what helps to find faults; it names no meter and gives no key away."""
    for name in (KAIFA, P1):
        serial = await (await owner.visit(name)).serial()
        text = await owner.entries.diagnostics(name)
        expect(bool(json.loads(text)["data"]["payloads"]), f"payloads of {name}")
        for secret in (_key(), serial, serial.encode().hex()):
            expect(secret.lower() not in text.lower(), f"no {secret} in diagnostics")


async def add_asked_meters(owner: Owner) -> None:
    """Add a meter with a communication module, and one on an RS-485 line."""
    await owner.begin_serial(owner.stage.module_port, "115200 8N1", MODULE_PORT)
    await owner.dialog.submit()
    await owner.add_found(MODULE, "meter ID ")
    await owner.begin_serial(owner.stage.bus_port, "2400 8N1", RS485)
    await owner.dialog.submit()
    await owner.dialog.says("Meters on the line", LISTENING)
    await owner.dialog.tick(BUS)
    await owner.screen.picture("meters-on-a-line")
    await owner.dialog.submit()
    await owner.dialog.finish()
    await owner.entries.open()
    await owner.screen.see(owner.entries.entry(BUS), f"the meter {BUS}")


async def carry_out_actions(owner: Owner) -> None:
    """Ask meters with the developer tools, and see what they answer."""
    tools, module = DeveloperTools(owner.screen), METERS["module"].device
    assert isinstance(module, ModuleDevice)
    answer = await tools.act(
        "Get parameter", MODULE, Parameter="Serial number of the meter (0x8005)"
    )
    expect(module.serial in answer, f"the serial number {module.serial} in '{answer}'")
    await owner.screen.picture("action")
    answer = await tools.act("Read meter now", BUS)
    count = re.search(r"readings: (\d+)", answer)
    expect(bool(count and int(count[1]) > 10), f"more than ten readings in '{answer}'")


async def unplug_and_plug(owner: Owner) -> None:
    """Pull the cable: the page says so, and that the meter is back afterwards."""
    page = await owner.visit(AIDON)
    await page.value("Power import", r"\b\d+ W")
    await owner.stage.aidon.unplug()
    await page.value("Power import", UNAVAILABLE, 30)
    await page.value("Connection", "Disconnected")
    await owner.screen.picture("unplugged")
    await owner.stage.aidon.plug()
    await page.value("Power import", r"\b\d+ W", 90)
    await page.value("Connection", "Connected")


async def reconfigure(owner: Owner) -> None:
    """Move a meter to another port, and tell its entry."""
    entry = await owner.entry(P1)
    if not entry["supports_reconfigure"]:
        raise Skipped("the integration has no reconfigure step yet")
    await owner.stage.p1.unplug()
    owner.stage.p1.connect(*owner.stage.at(owner.stage.other_port))
    await owner.stage.p1.plug()
    await owner.entries.open()
    await (await owner.entries.menu(P1, "Reconfigure")).click()
    await owner.dialog.choose(BRIDGE)
    await owner.dialog.fill("TCP port", str(owner.stage.other_port))
    await owner.screen.picture("reconfigure")
    await owner.dialog.submit()
    await owner.dialog.says(re.compile(r"was changed|successful"), LISTENING)
    page = await owner.visit(P1)
    await page.value("Connection", "Connected", 60)
    await page.value("Power import", r"\b[\d,]+ W", 60)
    same = (await owner.entry(P1))["entry_id"] == entry["entry_id"]
    expect(same, "the same entry as before")


async def remove_meter(owner: Owner) -> None:
    """Delete an entry: its devices and entities go with it."""
    await owner.entries.remove(AIDON)
    await owner.visit(AIDON)
    gone = owner.screen.page.get_by_text(re.compile("not found", re.IGNORECASE))
    await owner.screen.see(gone, "that the device is not there")
    left = [row["entity_id"] for row in await owner.stage.home.entities(DOMAIN)]
    expect(not [entity for entity in left if "aidon" in entity], f"no Aidon in {left}")
    expect(bool(left), "the entities of other meters")


async def read_the_log(owner: Owner) -> None:
    """See that neither Home Assistant nor its frontend complained about the integration."""
    log = owner.stage.home.child.output().splitlines()
    complaints = [line for line in log if _COMPLAINT.search(line)]
    expect(not complaints, "a log without complaints, not\n" + "\n".join(complaints))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an owner does; `name` is that of its picture too."""

    name: str
    carry_out: Callable[[Owner], Awaitable[None]]


STEPS: Final[Sequence[Step]] = (
    Step("add a serial meter", add_serial_meter),
    Step("add a network meter", add_network_meter),
    Step("add an encrypted meter", add_encrypted_meter),
    Step("look at device pages", look_at_devices),
    Step("set up the energy dashboard", set_up_energy),
    Step("download diagnostics", download_diagnostics),
    Step("add meters that are asked", add_asked_meters),
    Step("carry out actions", carry_out_actions),
    Step("unplug and plug", unplug_and_plug),
    Step("reconfigure", reconfigure),
    Step("remove a meter", remove_meter),
    Step("read the log", read_the_log),
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
