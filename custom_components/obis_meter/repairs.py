"""What an owner can put right with a click."""

from typing import override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .const import CONF_FOUND, CONF_METER
from .other_meter_flow import OtherMeterFlow


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the dialog for a message, by what it tells."""
    data = data or {}
    if CONF_FOUND in data:
        return OtherMeterFlow(str(data["entry_id"]), str(data[CONF_FOUND]))
    return CounterResetFlow(str(data["entry_id"]), str(data[CONF_METER]))


class CounterResetFlow(ConfirmRepairFlow):
    """Asks whether the meter was reset or exchanged, and believes its owner."""

    def __init__(self, entry_id: str, meter: str) -> None:
        """Name the meter and its entry."""
        self._entry_id = entry_id
        self._meter = meter

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask; the message goes with the answer."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        is_loaded = entry is not None and entry.state is ConfigEntryState.LOADED
        trackers = entry.runtime_data.trackers if entry and is_loaded else {}
        if user_input is not None and (tracker := trackers.get(self._meter)):
            tracker.security.accept_reset()
        return await super().async_step_confirm(user_input)
