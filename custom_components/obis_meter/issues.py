"""What an owner is told in the repairs."""

from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .const import CONF_FOREIGN, CONF_FOUND, CONF_LINK, CONF_METER, DOMAIN
from .meter import Meter
from .metering.errors import Lock
from .metering.model import Telegram
from .metering.pin import PinWatch

_PIN_HELP: Final = (
    "https://github.com/obis-smart-meter/obis-smart-meter#german-meters-and-their-pin"
)
_SHUT: Final = 3  # telegrams in a row that no key opens; fewer may be another's


class Issues:
    """Watches telegrams for what their owner can put right."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, meter: Meter) -> None:
        """Watch a meter; no other may speak where the entry is its own."""
        expected = None if meter.subentry_id else entry.unique_id
        self._other_meter = OtherMeter(hass, entry, meter.name, expected)
        self._pin = PinMissing(hass, entry)
        self._locks = Locks(hass, entry, meter)

    def is_foreign(self, telegram: Telegram) -> bool:
        """Look at a telegram; tell whether it is another meter's."""
        self._locks.opened()
        if self._other_meter.speaks(telegram.meter):
            return True
        self._pin.hears(telegram)
        return False

    def shut(self, lock: Lock) -> None:
        """Note why an intact telegram was not opened."""
        self._locks.shut(lock)

    def forget(self) -> None:
        """Take all messages back."""
        self._other_meter.forget()
        self._pin.forget()
        self._locks.forget()


class OtherMeter:
    """Watches that the meter that was set up speaks on the port, and no other."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, name: str | None, expected: str | None
    ) -> None:
        """Expect the meter with an id, which its owner calls by a name; any, without an id."""
        self._hass = hass
        self._name = name or entry.title
        self._expected = expected
        self._entry_id = entry.entry_id
        self._ignored = entry.data.get(CONF_FOREIGN, ())
        self._issue = f"other_meter_{entry.entry_id}"
        self._found: str | None = None

    def speaks(self, meter: str | None) -> bool:
        """Tell whether a telegram is another meter's; its owner is told once, and when it is over.

        A telegram without an id is of the meter that gave its id last.
        """
        if not self._expected:
            return False
        if not meter:
            return self._found is not None
        if meter == self._expected:
            self.forget()
            return False
        if meter != self._found:
            self.forget()
            self._found = meter
            if meter not in self._ignored:
                self._tell(self._expected, meter)
        return True

    def forget(self) -> None:
        """Take the message back."""
        if self._found:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue)
            self._found = None

    def _tell(self, expected: str, found: str) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue,
            data={"entry_id": self._entry_id, CONF_FOUND: found},
            is_fixable=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key="other_meter",
            translation_placeholders={
                "name": self._name,
                "expected": expected,
                "found": found,
            },
        )


class PinMissing:
    """Watches whether an SML meter holds back what its PIN would open."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Suspect nothing; meters of other interfaces have no such PIN."""
        self._hass = hass
        self._entry = entry
        self._issue = f"pin_missing_{entry.entry_id}"
        self._watch = PinWatch() if entry.data[CONF_LINK] == "sml" else None
        self._told = False

    def hears(self, telegram: Telegram) -> None:
        """Tell the owner once it is certain; take that back when the meter tells everything."""
        if not self._watch:
            return
        self._watch.note(telegram.readings)
        if self._watch.missing and not self._told:
            self._told = True
            self._tell()
        elif not self._watch.missing:
            self.forget()

    def forget(self) -> None:
        """Take the message back."""
        if self._told:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue)
            self._told = False

    def _tell(self) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="pin_missing",
            translation_placeholders={"name": self._entry.title},
            learn_more_url=_PIN_HELP,
        )


class Locks:
    """Watches for telegrams that no key opens, and for counters that begin anew."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, meter: Meter) -> None:
        """Expect keys to fit."""
        self._hass = hass
        self._entry = entry
        self._meter = meter
        self._issue = f"counter_reset_{meter.subentry_id or entry.entry_id}"
        self._run = 0
        self._told = False

    def shut(self, lock: Lock) -> None:
        """Ask the owner for the keys once they are certainly wrong, and about a reset meter."""
        match lock:
            case Lock.REPLAY:  # the keys fit
                self._run = 0
            case Lock.COUNTER_RESET:
                self._run = 0
                self._tell()
            case Lock.COMPRESSED | Lock.DEDICATED_KEY:
                pass  # no key of the owner's would help
            case _:
                self._run += 1
                if self._run == _SHUT:
                    asked = {CONF_METER: self._meter.key}
                    self._entry.async_start_reauth(self._hass, data=asked)

    def opened(self) -> None:
        """Note that a telegram was read; keys are asked for no more."""
        if self._run >= _SHUT:
            self._stop_asking()
        self._run = 0
        self.forget()

    def forget(self) -> None:
        """Take the message back."""
        if self._told:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue)
            self._told = False

    def _stop_asking(self) -> None:
        """Close the dialog for keys of this meter, and with it the message that asks for it."""
        dialogs = self._hass.config_entries.flow
        for dialog in dialogs.async_progress_by_init_data_type(dict, self._is_ours):
            if dialog["context"].get("entry_id") == self._entry.entry_id:
                dialogs.async_abort(dialog["flow_id"])

    def _is_ours(self, data: dict[str, Any]) -> bool:
        return data.get(CONF_METER) == self._meter.key

    def _tell(self) -> None:
        if self._told:
            return
        self._told = True
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue,
            data={"entry_id": self._entry.entry_id, CONF_METER: self._meter.key},
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key="counter_reset",
            translation_placeholders={"name": self._meter.name or self._entry.title},
        )
