"""The command line: `python -m simulator METER` serves a meter."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
import os
import signal
import sys

from .cli import Options, UsageError, parse, reason, servers
from .lines import LINES
from .meters import METERS
from .serve import Server

_AWAY = 2.0  # s that a line stays dead after a hang-up


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until it ends or is interrupted; 2 for what cannot be done."""
    try:
        options = parse(arguments)
        if options.list:
            _print_meters()
        else:
            asyncio.run(_serve(options))
    except KeyboardInterrupt, asyncio.CancelledError:
        pass
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has left
    except UsageError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    return 0


def _print_meters() -> None:
    for name, model in METERS.items():
        print(f"{name:16}{model.device.line:13}{model.about}")
    for name, answerer in LINES.items():
        print(f"{name:16}{answerer.line:13}{answerer.about}")


async def _serve(options: Options) -> None:
    """Serve until the clock ends."""
    this = asyncio.current_task()
    if this:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    async with AsyncExitStack() as stack:
        opened = [await _open(server, stack, options) for server in servers(options)]
        await asyncio.gather(*(_run(server, options) for server in opened))


async def _open(server: Server, stack: AsyncExitStack, options: Options) -> Server:
    try:
        await server.open()
    except OSError as error:
        raise UsageError(f"cannot serve on {server.url}: {reason(error)}") from error
    stack.push_async_callback(server.close)
    told = sys.stderr if options.stdout else sys.stdout
    print(f"{server.source.name} ({server.source.line}) on {server.url}", file=told, flush=True)
    if secrets := server.source.secrets:
        print(f"  {secrets}", file=told, flush=True)
    return server


async def _run(server: Server, options: Options) -> None:
    """Wait for the end of the clock, and let the server misbehave as asked for."""
    jobs = [asyncio.create_task(server.wait())]
    if options.silence_after is not None:
        asyncio.get_running_loop().call_later(options.silence_after, server.silence)
    if options.hang_up_every is not None:
        jobs.append(asyncio.create_task(_hang_up(server, options.hang_up_every)))
    try:
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in done:
            await job
    finally:
        for job in jobs:
            job.cancel()


async def _hang_up(server: Server, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await server.hang_up()
        await asyncio.sleep(_AWAY)
        await server.resume()


if __name__ == "__main__":
    sys.exit(main())
