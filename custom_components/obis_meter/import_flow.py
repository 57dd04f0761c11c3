"""Adding a meter that an owner chose elsewhere: a new one, on the port of another."""

from typing import Any

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult


class ImportSteps(ConfigFlow):
    """The step of a config flow in which nothing is asked."""

    async def async_step_import(self, import_data: dict[str, Any]) -> ConfigFlowResult:
        """Add a meter as it was found."""
        await self.async_set_unique_id(import_data["meter"])
        self._abort_if_unique_id_configured()
        return self.async_create_entry(
            title=import_data["title"],
            data=import_data["data"],
            options=import_data["options"],
        )
