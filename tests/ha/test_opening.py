"""An opening that nobody waits for any more leaves nothing behind: no port, no error."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
import gc
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
        if path != self.path:
            return self._open(path, *how, **more)
        self.reached.set()
        assert self.go_on.wait(20)
        try:
            return self._open(path, *how, **more)
        finally:
            self.done.set()


async def given_up(device: SlowDevice, *, times: int = 1, then: float = 0) -> None:
    """Cancel an opening so many times while the device is at it, which goes on then seconds later.

    With none it does not go on.
    """
    opening = asyncio.create_task(transport.open_port(device.path, LINE))
    assert await asyncio.to_thread(device.reached.wait, 20)
    for _ in range(times):
        opening.cancel()
        await asyncio.sleep(0.02)
    if then:
        asyncio.get_running_loop().call_later(then, device.go_on.set)
    async with asyncio.timeout(20):
        with pytest.raises(asyncio.CancelledError):
            await opening


def open_files(path: str) -> int:
    """Count the open files of this process that are a device."""
    files = Path("/proc/self/fd").iterdir()
    return sum(os.path.exists(file) and os.path.realpath(file) == path for file in files)


async def later(device: SlowDevice) -> None:
    """Have the device go on when nobody waits for it any more, and wait until it is closed."""
    assert not device.done.is_set()
    device.go_on.set()
    assert await asyncio.to_thread(device.done.wait, 20)
    async with asyncio.timeout(20):
        while open_files(device.path):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.02)
    gc.collect()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowDevice:
    """A device that takes its time to be missing."""
    return slow(str(tmp_path / "none"), monkeypatch)


@pytest.fixture
def somewhere(stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch) -> SlowDevice:
    """A device that takes its time to open."""
    ours, theirs = pty.openpty()
    stack.callback(os.close, ours)
    path = os.ttyname(theirs)
    os.close(theirs)
    return slow(path, monkeypatch)


def slow(path: str, monkeypatch: pytest.MonkeyPatch) -> SlowDevice:
    device = SlowDevice(path, os.open)
    monkeypatch.setattr(os, "open", device.open)
    return device


async def test_one_that_fails_afterwards_is_no_error(
    nowhere: SlowDevice, complaints: list[dict[str, Any]]
) -> None:
    await given_up(nowhere, then=0.1)
    assert nowhere.done.is_set()
    assert not complaints


async def test_one_that_succeeds_afterwards_is_closed(
    somewhere: SlowDevice, complaints: list[dict[str, Any]]
) -> None:
    await given_up(somewhere, then=0.1)
    assert somewhere.done.is_set()
    assert not open_files(somewhere.path)
    assert not complaints


async def test_one_that_hangs_is_not_waited_for_whether_it_opens_or_fails(
    somewhere: SlowDevice,
    nowhere: SlowDevice,
    monkeypatch: pytest.MonkeyPatch,
    complaints: list[dict[str, Any]],
) -> None:
    monkeypatch.setattr(transport, "_CLOSE_TIMEOUT", 0.05)
    for device in (somewhere, nowhere):
        await given_up(device)
        await later(device)
        assert not complaints


async def test_one_that_is_cancelled_again_is_closed(
    somewhere: SlowDevice, complaints: list[dict[str, Any]]
) -> None:
    await given_up(somewhere, times=2)
    await later(somewhere)
    assert not complaints
