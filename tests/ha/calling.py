"""Meters whose modules call, as plain TCP clients that say what a test wants."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.obis_meter.const import DOMAIN
from simulator import han
from simulator.meters import ModuleMeter, meter
from simulator.module import ModuleDevice, ModuleTalk

from .conftest import START

SERIAL = "202600012345"
OTHER = "202600054321"


def module_meter(serial: str) -> ModuleMeter:
    """Return a meter with a module and a serial number of its own."""
    model = meter("module", START)
    device = ModuleDevice(inner=han.aidon(meter_id=serial), serial=serial)
    home = replace(model.model, device=device)
    return ModuleMeter(serial, home, model.household, START, ModuleTalk(device))


class Module:
    """A module that calls once, answers what it is asked, and pushes when told to."""

    def __init__(self, port: int, serial: str = SERIAL) -> None:
        self.meter = module_meter(serial)
        self.talk = self.meter.talk
        self.closed = asyncio.Event()
        self._port = port
        self._task: asyncio.Task[None] | None = None

    async def call(self, stack: AsyncExitStack) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._task = asyncio.create_task(self._answer(reader))
        stack.push_async_callback(self.hang_up)

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                self._writer.write(self.talk.respond(data))
        self.closed.set()

    def telegram(self, number: int = 2) -> bytes:
        return self.talk.device.telegram(self.meter.household.at(START), number)

    def push(self, number: int = 2) -> None:
        self._writer.write(self.telegram(number))

    def say(self, data: bytes) -> None:
        self._writer.write(data)

    async def hang_up(self) -> None:
        self._writer.transport.abort()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def listening(
    port: int, *serials: str, allowed: str = "127.0.0.1", options: dict[str, Any] | None = None
) -> MockConfigEntry:
    """Return an entry that meters call; the known ones are named after their serial numbers."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=f"Meters calling on port {port}",
        data={
            "port": f"listen://127.0.0.1:{port}",
            "link": "rfc1662",
            "allowed": allowed,
            "identity": {},
        },
        options={"write_interval": 0, "allow_commands": True, **(options or {})},
        subentries_data=[
            {"data": {}, "subentry_type": "meter", "title": f"Meter {serial}", "unique_id": serial}
            for serial in serials
        ],
    )


def is_on(hass: HomeAssistant, serial: str = SERIAL) -> bool:
    """Tell whether a meter that was added under its serial number is connected."""
    state = hass.states.get(f"binary_sensor.meter_{serial}_connection")
    return state is not None and state.state == "on"
