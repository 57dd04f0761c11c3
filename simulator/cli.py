"""What one can say on the command line, and the servers that it asks for."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
import os
from pathlib import Path
import sys
from typing import Never, override
from zoneinfo import ZoneInfo

from . import replay
from .clock import later
from .device import Source
from .faults import Line
from .lines import LINES, answering
from .meters import METERS, UnknownMeterError, meter
from .serve import PtyServer, Server, StreamServer, TcpServer, Timing

_ANY_PORT = "127.0.0.1:0"
_HIGHEST_PORT = 65535
_ABOUT = """\
Pretend to be an electricity meter that sends telegrams on a wire. It measures a home whose
power, solar panels and registers are made up, but agree with each other to the watt-hour.
"""
_EXAMPLES = """\
examples:
  python -m simulator --list
      which meters there are
  python -m simulator aidon
      a Norwegian meter on a free TCP port, whose address it prints
  python -m simulator p1 --tcp 0.0.0.0:2001 --pty .demo/meter0
      a Dutch meter on a TCP port, and on a pseudo terminal to open as a serial port
  python -m simulator kaifa --start 2026-01-15T17:59 --speed 60
      a winter evening, a minute a second
  python -m simulator kamstrup --pty --damage 0.001 --noise 0.2 --chunk 7
      a bad line: damaged bytes, noise, and telegrams that arrive in pieces
  python -m simulator p1-be --stdout --hours 24 > day.txt
      a day, as fast as it can be written
  python -m simulator --replay frames.hex --every 10 --tcp 127.0.0.1:2001
      recorded telegrams, one every 10 s
"""


class UsageError(Exception):
    """The command line asks for something that does not exist."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing the usage."""

    @override
    def error(self, message: str) -> Never:
        raise UsageError(f"{message} (--help explains)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line."""

    meter: str | None
    list: bool
    tcp: str | None
    pty: str | None
    stdout: bool
    start: datetime | None
    hours: float | None
    speed: float | None
    seed: int
    replay: Path | None
    every: float
    damage: float
    lose: float
    noise: float
    chunk: int
    silence_after: float | None
    hang_up_every: float | None


def parse(arguments: Sequence[str] | None) -> Options:
    """Return what was asked for, or raise `UsageError`."""
    options = Options(**vars(_parser().parse_args(arguments)))
    if not options.list and (options.meter is None) == (options.replay is None):
        raise UsageError("name a meter, or a file to --replay (--list shows the meters)")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m simulator",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("meter", nargs="?", metavar="METER", help="a meter of --list")
    parser.add_argument("--list", action="store_true", help="list the meters and end")
    _add_places(parser.add_argument_group("where (a free TCP port if nothing is said)"))
    _add_time(parser.add_argument_group("time and truth"))
    _add_faults(parser.add_argument_group("trouble on the line"))
    return parser


def _add_places(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--tcp",
        nargs="?",
        const=_ANY_PORT,
        metavar="HOST:PORT",
        help="listen there; port 0 is any free one",
    )
    group.add_argument(
        "--pty",
        nargs="?",
        const="",
        metavar="LINK",
        help="be a serial port, to which LINK leads",
    )
    group.add_argument("--stdout", action="store_true", help="write to standard output")


def _add_time(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--start", type=_moment, metavar="ISO", help="the meter's local time to begin at (now)"
    )
    group.add_argument(
        "--speed",
        type=float,
        metavar="N",
        help="1 is the real pace, 0 does not wait",
    )
    group.add_argument(
        "--hours", type=float, metavar="N", help="end after N hours of the meter's clock"
    )
    group.add_argument(
        "--seed", type=int, default=1, metavar="N", help="another home and other faults"
    )
    group.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="send what a .hex, .jsonl or raw file holds",
    )
    group.add_argument(
        "--every", type=float, default=10.0, metavar="S", help="seconds between them (10)"
    )


def _add_faults(group: argparse._ArgumentGroup) -> None:
    chances = {
        "--damage": "chance that a bit of a byte flips",
        "--lose": "chance that a byte is lost",
        "--noise": "chance of random bytes before a telegram",
    }
    for name, what in chances.items():
        group.add_argument(name, type=float, default=0.0, metavar="P", help=what)
    group.add_argument("--chunk", type=int, default=0, metavar="N", help="send N bytes at a time")
    group.add_argument(
        "--silence-after", type=float, metavar="S", help="say nothing any more after S seconds"
    )
    group.add_argument(
        "--hang-up-every", type=float, metavar="S", help="cut the line every S seconds for 2 s"
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 2026-01-15T17:59") from error


def reason(error: OSError) -> str:
    """Return why something failed, without numbers and names."""
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)


def servers(options: Options) -> Iterator[Server]:
    """Yield the servers, not open yet; `UsageError` or `OSError` if one cannot be."""
    try:
        source = _source(options)
        line = Line(options.damage, options.lose, options.noise, options.chunk, options.seed)
        timing = _timing(options, source)
    except OSError as error:
        raise UsageError(f"cannot read {options.replay}: {reason(error)}") from error
    except (ValueError, OverflowError, UnknownMeterError) as error:
        raise UsageError(str(error)) from error
    if options.stdout:
        yield StreamServer(source, sys.stdout.buffer, timing, line)
    if options.pty is not None:
        yield PtyServer(source, Path(options.pty) if options.pty else None, timing, line)
    if options.tcp or not (options.stdout or options.pty is not None):
        yield TcpServer(source, *_address(options.tcp or _ANY_PORT), timing, line)


def _source(options: Options) -> Source:
    if options.replay:
        return replay.load(options.replay, timedelta(seconds=options.every))
    name = options.meter or ""
    if name in LINES:
        return answering(name, options.start, options.seed)
    return meter(name, _local(options.start, name), options.seed)


def _local(start: datetime | None, name: str) -> datetime | None:
    """Return the start in the zone of the meter."""
    if start is None or name not in METERS:
        return None
    zone = ZoneInfo(METERS[name].zone)
    return start.astimezone(zone) if start.tzinfo else start.replace(tzinfo=zone)


def _timing(options: Options, source: Source) -> Timing:
    until = None if options.hours is None else later(source.start, timedelta(hours=options.hours))
    hurry = 0.0 if options.stdout and options.hours is not None else 1.0
    return Timing(until=until, speed=hurry if options.speed is None else options.speed)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise UsageError(f"{text!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)
