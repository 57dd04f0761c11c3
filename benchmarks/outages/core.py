"""A Home Assistant core in this process, and what it logs."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
import logging
from pathlib import Path
import socket
from typing import Final, override

import homeassistant  # noqa: F401 - first: it puts its own packages in their places
from homeassistant import loader
from homeassistant.components.http import config as http_config
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_test_home_assistant

import custom_components.obis_meter
from custom_components.obis_meter.const import LOGGER

_PLANNED: Final = (
    "not ready yet",
    "We found a custom integration",
    "zlib_ng and isal",
    "is stopping",
)
_NEVER: Final = timedelta(days=1)
_THREADS: Final = 64  # as Home Assistant has
_DOWN: Final = ("Error requesting", "does not answer", "has hung up", "is gone")
_UP: Final = ("is read again", "answers again", "has called from", "is connected")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log: its way (-1 down, 1 up, 0 else), its text, and what it is about."""

    way: int
    text: str

    @property
    def subject(self) -> str:
        """Return what went or came: a head end, or a name without what is said of it."""
        text = self.text.partition(": ")[2]
        if text.startswith("The head end"):
            return text[: text.index(" is ")]
        for mark in (*_DOWN[1:], *_UP):
            text = text.partition(f" {mark}")[0]
        return text.removeprefix("Error requesting ").partition(" data:")[0]


class Log(logging.Handler):
    """Keeps what an owner would read: our lines from INFO on, everybody's from WARNING on."""

    def __init__(self) -> None:
        """Listen to the whole process."""
        super().__init__(logging.INFO)
        self.lines: list[Line] = []
        root = logging.getLogger()
        root.setLevel(logging.WARNING)
        root.addHandler(self)
        LOGGER.setLevel(logging.INFO)

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Sort a line."""
        text = record.getMessage()
        if any(part in f"{text} {record.exc_info}" for part in _PLANNED):
            return
        ours = record.name.startswith(LOGGER.name)
        way = 0
        if ours and record.exc_info is None:
            way = any(part in text for part in _UP) - any(part in text for part in _DOWN)
        told = f"{record.levelname} {record.name}: {text}"
        if record.exc_info:
            told += f" ({record.exc_info[1]!r})"
        self.lines.append(Line(way, told))

    def unplanned(self) -> list[str]:
        """Return the lines that say something else than that something is gone or back."""
        return [line.text for line in self.lines if not line.way]

    def about(self, names: tuple[str, ...], since: int) -> list[Line]:
        """Return what was said of one of these since a number of lines."""
        said = [line for line in self.lines[since:] if line.way]
        return [line for line in said if any(name in line.text for name in names)]


def free_port() -> int:
    """Return a TCP port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def home_assistant(folder: Path) -> AsyncIterator[HomeAssistant]:
    """Run a core that knows our integration, and stop it in the end."""
    assert custom_components.obis_meter
    async with async_test_home_assistant(config_dir=str(folder)) as hass:
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        hass.loop.set_default_executor(ThreadPoolExecutor(_THREADS))
        frame.async_setup(hass)
        served = {"server_host": "127.0.0.1", "server_port": free_port()}
        setattr(http_config, "AUTO_REVERT_DELAY", _NEVER)  # noqa: B010 - nobody confirms it here
        assert await async_setup_component(hass, "http", {"http": served})
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)
