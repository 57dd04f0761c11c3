"""SML meters of Germany: with and without their PIN entered, old ones, and ones with a fault."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from .sml import kermit, mistyped, signed, unsigned
from .smlmeter import Count, SmlMeter, Status
from .snapshot import Snapshot

_TOTALS = ("1-0:1.8.0", "1-0:1.8.1", "1-0:1.8.2", "1-0:2.8.0")
_POWER = "1-0:16.7.0"
_PHASES = ("1-0:36.7.0", "1-0:56.7.0", "1-0:76.7.0")
_FLOWS = tuple(f"1-0:{c}.7.0" for c in (32, 52, 72, 31, 51, 71))


def _fnn_word(snapshot: Snapshot) -> int:
    """Return the status word of modern meters: bits 11 to 14 are set while exporting."""
    word = 0x1C0004  # a modern meter, with voltage on all phases
    if snapshot.active_import or snapshot.active_export:
        word |= 1 << 8
    if snapshot.active_export > snapshot.active_import:
        word |= 1 << 11
    for n, phase in enumerate(snapshot.phases):
        word |= (phase.active_export > phase.active_import) << 12 + n
    return word


def _edl_word(snapshot: Snapshot) -> int:
    """Return the status word of older meters: bit 5 set while exporting."""
    return 0x1A2 if snapshot.active_export > snapshot.active_import else 0x182


_FNN = Status("1-0:96.5.0", _fnn_word)
_EDL = Status("1-0:96.5.5", _edl_word)
_FULL = {"Wh": Count(-1, unsigned), "W": Count(0, signed)}
_REDUCED = {"Wh": Count(3, unsigned)}
_WIDE = {
    "Wh": Count(-1, partial(signed, size=8)),
    "W": Count(-1, partial(signed, size=8)),
}
_ALL = _FULL | {"V": Count(-1, unsigned), "A": Count(-2, signed)}
_DZG = {"Wh": Count(-1, unsigned), "W": Count(-2, mistyped)}


def _modern(
    maker: str, number: int, codes: tuple[str, ...], counts: Mapping[str, Count]
) -> SmlMeter:
    """Return a meter that names itself as the FNN has it, by the id of DIN 43863-5."""
    server = b"\x0a\x01" + maker.encode() + b"\x00" + number.to_bytes(4, "big")
    texts = {"1-0:96.50.1*1": maker.encode(), "1-0:96.1.0": server}
    return SmlMeter(
        server=server, entries=(*texts, *codes), texts=texts, counts=counts, status=_FNN
    )


WITH_PIN = _modern("ISK", 70001234, (*_TOTALS, _POWER), _FULL)
WITHOUT_PIN = replace(
    WITH_PIN, entries=tuple(code for code in WITH_PIN.entries if code != _POWER), counts=_REDUCED
)
HOLLEY = replace(
    _modern("HLY", 20001234, (*_TOTALS, _POWER, *_PHASES, *_FLOWS), _ALL),
    check=kermit,
    bare_time=True,
)
DZG = _modern("DZG", 42001234, ("1-0:1.8.0", "1-0:2.8.0", _POWER), _DZG)
_EMH_SERVER = bytes.fromhex("06454d4801027101d204")
EMH = SmlMeter(
    server=_EMH_SERVER,
    entries=(
        *("129-129:199.130.3", "1-0:0.0.9", "1-0:1.8.0", "1-0:2.8.0", "1-0:15.7.0"),
        "129-129:199.130.5",
    ),
    texts={
        "129-129:199.130.3": b"EMH",
        "1-0:0.0.9": _EMH_SERVER,
        "129-129:199.130.5": bytes(range(0xA0, 0xD0)),
    },
    counts=_WIDE,
    status=_EDL,
)
