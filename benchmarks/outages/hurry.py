"""Make the integration's clock run faster: every wait of it is divided by one factor."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from types import ModuleType
from typing import Any, Final

from homeassistant import config_entries
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant
from homeassistant.helpers.event import async_call_later

from custom_components.obis_meter import (
    bridge,
    caller,
    channel,
    connection,
    datagrams,
    finder,
    pace,
    polling,
    reader,
    transport,
)
from custom_components.obis_meter.metering.attempts import Patience
from custom_components.obis_meter.metering.links.dlt645 import commands, talk as dlt645_talk
from custom_components.obis_meter.metering.links.rfc1662 import talk as rfc1662_talk
from custom_components.obis_meter.metering.schedule import Poll, Schedule
from simulator import optical

FACTOR: Final = 10
START: Final = datetime(2026, 3, 4, 17, 50)

_WAITS: Final[tuple[tuple[ModuleType, tuple[str, ...]], ...]] = (
    (bridge, ("SETTLED", "STABLE", "_TIMEOUT")),
    (caller, ("FIRST_ABSENCE", "GREETING")),
    (channel, ("QUIET",)),
    (commands, ("_REACTION",)),
    (connection, ("FIRST_DELAY", "LONGEST_DELAY", "STABLE")),
    (datagrams, ("LINGER",)),
    (dlt645_talk, ("ANSWER", "LONGEST")),
    (pace, ("FIRST_PATIENCE", "LEAST_PATIENCE")),
    (polling, ("_LOOK",)),
    (reader, ("_LOOK", "_NOTHING_LEFT")),
    (rfc1662_talk, ("ANSWER", "LONGEST")),
    (transport, ("CONNECT_TIMEOUT", "_BITS", "_WRITE_TIMEOUT")),
)
_REACTION: Final = 0.1  # s before a meter behind a head answers, in which a busy machine keeps up


def hurry() -> None:
    """Divide all waits, once and for all; Home Assistant's retries of a set-up among them."""
    for module, names in _WAITS:
        for name in names:
            setattr(module, name, getattr(module, name) / FACTOR)
    usual = asdict(finder.PATIENCE)
    hasty = Patience(**{name: seconds / FACTOR for name, seconds in usual.items()})
    setattr(finder, "PATIENCE", hasty)  # noqa: B010 - a constant elsewhere
    setattr(reader, "Schedule", _hasty)  # noqa: B010 - not exported
    setattr(config_entries, "async_call_later", _call_sooner)  # noqa: B010
    optical._LEAST = _REACTION


def _hasty(polls: Iterable[Poll], now: float) -> Schedule:
    return Schedule([replace(poll, every=poll.every / FACTOR) for poll in polls], now)


def _call_sooner(hass: HomeAssistant, delay: float, action: HassJob[..., Any]) -> CALLBACK_TYPE:
    return async_call_later(hass, delay / FACTOR, action)
