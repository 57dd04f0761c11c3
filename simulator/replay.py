"""Recorded telegrams in the place of a simulated meter."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
import json
from pathlib import Path

type Telegram = tuple[bytes, ...]
"""The pieces of what is sent at one moment."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Sends one telegram after the other, again and again."""

    name: str
    recorded: tuple[Telegram, ...]
    pace: timedelta = timedelta(seconds=10)
    line: str = "as recorded"
    secrets: str = ""
    start: datetime = field(default_factory=datetime.now)
    _next: Iterator[Telegram] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Begin with the first telegram; `ValueError` without one."""
        if not self.recorded:
            raise ValueError(f"{self.name} holds no telegrams")
        if self.pace <= timedelta(0):
            raise ValueError("the time between two telegrams is more than 0 s")
        object.__setattr__(self, "_next", cycle(self.recorded))

    def telegrams(self, _when: datetime) -> Iterator[bytes]:
        """Yield the pieces of the next telegram."""
        yield from next(self._next)


def load(path: Path, every: timedelta) -> Replay:
    """Return the telegrams of a file: .hex, .jsonl (hex, frames or chunks) or raw bytes.

    Raises `OSError` or `ValueError` (which names the line) for what cannot be read.
    """
    readers = {".hex": _hex_lines, ".jsonl": _json_lines}
    read = readers.get(path.suffix.lower(), _raw)
    return Replay(path.name, tuple(telegram for telegram in read(path) if any(telegram)), every)


def _raw(path: Path) -> Iterator[Telegram]:
    yield (path.read_bytes(),)


def _hex_lines(path: Path) -> Iterator[Telegram]:
    """Yield one telegram a line; after # comes a comment."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            yield (bytes.fromhex(line.partition("#")[0]),)
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error


def _json_lines(path: Path) -> Iterator[Telegram]:
    """Yield one telegram a line; a line without a recorded push (a dialogue) is passed over."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            try:
                yield _pieces(json.loads(line))
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path.name}, line {number}: {error}") from error


def _pieces(capture: object) -> Telegram:
    match capture:
        case {"chunks": list(pieces)} | {"frames": list(pieces)}:
            return tuple(bytes.fromhex(piece) for piece in pieces)
        case {"hex": str(text)}:
            return (bytes.fromhex(text),)
        case dict():
            return ()
        case _:
            raise ValueError("not a JSON object")
