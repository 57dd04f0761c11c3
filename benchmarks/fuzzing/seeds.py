"""What mutations start from: telegrams of the simulator, and captures where there are any."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain, islice
import os
from pathlib import Path
import re
from typing import Final
from zoneinfo import ZoneInfo

from metering.errors import FrameError, Incomplete
from metering.keys import Keys
from metering.links import LINKS
from scripts.decode import captures
from simulator.carried import Carried
from simulator.clock import instants
from simulator.dlt645wire import frame
from simulator.lines import answering
from simulator.meters import METERS, meter
from simulator.module import TRANSPARENT, frame as module_frame

_ROOT: Final = Path(__file__).parents[2]
_CAPTURES: Final = Path(os.environ.get("OBIS_CAPTURES") or _ROOT.parents[0] / "shared" / "captures")
_START: Final = datetime(2026, 6, 2, 18, 59, 50)  # the lists of a full hour are among what is sent
_TELEGRAMS: Final = 3
_LONGEST: Final = 4096  # bytes
_CHECK: Final = re.compile(rb"![0-9A-Fa-f]{4}\r?\n")
_OPTICAL: Final = "iec62056-21"
_ASKED: Final = (
    *("0001FF00", "00000000", "0101FF00", "0203FF00", "02800007", "03110000", "04000102"),
    *("04000401", "040005FF", "04010001", "05060101", "901F", "B61F", "C010"),
)


@dataclass(frozen=True, slots=True)
class Seed:
    """Intact bytes of one meter, and what opens them."""

    name: str
    link: str
    data: bytes
    keys: Keys | None = None

    @property
    def checked(self) -> bool:
        """Tell whether each frame bears a check sequence."""
        match self.link:
            case "p1":
                return b"\xdb" not in self.data and bool(_CHECK.search(self.data))
            case "iec62056-21":
                return not self.data.endswith(b"\x03")
        return LINKS[self.link].checked


@cache
def seeds() -> tuple[Seed, ...]:
    """Return all seeds, in an order that never changes."""
    pushed = tuple(_pushed())
    found = (*pushed, *_unframed(pushed), *_carried(pushed), *_answered(), *_captured())
    return tuple(seed for seed in found if len(seed.data) <= _LONGEST)


def _pushed() -> Iterator[Seed]:
    for name, model in METERS.items():
        start = _START.replace(tzinfo=ZoneInfo(model.zone))
        one = meter(name, start)
        said = chain.from_iterable(map(one.telegrams, instants(start, one.pace)))
        device, keys = model.device, None
        if isinstance(device, Carried) and device.cipher:
            keys = Keys(device.cipher.key, device.cipher.authentication or None)
        for number, telegram in enumerate(islice(said, _TELEGRAMS)):
            yield Seed(f"{name}/{number}", device.link, telegram, keys)


def cut(seed: Seed) -> list[bytes]:
    """Return the payloads of a seed, as its link takes them from the undamaged stream."""
    buffer, found = bytearray(seed.data + LINKS[seed.link].silence), list[bytes]()
    while buffer:
        try:
            payload = LINKS[seed.link].take(buffer)
        except FrameError:
            continue
        except Incomplete:
            break
        if payload is None:
            break
        found.append(payload)
    return [payload for payload in found if payload]


def _unframed(pushed: tuple[Seed, ...]) -> Iterator[Seed]:
    """Yield bodies as bridges send them that take frames off, or write them as text."""
    for seed in pushed:
        if seed.link == "hdlc" and seed.data.count(b"\xe6\xe7\x00") == 1:
            for payload in cut(seed):
                yield Seed(f"llc-apdu/{seed.name}", "llc-apdu", payload, seed.keys)
                yield Seed(f"apdu/{seed.name}", "apdu", payload[3:], seed.keys)
            text = seed.data.hex().encode() + b"\r\n"
            yield Seed(f"hex/{seed.name}", "hex", text, seed.keys)


def _carried(pushed: tuple[Seed, ...]) -> Iterator[Seed]:
    """Yield telegrams of other links inside the frames of a module."""
    for seed in pushed:
        if seed.name.endswith("/0") and seed.link in ("hdlc", "mbus", "p1", "sml"):
            carried = module_frame(TRANSPARENT, 0xBF, seed.data)
            yield Seed(f"carried/{seed.name}", "rfc1662", carried, seed.keys)


def _answered() -> Iterator[Seed]:
    """Yield what meters answer to their readers."""
    for name, address in (("dlt645", "202107072529"), ("dlt645-1997", "000000063295")):
        line = answering(name, _START)
        for identifier in _ASKED:
            if (len(identifier) == 4) == name.endswith("1997"):
                function = 0x01 if len(identifier) == 4 else 0x11
                asked = frame(address, function, bytes.fromhex(identifier)[::-1])
                yield Seed(f"{name}/{identifier}", "dlt645", line.respond(asked, _START))
    for name in ("iec-a", "iec-b"):
        said = answering(name, _START).respond(b"/?!\r\n", _START)
        yield Seed(f"{name}/0", _OPTICAL, said[said.index(b"\x02") :])


def _captured() -> Iterator[Seed]:
    for path in sorted(_CAPTURES.glob("*.jsonl")):
        for capture in captures(path):
            data = b"".join(chain.from_iterable(capture.bursts))
            if capture.link in LINKS and data:
                yield Seed(f"{path.stem}/{capture.name}", capture.link, data, capture.keys)
