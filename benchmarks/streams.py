"""The bytes that are read: what meters of the simulator send, in order, values changing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, cycle, islice
from zoneinfo import ZoneInfo

from simulator import push
from simulator.carried import Carried
from simulator.ciphering import AUTHENTICATED, ENCRYPTED, Cipher
from simulator.clock import instants
from simulator.device import Device
from simulator.dlms import LLC, Address
from simulator.dlt645wire import frame
from simulator.household import Household
from simulator.lines import answering
from simulator.meters import METERS, Meter, Model

TELEGRAMS = 300
_START = datetime(2026, 6, 2, 17, 58)  # the lists of a full hour are among what is sent


@dataclass(frozen=True, slots=True)
class Stream:
    """Telegrams as they come on the wire, each whole; link as ours are named, keys as hex."""

    link: str
    telegrams: tuple[bytes, ...]
    key: str = ""
    auth_key: str = ""


_GLO = Carried(
    inner=push.KAIFA.inner,
    link="hdlc",
    frame=lambda apdu: Address(b"\x03", b"\x03", 0x13).frame(LLC + apdu),
    cipher=Cipher(
        title=b"KFM\x10\x20\x00\x04\xd2",
        key=bytes.fromhex("A1" * 16),
        authentication=bytes.fromhex("B1" * 16),
        control=AUTHENTICATED | ENCRYPTED,
    ),
)
"""An Austrian list of codes, values, scalers and units, authenticated and encrypted, in HDLC."""

_ASKED = (
    *("00010000", "00010100", "00010200", "00020000", "02010100", "02010200", "02010300"),
    *("02020100", "02020200", "02020300", "02030000", "02030100", "02030200", "02030300"),
    "02800002",
)
"""Single registers of DL/T 645-2007: totals, voltages, currents, powers, frequency."""


def pushed(name: str) -> Stream:
    """Return what a meter of METERS sends."""
    return _sent(METERS[name])


def ciphered() -> Stream:
    """Return what a meter sends that authenticates and encrypts its lists."""
    return _sent(Model("authenticated and encrypted in HDLC", _GLO, "Europe/Vienna"))


def _sent(model: Model) -> Stream:
    start = _START.replace(tzinfo=ZoneInfo(model.zone))
    home = Household(
        1,
        start,
        phases=model.device.phases,
        day_tariff=model.day_tariff,
        gas_every=model.gas_every,
    )
    meter = Meter("", model, home, start)
    said = chain.from_iterable(map(meter.telegrams, instants(start, meter.pace)))
    return Stream(model.device.link, tuple(islice(said, TELEGRAMS)), *_keys(model.device))


def _keys(device: Device) -> tuple[str, str]:
    if isinstance(device, Carried) and device.cipher:
        return device.cipher.key.hex(), device.cipher.authentication.hex()
    return "", ""


def answered() -> Stream:
    """Return what a meter of DL/T 645 answers to one who reads its registers in turn."""
    return Stream("dlt645", tuple(islice(_answers(), TELEGRAMS)))


def _answers() -> Iterator[bytes]:
    line, when = answering("dlt645", _START), _START
    for identifier in cycle(_ASKED):
        when += timedelta(seconds=1)
        yield line.respond(frame("202107072529", 0x11, bytes.fromhex(identifier)[::-1]), when)
