"""The diagnostics download: link statistics, the last payloads, registers; no identifier in it."""

from collections.abc import Iterable
from dataclasses import asdict
import re
from typing import Any, Final

from homeassistant.core import HomeAssistant

from .bridge import Bridge
from .channel import Channel
from .const import (
    CONF_ALLOW_COMMANDS,
    CONF_ANSWER_TIMEOUT,
    CONF_CHECKSUM,
    CONF_DEMAND_PERIOD,
    CONF_EIGHT_BITS,
    CONF_EVIDENCE,
    CONF_FIXED,
    CONF_INTERVAL,
    CONF_LINE,
    CONF_LINK,
    CONF_LISTEN_ONLY,
    CONF_MODULE_QUALITY,
    CONF_PORT,
    CONF_QUERY,
    CONF_START_BAUD,
    CONF_WAKE,
    CONF_WRITE_INTERVAL,
)
from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator
from .dial_in import ListenerCoordinator
from .meter import Meter
from .metering.catalogue import Register
from .metering.families import KAMSTRUP_TYPE
from .metering.identity import Identity
from .metering.links import Link
from .metering.model import Reading, Telegram
from .metering.security import Security
from .metering.session import Session
from .metering.submeters import register_of

REDACTED: Final = "**REDACTED**"
_NAMES: Final = ("meter_id", "meter_number", "logical_device_name")
_RUN: Final = re.compile(rb"[0-9A-Za-z]{5,}")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){4,}")
_NUMBER: Final = re.compile(r"\d{5,}")
_TITLE: Final = re.compile(rb"(?<=\xdb\x08)[A-Z]{3}.{5}", re.DOTALL)
_NAMING: Final = re.compile(r"(?:0x)?[0-9A-Za-z]{5,}")
_TELLING: Final = re.compile(r"0x[0-9A-F]{10}FF|\d{5,8}")  # an OBIS code, a total
_OPERATOR: Final = 8  # digits of an operator's number as it is sent
_SHORTEST: Final = 5  # characters; shorter texts are states
_HARMLESS: Final = (
    *("protocol_version", "meter_model", "firmware", "tariff"),
    *("breaker", "device_type", "valve", "error_code", "message_code", "maker", "status_word"),
)
_OPTIONS: Final = (
    *(CONF_WRITE_INTERVAL, CONF_DEMAND_PERIOD, CONF_ALLOW_COMMANDS, CONF_MODULE_QUALITY),
    *(CONF_START_BAUD, CONF_FIXED, CONF_EIGHT_BITS, CONF_WAKE, CONF_CHECKSUM, CONF_QUERY),
    *(CONF_INTERVAL, CONF_ANSWER_TIMEOUT, CONF_LISTEN_ONLY),
)
"""Options that name nobody and open nothing."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: ObisMeterConfigEntry
) -> dict[str, Any]:
    """Return what helps to find out why a meter is not read as it should be.

    link and payloads are what `scripts/decode` reads from the file.
    """
    coordinator = entry.runtime_data
    scheme, separator, _ = entry.data[CONF_PORT].partition("://")
    guards = [guard for each in coordinator.trackers.values() for guard in each.guards.values()]
    return {
        "link": entry.data[CONF_LINK],
        "line": entry.data.get(CONF_LINE),
        "evidence": entry.data.get(CONF_EVIDENCE, []),
        "port": scheme if separator else "serial",
        "options": {name: entry.options[name] for name in _OPTIONS if name in entry.options},
        "connected": coordinator.last_update_success,
        "channels": [_channel(channel) for channel in coordinator.channels()],
        "turned_away": _turned_away(coordinator),
        "bridges": [_bridge(each) for each in coordinator.bridges.values()],
        "asked": [each.asked for each in coordinator.readers.values()],
        "held_totals": sum(guard.held for guard in guards),
        "payloads": _payloads(coordinator),
        "unknown_lists": _unknown_lists(coordinator),
        "meters": [_meter(meter) for meter in coordinator.data.values()],
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "up": channel.up,
        "statistics": asdict(channel.statistics),
        "patience": round(channel.vigil.pace.patience, 1),
        "pending_bytes": channel.session.pending,
    }


def _turned_away(coordinator: ObisMeterCoordinator) -> dict[str, int] | None:
    """Return how many callers were not let in, where meters call."""
    if not isinstance(coordinator, ListenerCoordinator):
        return None
    return asdict(coordinator.listener.turned)


def _bridge(bridge: Bridge) -> dict[str, Any]:
    return {"up": bridge.up, **asdict(bridge.carried)}


def _meter(meter: Meter) -> dict[str, Any]:
    """Return a meter's registers: which there are, and what they say unless it names someone."""
    return {
        "maker": meter.identity.maker,
        "model": _NUMBER.sub(REDACTED, meter.identity.model or "") or None,
        "firmware": meter.identity.firmware,
        "registers": {
            str(reading.id): {
                "known": _row(meter, reading) is not None,
                "value": REDACTED if _is_secret(meter, reading) else str(reading.value),
                "unit": reading.unit,
            }
            for reading in meter.readings.values()
        },
    }


