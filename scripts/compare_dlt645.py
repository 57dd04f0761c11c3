"""Compare frames and tables of DL/T 645 with the package `dlt645` (PyPI), which is not ours."""

from collections import defaultdict
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from random import Random
import re
import sys
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "custom_components" / "obis_meter"))

from metering.links.dlt645 import events
from metering.links.dlt645.formats import Field
from metering.links.dlt645.frame import frames, request, take
from metering.links.dlt645.identifiers import items

PROTOCOL: Any = import_module("dlt645.protocol.protocol").DLT645Protocol
TABLES = ("variable", "parameter", "event_record")
FRAMES = 10_000
SPAN = ["YYMMDDhhmmss"] * 2
_DIGITS = re.compile(r"[XN]+(\.[XN]+)?")


def unlike_frames(random: Random) -> int:
    """Return how many frames of random content one side builds and the other reads otherwise."""
    unlike = 0
    for _ in range(FRAMES):
        address, data = random.randbytes(6), random.randbytes(random.randrange(200))
        function = random.randrange(0x20)
        theirs = PROTOCOL.deserialize(request(address[::-1].hex(), function, data))
        unlike += (bytes(theirs.addr), theirs.ctrl_code, bytes(theirs.data)) != (
            address,
            function,
            data,
        )
        buffer = bytearray(PROTOCOL.build_frame(address, 0x80 | function, data))
        (ours,) = frames(take(buffer) or b"")
        unlike += (ours.address, ours.control, ours.data) != (
            address[::-1].hex().upper(),
            0x80 | function,
            data,
        )
    return unlike


def their_formats() -> dict[str, list[str]]:
    """Return how they write what stands under each identifier, in order."""
    formats: dict[str, list[str]] = defaultdict(list)
    for table in TABLES:
        rows = getattr(import_module(f"dlt645.config.{table}_types"), f"{table.upper()}_TYPES")
        for row in rows:
            formats[row["Di"].upper()] += row["DataFormat"].split(",")
    return formats


def size_of(form: str) -> int:
    """Return the bytes of a format such as XXX.X, YYMMDDhhmm or C0C1C2C3."""
    return 4 if form.startswith("C0") else len(form.replace(".", "")) // 2


def decimals_of(form: str) -> int:
    """Return the decimals of a number."""
    return len(form.partition(".")[2])


def our_decimals(field: Field) -> int | None:
    """Return the decimals of a number of ours; None for what is none."""
    value = field.read(bytes(field.size))
    return decimals_of(f"{value:f}") if isinstance(value, Decimal) else None


def same_values(identifier: str, forms: list[str]) -> bool:
    """Tell whether all values under an identifier have the same bytes and decimals."""
    rows = items(identifier)
    fits = len(rows) == len(forms) or len(forms) == 1
    return fits and all(
        field.octets == size_of(form)
        and (not _DIGITS.fullmatch(form) or our_decimals(field) in (None, decimals_of(form)))
        for (_, field), form in zip(rows, forms, strict=False)
    )


def same_event(identifier: str, forms: list[str]) -> bool:
    """Tell whether a count has the same bytes, or a record begins with the same times."""
    octets = bytes(sum(map(size_of, forms)))
    if identifier.endswith("00"):
        return bool(list(events.readings(identifier, octets)))
    dated = bytes.fromhex("000000010126")
    parts = [dated if form == SPAN[0] else bytes(size_of(form)) for form in forms]
    (reading,) = events.readings(identifier, b"".join(parts))
    return isinstance(reading.value, str) == (forms.count(SPAN[0]) > 1)


def known(identifier: str) -> bool:
    """Tell whether an identifier is one of ours."""
    if not identifier.startswith("03"):
        return bool(items(identifier))
    blocks = {kind.block for kind in events.KINDS.values()}
    return identifier in blocks or (
        identifier[6:] != "00" and f"{identifier[:6]}00" in events.KINDS
    )


def main() -> int:
    """Print what differs; 1 where anything does."""
    unlike = unlike_frames(Random(1))
    print(f"{2 * FRAMES} frames, {unlike} unlike")
    ours, others = 0, []
    formats = their_formats()
    for identifier, forms in sorted(formats.items()):
        if not known(identifier):
            continue
        same = same_event if identifier.startswith("03") else same_values
        ours += 1
        if not same(identifier, forms):
            others.append(f"{identifier} {forms[:4]}")
    print(f"{len(formats)} identifiers of theirs, {ours} ours too, {len(others)} unlike")
    print("\n".join(others))
    return bool(unlike or others)


if __name__ == "__main__":
    sys.exit(main())
