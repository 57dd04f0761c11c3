"""What the machine takes for itself is not counted."""

import asyncio
import os
import signal
import subprocess
import sys
import time

from freezegun.api import FrozenDateTimeFactory
import pytest

from .steady import MOST, SteadyLoop


def test_tests_run_on_it() -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    with asyncio.Runner(loop_factory=SteadyLoop) as runner:
        assert isinstance(runner.run(loop()), SteadyLoop)


async def test_this_one_does() -> None:
    assert isinstance(asyncio.get_running_loop(), SteadyLoop)


async def test_what_is_waited_for_is_counted() -> None:
    clock = asyncio.get_running_loop().time
    begin, real = clock(), time.monotonic()
    for _ in range(10):
        await asyncio.sleep(0.01)
    assert clock() - begin >= 0.1
    assert time.monotonic() - real >= 0.1


async def test_a_busy_moment_is_cut_short_and_the_clock_never_goes_back() -> None:
    clock = asyncio.get_running_loop().time
    begin = clock()
    time.sleep(0.2)  # noqa: ASYNC251 - that is what it is about
    seen = clock()
    assert seen - begin <= MOST
    await asyncio.sleep(0)
    assert begin <= seen <= clock() <= begin + 3 * MOST


async def test_a_time_that_is_set_holds(freezer: FrozenDateTimeFactory) -> None:
    clock = asyncio.get_running_loop().time
    begin = clock()
    freezer.tick(60)
    assert clock() == begin + 60


STOPPED = """
import asyncio, os, signal, sys, threading, time
from tests.steady import SteadyLoop

def stop():
    for _ in range(3):
        time.sleep(0.03)
        os.kill(os.getpid(), signal.SIGSTOP)

async def main():
    async def other():
        for _ in range(10):
            await asyncio.sleep(0.04)
            heard.set()
    heard = asyncio.Event()
    task = asyncio.create_task(other())
    threading.Thread(target=stop).start()
    try:
        for _ in range(10):
            async with asyncio.timeout(0.1):
                await heard.wait()
            heard.clear()
    except TimeoutError:
        print("silent", flush=True)
    else:
        print("heard", flush=True)
    task.cancel()

with asyncio.Runner(loop_factory=SteadyLoop if sys.argv[1] == "steady" else None) as runner:
    runner.run(main())
"""


@pytest.mark.parametrize(("loop", "said"), [("steady", "heard"), ("usual", "silent")])
def test_a_process_that_is_stopped_loses_nothing(loop: str, said: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, loop], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for _ in range(3):
            assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
            time.sleep(0.3)
            os.kill(process.pid, signal.SIGCONT)
        assert process.stdout.read() == f"{said}\n"
