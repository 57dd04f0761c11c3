"""An opening that nobody waits for any more leaves nothing behind: no port, no error."""

import asyncio
from collections.abc import Callable
import os
from pathlib import Path
import pty
import threading
from typing import Any

import pytest

from custom_components.obis_meter import transport
from custom_components.obis_meter.metering.model import LineSettings

LINE = LineSettings(2400)


class SlowDevice:
    """Has whoever opens a path wait in its thread."""

    def __init__(self, path: str, open_it: Callable[..., int]) -> None:
        self.path = path
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.done = threading.Event()
        self._open = open_it

    def open(self, path: Any, *how: Any, **more: Any) -> int:
        if path == self.path:
            self.reached.set()
            assert self.go_on.wait(20)
        try:
            return self._open(path, *how, **more)
        finally:
            self.done.set()


async def given_up(device: SlowDevice, then: Callable[[], None]) -> None:
    """Cancel an opening while the device is at it."""
    opening = asyncio.create_task(transport.open_port(device.path, LINE))
    assert await asyncio.to_thread(device.reached.wait, 20)
    opening.cancel()
    then()
    async with asyncio.timeout(20):
        with pytest.raises(asyncio.CancelledError):
            await opening


def open_files(path: str) -> int:
    """Count the open files of this process that are a device."""
    files = Path("/proc/self/fd").iterdir()
    return sum(os.path.exists(file) and os.path.realpath(file) == path for file in files)


async def closed(path: str) -> None:
    async with asyncio.timeout(20):
        while open_files(path):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


async def test_one_that_fails_afterwards_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaints: list[dict[str, Any]]
) -> None:
    device = SlowDevice(str(tmp_path / "none"), os.open)
    monkeypatch.setattr(os, "open", device.open)
    await given_up(device, device.go_on.set)
    assert not complaints


async def test_one_that_succeeds_afterwards_is_closed(
    monkeypatch: pytest.MonkeyPatch, complaints: list[dict[str, Any]]
) -> None:
    ours, theirs = pty.openpty()
    path = os.ttyname(theirs)
    os.close(theirs)
    device = SlowDevice(path, os.open)
    monkeypatch.setattr(os, "open", device.open)
    await given_up(device, device.go_on.set)
    await closed(path)
    os.close(ours)
    assert not complaints


async def test_one_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, complaints: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(transport, "_DEVICE_OPENS", 0.05)
    monkeypatch.setattr(transport, "_CLOSE_TIMEOUT", 0.05)
    ours, theirs = pty.openpty()
    path = os.ttyname(theirs)
    os.close(theirs)
    device = SlowDevice(path, os.open)
    monkeypatch.setattr(os, "open", device.open)
    await given_up(device, lambda: None)
    device.go_on.set()
    assert await asyncio.to_thread(device.done.wait, 20)
    await closed(path)
    os.close(ours)
    assert not complaints
