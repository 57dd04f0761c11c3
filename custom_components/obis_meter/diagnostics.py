"""The diagnostics download: link statistics, the last payloads, registers; no identifier in it."""

from dataclasses import asdict
import re
from typing import Any, Final

from homeassistant.core import HomeAssistant

from .const import CONF_LINK
from .coordinator import ObisMeterConfigEntry, ObisMeterCoordinator
from .meter import Meter
from .metering.catalogue import Register
from .metering.families import KAMSTRUP_TYPE
from .metering.model import Reading
from .metering.submeters import register_of

REDACTED: Final = "**REDACTED**"
_NUMBER: Final = re.compile(r"\d{5,}")
_SHORTEST: Final = 5  # characters; shorter texts are states
_HARMLESS: Final = (
    *("protocol_version", "meter_model", "firmware", "tariff"),
    *("breaker", "device_type", "valve", "message_code"),
)


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: ObisMeterConfigEntry
) -> dict[str, Any]:
    """Return what helps to find out why a meter is not read as it should be.

    link and payloads are what `scripts/decode` reads from the file.
    """
    coordinator = entry.runtime_data
    connection = coordinator.connection
    secrets = _secrets(coordinator)
    return {
        "link": entry.data[CONF_LINK],
        "line": str(connection.line),
        "port": connection.url.partition("://")[0] if "://" in connection.url else "serial",
        "connected": coordinator.last_update_success,
        "statistics": asdict(connection.statistics),
        "held_totals": coordinator.guard.held,
        "patience": round(connection.pace.patience, 1),
        "pending_bytes": connection.session.pending,
        "payloads": [blank(payload, secrets).hex() for payload in connection.session.payloads],
        "meters": [_meter(meter) for meter in coordinator.data.values()],
    }


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
    if not isinstance(reading.value, str) or reading.id == KAMSTRUP_TYPE:
        return False
    row = _row(meter, reading)
    return row is None or row.key not in _HARMLESS


def _secrets(coordinator: ObisMeterCoordinator) -> set[str]:
    """Return every text that may name a meter, as it was sent."""
    meters = coordinator.data.values()
    sent = {
        str(reading.value)
        for meter in meters
        for reading in meter.readings.values()
        if _is_secret(meter, reading)
    }
    return sent | {meter.identity.serial or "" for meter in meters}


def blank(payload: bytes, secrets: set[str]) -> bytes:
    """Overwrite identifiers with zeros, character for character, so that the payload still decodes.

    Beside the texts named, every run of five digits or more in a P1
    identification goes.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        for form in _forms(secret):
            payload = payload.replace(form, b"0" * len(form))
    head, newline, rest = payload.partition(b"\n")
    if head.startswith(b"/"):
        head = re.sub(rb"\d{5,}", lambda match: b"0" * len(match[0]), head)
    return head + newline + rest


def _forms(secret: str) -> list[bytes]:
    """Return how a text may stand in a payload: as it is, or as hex of its characters."""
    raw = secret.encode("latin-1", "ignore")
    if len(raw) < _SHORTEST:
        return []
    spelled = raw.hex().encode()
    return [raw, spelled, spelled.upper()]
