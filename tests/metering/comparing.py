"""Whether a telegram says what is expected of it: units by meaning, clocks by wall time."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from custom_components.obis_meter.metering.links.dlt645.identifiers import items
from custom_components.obis_meter.metering.model import ObisCode, Reading, Telegram

from .captures import Capture, Want


def complaints(capture: Capture, telegrams: list[Telegram]) -> Iterator[str]:
    """Yield what telegrams miss, or say otherwise; meters that answer say one thing a telegram."""
    if capture.link == "dlt645":
        telegrams = [_together(telegrams)] if any(said.readings for said in telegrams) else []
    if len(telegrams) != capture.count:
        yield f"{len(telegrams)} telegrams"
    for wanted, telegram in zip(capture.wanted, telegrams, strict=False):
        said = {reading.id: reading for reading in telegram.readings}
        yield from (f"{name} is published" for name in capture.absent if _code(name) in said)
        for name, want in wanted.items():
            reading = said.get(_code(name))
            if want.value and not (reading and _same(want, reading, capture.digits_only)):
                yield f"{name}: {reading}, not {want}"


def _together(telegrams: list[Telegram]) -> Telegram:
    return Telegram(tuple(reading for telegram in telegrams for reading in telegram.readings))


def _code(name: str) -> ObisCode | str | None:
    if rows := items(name):
        return rows[0][0]
    return ObisCode.parse(name) or name


def _same(want: Want, reading: Reading, digits_only: bool) -> bool:
    match reading.value:
        case Decimal() as value:
            return _same_number(want, value, reading.unit, digits_only)
        case datetime() as moment:
            wanted = datetime.fromisoformat(want.value)
            return wanted.replace(tzinfo=None) == moment.replace(tzinfo=None)
        case text:
            return want.unit is None and _same_text(want.value.strip("\0 "), str(text).strip())


def _same_number(want: Want, value: Decimal, unit: str | None, digits_only: bool) -> bool:
    if want.unit is None and not digits_only:
        return Decimal(want.value) == value
    wanted, said = Decimal(want.value) * _factor(want.unit), value * _factor(unit)
    if digits_only:
        return wanted.normalize().as_tuple().digits == said.normalize().as_tuple().digits
    return wanted == said and _base(want.unit) == _base(unit)


def _factor(unit: str | None) -> int:
    return 1000 if unit and unit.startswith("k") else 1


def _base(unit: str | None) -> str:
    return (unit or "").removeprefix("k").lower().replace("³", "3")


def _same_text(wanted: str, said: str) -> bool:
    """Tell whether two texts are one: also a count with leading zeros, and octets in hex."""
    counts = wanted.isdecimal() and said.isdecimal() and int(wanted) == int(said)
    return wanted == said or counts or wanted.lower() == said.encode().hex()
