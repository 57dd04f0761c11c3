"""What an owner is told in the repairs."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN


class OtherMeter:
    """Watches that the meter that was set up speaks on the port, and no other."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, name: str | None, expected: str | None
    ) -> None:
        """Expect the meter with an id, which its owner calls by a name; any, without an id."""
        self._hass = hass
        self._name = name or entry.title
        self._expected = expected
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
            self._found = meter
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
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="other_meter",
            translation_placeholders={
                "name": self._name,
                "expected": expected,
                "found": found,
            },
        )