def _row(meter: Meter, reading: Reading) -> Register | None:
    return register_of(reading.id, meter.sub_meter)


def _is_secret(meter: Meter, reading: Reading) -> bool:
    """Tell whether a reading may name a meter or its owner: any text not known to be harmless."""
    if reading.id == KAMSTRUP_TYPE:
        return False
    row = _row(meter, reading)
    if isinstance(reading.value, str):
        return row is None or row.key not in _HARMLESS
    return row is not None and row.key in _NAMES


def _payloads(coordinator: ObisMeterCoordinator) -> list[str]:
    """Return the last payloads without identifiers, whichever meter they came from."""
    sessions = [channel.session for channel in coordinator.channels()]
    known = {secret for key in coordinator.trackers for secret in _secrets(coordinator, key)}
    return [
        blank(payload, session.link, known) for session in sessions for payload in session.payloads
    ]


def _secrets(coordinator: ObisMeterCoordinator, meter: str) -> tuple[str, ...]:
    """Return what may stand in the payloads of a meter beside its readings."""
    access = coordinator.access(meter)
    return meter, access.address, access.operator.zfill(_OPERATOR), access.password


def _unknown_lists(coordinator: ObisMeterCoordinator) -> list[list[str]]:
    """Return the lists whose layout nobody knows, for their owner to ask for it."""
    sessions = [channel.session for channel in coordinator.channels()]
    said = [each for session in sessions for each in _read_again(session)]
    return [[plain(value) for value in each.plain] for each in said if each.plain]


def _read_again(session: Session) -> list[Telegram]:
    again = Session(session.link, Security(session.security.keys))
    events = [event for payload in session.payloads for event in again.read(payload)]
    return [event for event in events if isinstance(event, Telegram)]


def plain(value: str) -> str:
    """Return one value of an unknown list unless it may name a meter: an OBIS code, a total."""
    return _NAMING.sub(lambda m: m[0] if _TELLING.fullmatch(m[0]) else REDACTED, value)


def blank(payload: bytes, link: Link, known: Iterable[str] = ()) -> str:
    """Return the hex of a payload, identifiers overwritten character for character.

    known are identifiers that may stand anywhere in it.

    It still decodes. One without readings loses every run of letters or digits,
    because nobody knows what they say; a ciphered one its system title.
    """
    security = Security()
    events = list(Session(link, security).read(payload))
    said = [event for event in events if isinstance(event, Telegram)]
    payload = _without(payload, {*known, *(each.meter for each in said if each.meter)})
    if not any(each.readings for each in said):
        payload = _TITLE.sub(_zeros, payload)
        if security.ciphered:
            payload = payload.replace(security.ciphered.title, bytes(len(security.ciphered.title)))
        return _RUN.sub(_zeros, payload).hex()
    meter = Meter("", Identity())
    secrets = {str(r.value) for each in said for r in each.readings if _is_secret(meter, r)}
    payload = _without(payload, secrets)
    head, newline, rest = payload.partition(b"\n")
    if head.startswith(b"/"):
        head = re.sub(rb"\d{5,}", _zeros, head)
    return (head + newline + rest).hex()


def _without(payload: bytes, secrets: Iterable[str]) -> bytes:
    for form in sorted((form for text in secrets for form in _forms(text)), key=len, reverse=True):
        payload = payload.replace(form, b"0" * len(form))
    return payload


def _zeros(match: re.Match[bytes]) -> bytes:
    return b"0" * len(match[0])


def _forms(secret: str) -> list[bytes]:
    """Return how a text may stand in a payload: as it is, as its hex, or as octets."""
    raw = secret.encode("latin-1", "ignore")
    if len(raw) < _SHORTEST:
        return []
    spelled = raw.hex().encode()
    octets = bytes.fromhex(secret) if _HEX.fullmatch(secret) else b""
    either_way = [octets, octets[::-1]] if octets.strip(b"\0") else []
    return [raw, spelled, spelled.upper(), *either_way]
