"""The dialog for an owner on whose port another meter speaks."""

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry
from homeassistant.data_entry_flow import AbortFlow

from .const import CONF_FOREIGN
from .succession import Successor, async_hand_over, async_start_anew, is_known


class OtherMeterFlow(RepairsFlow):
    """Asks why another meter speaks, and does what follows from it."""

    def __init__(self, entry_id: str, found: str) -> None:
        """Name the entry, and the meter that speaks."""
        self._entry_id = entry_id
        self._found = found

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask whether the meter was replaced."""
        entry = self._entry()
        return self.async_show_menu(
            step_id="init",
            menu_options=["replaced", "anew", "ignore"],
            description_placeholders={
                "name": entry.title,
                "expected": entry.unique_id or "",
                "found": self._found,
            },
        )

    def _entry(self) -> ConfigEntry:
        """Return the entry; AbortFlow where it has gone, or the other meter has one, meanwhile."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None:
            raise AbortFlow("gone")
        if is_known(self.hass, self._found):
            raise AbortFlow("already_configured")
        return entry

    async def async_step_replaced(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Have the new meter take the place of the old one."""
        entry = self._entry()
        await async_hand_over(self.hass, entry, self._successor(entry))
        return self.async_create_entry(data={})

    async def async_step_anew(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Add the new meter by itself."""
        entry = self._entry()
        await async_start_anew(self.hass, entry, self._successor(entry))
        return self.async_create_entry(data={})

    async def async_step_ignore(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Speak of this meter no more; what it says is not shown either."""
        entry = self._entry()
        foreign = [*entry.data.get(CONF_FOREIGN, ()), self._found]
        self.hass.config_entries.async_update_entry(
            entry, data={**entry.data, CONF_FOREIGN: foreign}
        )
        self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_create_entry(data={})

    def _successor(self, entry: ConfigEntry) -> Successor:
        """Return the new meter, which is read as the old one was."""
        data = {key: value for key, value in entry.data.items() if key != CONF_FOREIGN}
        return Successor(self._found, data, entry.options)
