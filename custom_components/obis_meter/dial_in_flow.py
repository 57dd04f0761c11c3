"""The dialogs for meters that call: the port on which they may, and each new one that does."""

from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult, ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_NAME

from . import forms
from .const import (
    CONF_ALLOWED,
    CONF_IDENTITY,
    CONF_LINK,
    CONF_METER,
    CONF_PORT,
    LISTEN,
    MODULE_LINK,
    SUBENTRY_METER,
)
from .listener import Listener, networks
from .transport import Port, PortError


class DialInSteps(ConfigFlow):
    """The steps of a config flow that are about meters that call."""

    _offered: dict[str, str]

    async def async_step_listener(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the TCP port on which meters call, and who may."""
        if user_input is None:
            return self._ask_for_listener({}, {})
        host = user_input.get(CONF_HOST, "").strip().strip("[]")
        number = user_input[CONF_PORT]
        try:
            allowed = networks(user_input[CONF_ALLOWED])
        except ValueError:
            allowed = ()
        if not allowed:
            return self._ask_for_listener(user_input, {CONF_ALLOWED: "allowed_invalid"})
        url = f"{LISTEN}://{f'[{host}]' if ':' in host else host}:{number}"
        self._async_abort_entries_match({CONF_PORT: url})
        listener = Listener(host, number, allowed, _nobody)
        try:
            await listener.open()
        except PortError as err:
            return self._ask_for_listener(user_input, {"base": err.key}, err.url)
        await listener.close()
        return self.async_create_entry(
            title=f"Meters calling on port {number}",
            data={
                CONF_PORT: url,
                CONF_LINK: MODULE_LINK,
                CONF_ALLOWED: user_input[CONF_ALLOWED],
                CONF_IDENTITY: {},
            },
        )

    def _ask_for_listener(
        self, typed: dict[str, Any], errors: dict[str, str], port: str = ""
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id="listener",
            data_schema=self.add_suggested_values_to_schema(forms.LISTENER, typed),
            errors=errors,
            description_placeholders={"port": port},
        )

    async def async_step_integration_discovery(
        self, discovery_info: dict[str, str]
    ) -> ConfigFlowResult:
        """Offer a meter that called and is not known."""
        await self.async_set_unique_id(discovery_info[CONF_METER])
        self._abort_if_unique_id_configured()
        self._offered = discovery_info
        self.context["title_placeholders"] = {"name": discovery_info[CONF_METER]}
        return await self.async_step_called()

    async def async_step_called(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to add it, and under which name."""
        if user_input is None:
            return self.async_show_form(
                step_id="called",
                data_schema=forms.CALLED,
                description_placeholders=self._offered,
            )
        entry = self.hass.config_entries.async_get_entry(self._offered["entry_id"])
        if entry is None:
            return self.async_abort(reason="listener_gone")
        meter = self._offered[CONF_METER]
        if all(known.unique_id != meter for known in entry.subentries.values()):
            self.hass.config_entries.async_add_subentry(
                entry,
                ConfigSubentry(
                    data=MappingProxyType({}),
                    subentry_type=SUBENTRY_METER,
                    title=user_input[CONF_NAME].strip() or meter,
                    unique_id=meter,
                ),
            )
        return self.async_abort(reason="meter_added")


async def _nobody(port: Port, address: str) -> None:
    """Hang up: this port was opened only to see whether it can be."""
