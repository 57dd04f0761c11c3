"""The meters and the Home Assistant that the browser is shown."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
import sys
from typing import Self

from scripts.child import Child, ChildError
from scripts.home_assistant import HomeAssistant, free_port
from scripts.home_assistant_install import HOST, ROOT

FOLDER = ROOT / ".e2e"
_METER_SECONDS = 30


class SoftwareMeter:
    """A meter of the simulator that can be plugged in and out again."""

    def __init__(self, model: str, *where: str | Path) -> None:
        """Take a name of `simulator --list`, and `--pty LINK` or `--tcp HOST:PORT`."""
        self._model = model
        self.connect(*where)

    def connect(self, *where: str | Path) -> None:
        """Say where it is from the next time on that it is plugged in."""
        name = self._model
        command = [sys.executable, "-m", "simulator", name, *where, "--speed", "1"]
        self._child = Child(f"the meter {name}", command, FOLDER / f"{name}.log", ROOT)

    async def plug(self) -> None:
        """Start it, and wait until it has said where it is."""
        await self._child.start()
        for _ in range(10 * _METER_SECONDS):
            self._child.check()
            if self._child.output():
                return
            await asyncio.sleep(0.1)
        raise ChildError(f"the meter does not start\n{self._child.tail()}")

    async def unplug(self) -> None:
        """End it; its port is gone."""
        await self._child.stop(within=3)


class Stage:
    """Everything but the browser; nothing of it outlives the `async with`."""

    def __init__(self) -> None:
        """Choose ports; nothing is started yet."""
        self.tcp_port, self.other_port = free_port(0), free_port(0)
        self.p1 = SoftwareMeter("p1", *self.at(self.tcp_port))
        self.aidon, self.serial = _cable("aidon")
        self.kaifa, self.ciphered = _cable("kaifa-at")
        self.module, self.module_port = _cable("module")
        self.bus, self.bus_port = _cable("dlt645")
        self._meters = (self.p1, self.aidon, self.kaifa, self.module, self.bus)
        self.home = HomeAssistant(FOLDER)
        self._stack = AsyncExitStack()

    @staticmethod
    def at(port: int) -> tuple[str, str]:
        """Say where a meter is that is reached over TCP."""
        return "--tcp", f"{HOST}:{port}"

    async def __aenter__(self) -> Self:
        """Start the meters, then Home Assistant."""
        self.home.claim()
        async with AsyncExitStack() as stack:
            for meter in self._meters:
                stack.push_async_callback(meter.unplug)
                await meter.plug()
            await stack.enter_async_context(self.home)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End them in reverse."""
        await self._stack.aclose()


def _cable(model: str) -> tuple[SoftwareMeter, str]:
    """Return a meter with a serial port, and the path of that."""
    link = FOLDER / model
    return SoftwareMeter(model, "--pty", link), str(link)
