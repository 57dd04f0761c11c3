"""Decode captured telegrams and print one JSON line per capture."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
import json
from pathlib import Path
import sys
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "custom_components" / "obis_meter"))

from metering.detect import Detector
from metering.errors import KeyFormatError, MeteringError
from metering.keys import Keys
from metering.links import LINKS, Link
from metering.model import Message, Reading, Telegram, Value
from metering.security import Security
from metering.session import Event, Session

_NO_CAPTURES = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What a file of anything leads to."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Bytes as they came: bursts of chunks between silences; or payloads that are cut already.

    keys open them, where a capture names its own.
    """

    name: str
    link: str | None = None
    bursts: list[list[bytes]] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    fault: str | None = None
    keys: Keys | None = None


def captures(path: Path) -> Iterator[Capture]:
    """Read a file by its ending; ValueError where it holds no captures."""
    match path.suffix:
        case ".jsonl":
            for line in path.read_text().splitlines():
                if line.strip():
                    yield _from_line(line)
        case ".json":
            yield from _from_diagnostics(path.stem, json.loads(path.read_text()))
        case ".hex":
            yield Capture(path.stem, bursts=[[bytes.fromhex(path.read_text())]])
        case _:
            yield Capture(path.stem, bursts=[[path.read_bytes()]])


def _from_line(line: str) -> Capture:
    """Read a capture; one that is none is a capture with a fault."""
    capture = {}
    try:
        capture = json.loads(line)
        return _from_json(capture)
    except (*_NO_CAPTURES, KeyFormatError) as err:
        name = capture.get("name") if isinstance(capture, dict) else None
        return Capture(str(name), fault=f"no capture: {err!r}")


def _from_json(capture: dict[str, Any]) -> Capture:
    if dialogue := capture.get("dialogue"):
        bursts = [[bytes.fromhex(turn["hex"])] for turn in dialogue if turn["dir"] == "rx"]
    else:
        pieces = capture.get("chunks") or capture.get("frames") or [capture["hex"]]
        bursts = [[bytes.fromhex(piece) for piece in pieces]]
    return Capture(capture["name"], capture.get("link"), bursts, keys=_keys(capture))


def _keys(capture: dict[str, Any]) -> Keys | None:
    key = capture.get("key")
    return Keys.parse(key, capture.get("auth_key")) if key else None


def _from_diagnostics(name: str, download: dict[str, Any]) -> Iterator[Capture]:
    data = download.get("data", download)
    payloads = [bytes.fromhex(payload) for payload in data["payloads"]]
    yield Capture(name, data["link"], payloads=payloads)


def decode(capture: Capture, link: str | None, keys: Keys | None = None) -> dict[str, Any]:
    """Return what the capture says, ready to print; keys are for captures that name none."""
    name, keys = link or capture.link, capture.keys or keys
    if capture.fault:
        return _printed(capture.name, name, [MeteringError(capture.fault)])
    if name is not None and name not in LINKS:
        return _printed(capture.name, name, [MeteringError(f"no link is called {name}")])
    if capture.payloads and name:
        return _printed(
            capture.name, name, list(_read(Session(LINKS[name], Security(keys)), capture.payloads))
        )
    found = LINKS[name] if name else detect(capture, keys)
    if found is None:
        return _printed(capture.name, None, [MeteringError("no link understands these bytes")])
    session = Session(found, Security(keys))
    return _printed(capture.name, found.name, list(_listen(session, capture.bursts)))


def detect(capture: Capture, keys: Keys | None) -> Link | None:
    """Return the link that speaks a capture's bytes, in the clear or not."""
    detector = Detector(keys)
    for burst in capture.bursts:
        for chunk in burst:
            detector.feed(chunk)
        detector.idle()
    return detector.link or (detector.locked.link if detector.locked else None)


def _listen(session: Session, bursts: list[list[bytes]]) -> Iterator[Event]:
    for burst in bursts:
        for chunk in burst:
            yield from session.feed(chunk)
        yield from session.idle()


def _read(session: Session, payloads: list[bytes]) -> Iterator[Event]:
    for payload in payloads:
        yield from session.read(payload)


def _printed(name: str, link: str | None, events: list[Event]) -> dict[str, Any]:
    return {
        "name": name,
        "link": link,
        "telegrams": [_telegram(event) for event in events if isinstance(event, Telegram)],
        "messages": [_message(event) for event in events if isinstance(event, Message)],
        "faults": [str(event) for event in events if isinstance(event, MeteringError)],
    }


def _telegram(telegram: Telegram) -> dict[str, Any]:
    return {
        "meter": telegram.meter,
        "time": _plain(telegram.time),
        "readings": [_reading(reading) for reading in telegram.readings],
    }


def _reading(reading: Reading) -> dict[str, Any]:
    value = _plain(reading.value)
    return {
        "id": str(reading.id),
        "value": value,
        "unit": reading.unit,
        "time": _plain(reading.time),
    }


def _message(message: Message) -> dict[str, Any]:
    return {"protocol": message.protocol, "command": message.command, "data": message.data.hex()}


def _plain(value: Value | None) -> str | None:
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat()
    return value


def main() -> int:
    """Decode the files named on the command line."""
    parser = argparse.ArgumentParser(
        description="Decode captured telegrams; print one JSON line per capture.",
        epilog=f"Links: {', '.join(LINKS)}. Without --link the link is found from the bytes.",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help=".bin, .hex, .jsonl or a diagnostics download (.json)",
    )
    parser.add_argument("--link", choices=LINKS, help="how the bytes are framed")
    parser.add_argument("--key", metavar="HEX", help="the encryption key of a ciphered meter")
    parser.add_argument("--auth-key", metavar="HEX", help="its authentication key, if there is one")
    options = parser.parse_args()
    try:
        keys = Keys.parse(options.key, options.auth_key) if options.key else None
        return decode_all(options.paths, options.link, keys)
    except KeyFormatError as err:
        print(f"--key, --auth-key: {err}", file=sys.stderr)
        return 2


def decode_all(paths: list[Path], link: str | None, keys: Keys | None) -> int:
    """Print what files hold; return the exit code."""
    for path in paths:
        try:
            for capture in captures(path):
                print(json.dumps(decode(capture, link, keys)))
        except (OSError, *_NO_CAPTURES) as err:
            print(f"{path}: {err}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
