"""What an owner can put right with a click."""

from typing import override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the dialog for the only message that has one: a counter that begins anew."""
    return CounterResetFlow(str((data or {})["entry_id"]))


class CounterResetFlow(ConfirmRepairFlow):
    """Asks whether the meter was reset or exchanged, and believes its owner."""

    def __init__(self, entry_id: str) -> None:
        """Name the entry of the meter."""
        self._entry_id = entry_id

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask; the message goes with the answer."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if user_input is not None and entry and entry.state is ConfigEntryState.LOADED:
            entry.runtime_data.security.accept_reset()
        return await super().async_step_confirm(user_input)
