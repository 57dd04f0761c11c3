"""A real Home Assistant with this integration in it, for the demo and for browser tests.

    async with HomeAssistant() as home:
        await home.flow("obis_meter", [{"next_step_id": "serial"}, ...])
        print(home.url, await home.states())

It gets a configuration folder of its own, listens on 127.0.0.1 only, and is stopped
at the end whatever happened.
"""

import asyncio
from collections.abc import Awaitable, Callable
import contextlib
import fcntl
from pathlib import Path
import shutil
import socket
import sys
import time
from typing import Self, TextIO

import aiohttp

from scripts.child import Child, ChildError
from scripts.home_assistant_api import Api, ApiError, User
from scripts.home_assistant_install import (
    HOST,
    ROOT,
    SKIPPED,
    environment,
    install_requirements,
    write_configuration,
    write_stand_ins,
)

DEMO = ROOT / ".demo"

_START_SECONDS = 300


class HomeAssistant(Api):
    """Home Assistant as a child process, with the user logged in.

    `folder` gets `config/` (made anew unless `keep`) and `home-assistant.log`.
    The port is `port`, else 8123 when free, else any free one.
    """

    def __init__(
        self,
        folder: Path = DEMO,
        *,
        port: int | None = None,
        keep: bool = False,
        user: User | None = None,
    ) -> None:
        """Choose the folder and the port; nothing is written or started yet."""
        self.port = free_port(port) if port else free_port(8123, 0)
        super().__init__(f"http://{HOST}:{self.port}", user or User())
        self.config = folder / "config"
        self._stand_ins = folder / "stand-ins"
        self._folder = folder
        self._claimed: TextIO | None = None
        self._keep = keep
        command = [sys.executable, "-m", "homeassistant", "--config", str(self.config)]
        options = ["--log-no-color", "--skip-pip-packages", ",".join(SKIPPED)]
        self.child = Child(
            name="Home Assistant",
            command=[*command, *options],
            log=folder / "home-assistant.log",
            cwd=folder,
            env={
                **environment(),
                "PYTHONPATH": str(self._stand_ins),
                "HA_DISABLE_LOG_FILE": "1",  # what it prints is the log
            },
        )

    async def __aenter__(self) -> Self:
        """Start it."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Stop it; when it hung up on us because it had ended, raise ChildError for that."""
        try:
            if isinstance(error, aiohttp.ClientError):
                await asyncio.sleep(1)  # until the kernel has told us
                self.child.check()
        finally:
            await self.stop()

    def claim(self) -> None:
        """Keep others from making the folder anew while it is in use; `start` does it too."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._claimed = self._claimed or (self._folder / "lock").open("w")
        try:
            fcntl.flock(self._claimed, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise ChildError(f"another Home Assistant of ours runs in {self._folder}") from err

    async def start(self) -> None:
        """Install, configure, start, and return when it is running and logged in."""
        await install_requirements()
        self.claim()
        if not self._keep:
            shutil.rmtree(self.config, ignore_errors=True)
        write_configuration(self.config, self.port)
        write_stand_ins(self._stand_ins)
        print(f"starting Home Assistant, log in {self.child.log}", flush=True)
        begin = time.monotonic()
        await self.child.start()
        await self._wait(begin, self._serves)
        await self.open_api()
        await self._wait(begin, self._runs)
        print(f"Home Assistant runs after {time.monotonic() - begin:.0f} s", flush=True)

    async def stop(self) -> None:
        """Stop it; kill it when it has not ended within 20 seconds."""
        await self.close_api()
        await self.child.stop()
        if self._claimed is not None:
            self._claimed.close()

    async def _wait(self, begin: float, ready: Callable[[], Awaitable[bool]]) -> None:
        said = time.monotonic()
        while not await ready():
            self.child.check()
            now = time.monotonic()
            if now > begin + _START_SECONDS:
                raise ChildError(f"Home Assistant is not up in time\n{self.child.tail()}")
            if now > said + 10:
                said = now
                print(f"  still starting, {now - begin:.0f} s", flush=True)
            await asyncio.sleep(0.5)

    async def _serves(self) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with aiohttp.request("GET", f"{self.url}/manifest.json") as answer:
                return answer.ok
        return False

    async def _runs(self) -> bool:
        with contextlib.suppress(ApiError):
            return bool((await self.get("/api/config"))["state"] == "RUNNING")
        return False


def free_port(*wanted: int) -> int:
    """Return the first port of 127.0.0.1 that is free; 0 stands for any."""
    for port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return int(probe.getsockname()[1])
    raise ChildError(f"in use: port {', '.join(map(str, wanted))} of {HOST}")
