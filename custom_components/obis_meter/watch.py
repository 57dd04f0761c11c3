"""Tells the owner of a port that has been of no use for an hour, and takes that back by itself."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util.hass_dict import HassKey

from .connection import Connection
from .const import CONF_ASK, CONF_LINE, CONF_PORT, DOMAIN, is_raw
from .metering.chances import chances, suspects
from .metering.evidence import Evidence
from .metering.model import LineSettings

TOO_LONG: Final = 3600.0  # seconds
LOOK: Final = timedelta(minutes=1)
_TROUBLES: Final = ("missing_port", "no_bytes", "no_telegram")
"""What can be wrong with a port; what comes first is the cause of the others."""
_SITE: Final = "https://github.com/obis-smart-meter/obis-smart-meter/blob/main"
_HELP: Final = {
    "missing_port": "docs/troubleshooting.md#the-port-is-missing",
    "no_bytes": "docs/troubleshooting.md#nothing-is-heard",
    "no_answer": "docs/troubleshooting.md#a-meter-does-not-answer",
    "no_telegram": "docs/troubleshooting.md#bytes-come-but-no-telegram",
    "no_telegram_tcp": "docs/troubleshooting.md#bytes-come-but-no-telegram",
    "no_telegram_like": "docs/troubleshooting.md#bytes-come-but-no-telegram",
    "no_telegram_like_tcp": "docs/troubleshooting.md#bytes-come-but-no-telegram",
}
"""The messages, and the pages that go on where they end."""
_GONE: Final[HassKey[dict[str, tuple[float, CALLBACK_TYPE]]]] = HassKey(f"{DOMAIN}_gone")
"""Entry id -> since when its port is missing, and what ends watching whether it is switched off."""


class Watch:
    """Looks each minute at what a port has brought since it was opened with its entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, connection: Connection) -> None:
        """Begin with a port that was opened just now."""
        self._hass = hass
        self._entry = entry
        self._connection = connection
        self._since = dict.fromkeys(_TROUBLES, hass.loop.time())
        self._counts = (0, 0)

    def begin(self) -> CALLBACK_TYPE:
        """Look until what is returned is called, which takes the message back."""
        found(self._hass, self._entry)
        end = async_track_time_interval(self._hass, self._look, LOOK)

        @callback
        def stop() -> None:
            end()
            _tell(self._hass, self._entry, None)

        return stop

    @callback
    def _look(self, _when: datetime) -> None:
        """Tell of what comes first: a port that is closed brings no bytes, and they no telegram."""
        now = self._hass.loop.time()
        statistics = self._connection.channel.statistics
        bytes_before, intact_before = self._counts
        self._counts = (statistics.bytes_received, statistics.intact)
        if self._connection.is_there:
            self._since["missing_port"] = now
        if statistics.bytes_received > bytes_before:
            self._since["no_bytes"] = now
        if statistics.intact > intact_before:
            self._since["no_telegram"] = now
        limit = max(TOO_LONG, self._connection.channel.vigil.pace.patience)
        over = (trouble for trouble, since in self._since.items() if now - since >= limit)
        _tell(self._hass, self._entry, next(over, None), self._connection.channel.recent)


@callback
def missing(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Note that the port of an entry could not be opened when it was to be set up."""

    @callback
    def given_up() -> None:
        if entry.disabled_by:  # it is not set up again, and nobody else would take the message back
            hass.loop.call_soon(found, hass, entry)  # behind the others who are told

    now, gone = hass.loop.time(), hass.data.setdefault(_GONE, {})
    if entry.entry_id not in gone:
        gone[entry.entry_id] = now, entry.async_on_state_change(given_up)
    if now - gone[entry.entry_id][0] >= TOO_LONG:
        _tell(hass, entry, "missing_port")


@callback
def found(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Note that the port of an entry was opened, or is wanted no more; take the message back."""
    if known := hass.data.get(_GONE, {}).pop(entry.entry_id, None):
        _, stop = known
        stop()
    _tell(hass, entry, None)


def _tell(
    hass: HomeAssistant, entry: ConfigEntry, trouble: str | None, recent: bytes = b""
) -> None:
    """Show the message on what is wrong with a port, and none but it."""
    issue = f"port_{entry.entry_id}"
    if trouble is None:
        ir.async_delete_issue(hass, DOMAIN, issue)
        return
    told = {"name": entry.title, "port": entry.data[CONF_PORT], "line": entry.data[CONF_LINE]}
    if trouble == "no_telegram" and (pair := _likely(hass, entry, recent)):
        trouble = "no_telegram_like"
        told |= {"sent": str(pair[0]), "heard": str(pair[1])}
    message = _message(entry, trouble)
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=message,
        translation_placeholders=told,
        learn_more_url=f"{_SITE}/{_HELP[message]}",
    )


def _likely(
    hass: HomeAssistant, entry: ConfigEntry, recent: bytes
) -> tuple[LineSettings, LineSettings] | None:
    """Return how the meter and its hearer are probably set; None where the bytes do not tell."""
    port, line = entry.data[CONF_PORT], LineSettings.parse(entry.data[CONF_LINE])
    heard = Evidence(line, missed=True)  # they begin anywhere
    heard.feed(recent, 0.0)
    shares = chances(hass.config.country, port)
    return suspects(heard, shares, shares if is_raw(port) else (line,))


def _message(entry: ConfigEntry, trouble: str) -> str:
    """Return the message that fits how the meter is connected."""
    if trouble == "no_bytes" and entry.data.get(CONF_ASK):
        return "no_answer"
    if trouble.startswith("no_telegram") and is_raw(entry.data[CONF_PORT]):
        return f"{trouble}_tcp"
    return trouble
