"""What the laws run over: telegrams of the simulator, and captures where there are any.

Captures are JSON lines: those of tests/captures, and those of ../shared/captures, or of the
folder that OBIS_CAPTURES names. Nothing of them is missed where that folder does not exist.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
import json
import os
from pathlib import Path
import re
from typing import Any
from zoneinfo import ZoneInfo

from custom_components.obis_meter.metering.keys import Keys
from custom_components.obis_meter.metering.links import LINKS
from custom_components.obis_meter.metering.model import Telegram
from custom_components.obis_meter.metering.security import Security
from custom_components.obis_meter.metering.session import Session
from simulator.carried import Carried
from simulator.device import Device
from simulator.dlt645 import Bus
from simulator.dlt645wire import frame
from simulator.hanmeter import HanMeter
from simulator.lines import answering
from simulator.meters import METERS, meter
from simulator.module import ModuleDevice
from simulator.optical import OpticalMeter
from simulator.p1meter import P1Meter
from simulator.smlmeter import SmlMeter

TESTS = Path(__file__).parents[1]
OWN = TESTS / "captures"
SHARED = Path(os.environ.get("OBIS_CAPTURES") or TESTS.parents[1] / "shared" / "captures")

_LINKS = {ModuleDevice: "rfc1662", HanMeter: "hdlc", P1Meter: "p1", SmlMeter: "sml"}
_OPTICAL = "iec62056-21"
_CHECK = re.compile(rb"![0-9A-Fa-f]{3,4}\r?\n")
_WHEN = datetime(2026, 6, 2, 18, 30, 10)
_BARE = ("aidon", "kaifa", "kamstrup", "kaifa-se")


@dataclass(frozen=True, slots=True)
class Want:
    """What a register must say."""

    value: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Capture:
    """Bytes on the wire, and how many telegrams they hold.

    wanted is the registers of each telegram, absent the registers that must not be published;
    digits_only: the scaler is not in the telegram; keys open it; sealed: it is ciphered.
    """

    name: str
    link: str
    chunks: tuple[bytes, ...]
    count: int = 1
    valid: bool = True
    wanted: tuple[dict[str, Want], ...] = field(default=(), hash=False)
    absent: tuple[str, ...] = ()
    digits_only: bool = False
    keys: Keys | None = None
    sealed: bool = False

    def session(self) -> Session:
        """Return a session that can read it."""
        return Session(LINKS[self.link], Security(self.keys))

    def repeated(self, clean: list[Telegram], times: int) -> list[Telegram]:
        """Return what is heard of it several times: a ciphered telegram counts once."""
        return clean if self.sealed else times * clean

    @property
    def origin(self) -> str:
        """The file that it is from, or the meter."""
        return self.name.partition("/")[0]

    @property
    def raw(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def checked(self) -> bool:
        """Tell whether its frames carry a check sequence."""
        if self.link == "p1":
            return bool(_CHECK.search(self.raw)) or self.authenticated
        if self.link == _OPTICAL:
            return not self.raw.endswith(b"\x03")
        return self.link in ("dlt645", "hdlc", "mbus", "rfc1662", "sml")

    @property
    def authenticated(self) -> bool:
        """Tell whether it carries a tag that is checked."""
        return self.sealed and bool(self.keys and self.keys.authentication)


def _captures(path: Path) -> Iterator[Capture]:
    for line in path.read_text().splitlines():
        row = json.loads(line, parse_float=str)
        if row["link"] != _OPTICAL or _is_one_message(row):
            yield _capture(path.stem, row)


def _is_one_message(row: dict[str, Any]) -> bool:
    """Tell whether a dialogue says all in one message: others are replayed as dialogues."""
    heard = (turn["hex"] for turn in row["dialogue"] if turn["dir"] == "rx")
    return sum(b"\x02" in bytes.fromhex(said) for said in heard) <= 1 and len(row["hex"]) > 2


def _capture(file: str, row: dict[str, Any]) -> Capture:
    pieces = row.get("chunks") or row.get("frames") or [row["hex"]]
    lists = row.get("telegrams") or [row["expected"]] * (1 if row["valid"] else 0)
    return Capture(
        name=f"{file}/{row['name']}",
        link=row["link"],
        chunks=tuple(map(bytes.fromhex, pieces)),
        count=row.get("telegram_count", len(lists)),
        valid=row["valid"],
        wanted=tuple(_wanted(registers) for registers in lists),
        absent=tuple(row.get("absent", ())),
        digits_only="scaler" in row,
        keys=Keys.parse(row["key"], row.get("auth_key")) if "key" in row else None,
        sealed="key" in row,
    )


def keys_of(device: Device) -> Keys | None:
    """Return what opens the telegrams of a simulated meter."""
    if not (isinstance(device, Carried) and device.cipher):
        return None
    return Keys(device.cipher.key, device.cipher.authentication or None)


def _wanted(registers: dict[str, dict[str, str | None]]) -> dict[str, Want]:
    return {name: Want(str(want["value"]), _unit(want)) for name, want in registers.items()}


def _unit(want: dict[str, str | None]) -> str | None:
    """Return the unit as sent, where there is one: 0 is none."""
    unit = want.get("unit")
    return None if unit == "dlms:0" else unit


def _simulated() -> Iterator[Capture]:
    for name, model in METERS.items():
        home = meter(name, _WHEN.replace(tzinfo=ZoneInfo(model.zone))).household
        snapshot = home.at(_WHEN.replace(tzinfo=ZoneInfo(model.zone)))
        device = model.device
        keys = keys_of(device)
        for turn in device.turns:
            frame = device.telegram(snapshot, turn.number)
            yield Capture(
                f"{name}/{turn.number}", device.link, (frame,), keys=keys, sealed=keys is not None
            )
            if name in _BARE and isinstance(device, HanMeter):
                body = device.apdu(snapshot, turn.number)
                yield from _unframed(f"{name}/{turn.number}", frame, body)


def _unframed(name: str, frame: bytes, body: bytes) -> Iterator[Capture]:
    """Yield the ways in which bridges send a body, or a frame as text."""
    yield Capture(f"llc-apdu/{name}", "llc-apdu", (b"\xe6\xe7\x00" + body,))
    yield Capture(f"apdu/{name}", "apdu", (body,))
    yield Capture(f"hex-frame/{name}", "hex", (frame.hex().encode() + b"\r\n",))
    yield Capture(f"hex-body/{name}", "hex", (body.hex().upper().encode() + b"\n",))


_SHARED = (
    SHARED / f"{name}.jsonl" for name in ("dlms", "dlt645", "han", "iec62056-21", "p1", "sml")
)
_FILES = (*sorted(OWN.glob("*.jsonl")), *_SHARED)

_ASKED = (
    *("0001FF00", "00000000", "0101FF00", "0201FF00", "0203FF00", "02800007", "03110000"),
    *("04000102", "04000401", "040005FF", "04010001", "05060101", "901F", "B61F", "C010"),
)


def _answered() -> Iterator[Capture]:
    """Yield what meters on a line answer to readers of their registers."""
    for name, address in (("dlt645", "202107072529"), ("dlt645-1997", "000000063295")):
        line = answering(name, _WHEN)
        assert isinstance(line, Bus)
        for di in _ASKED:
            if (len(di) == 4) == name.endswith("1997"):
                asked = frame(address, 0x01 if len(di) == 4 else 0x11, bytes.fromhex(di)[::-1])
                yield Capture(f"{name}/{di}", "dlt645", (line.respond(asked, _WHEN),))


def _read_out() -> Iterator[Capture]:
    """Yield what meters behind an optical head answer: their data messages."""
    for name in ("iec-a", "iec-b"):
        line = answering(name, _WHEN)
        assert isinstance(line, OpticalMeter)
        said = line.respond(b"/?!\r\n", _WHEN)
        yield Capture(f"{name}/1", _OPTICAL, (said[said.index(b"\x02") :],))


SIMULATED = (*_simulated(), *_answered(), *_read_out())
CAPTURED = tuple(capture for path in _FILES if path.exists() for capture in _captures(path))
EVERY = SIMULATED + CAPTURED
INTACT = tuple(capture for capture in EVERY if capture.valid)
CHECKED = tuple(capture for capture in INTACT if capture.checked)
