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
        command = [sys.executable, "-m", "simulator", model, *where, "--speed", "1"]
        self._child = Child(f"the meter {model}", command, FOLDER / f"{model}.log", ROOT)

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
        self.tcp_port = free_port(0)
        self.serial = FOLDER / "serial"
        self.ciphered = FOLDER / "ciphered"
        self.module = FOLDER / "module"
        self.p1 = SoftwareMeter("p1", "--tcp", f"{HOST}:{self.tcp_port}")
        self.meters = {
            "aidon": SoftwareMeter("aidon", "--pty", self.serial),
            "p1": self.p1,
            "kaifa-at": SoftwareMeter("kaifa-at", "--pty", self.ciphered),
            "module": SoftwareMeter("module", "--pty", self.module),
        }
        self.home = HomeAssistant(FOLDER)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the meters, then Home Assistant."""
        self.home.claim()
        async with AsyncExitStack() as stack:
            for meter in self.meters.values():
                stack.push_async_callback(meter.unplug)
                await meter.plug()
            await stack.enter_async_context(self.home)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End them in reverse."""
        await self._stack.aclose()
