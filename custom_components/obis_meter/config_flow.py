"""Adding a meter: where it is connected, listening, and what was found."""

from typing import Any, override

from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryFlow,
)
from homeassistant.const import CONF_HOST
from homeassistant.core import callback
from homeassistant.util.network import is_ipv6_address

from . import forms, port_forms
from .bus import is_bus
from .bus_flow import BusMeterSubentryFlow
from .const import AUTO, CONF_LINE, CONF_PORT, DOMAIN, SUBENTRY_METER, is_listener
from .coordinator import is_missed
from .dial_in_flow import DialInSteps
from .discovery_flow import DiscoverySteps
from .finder import Found
from .forms import CONF_PROTOCOL, CONF_WHAT
from .head import ReadOut
from .listen_flow import USUAL, ListenSteps
from .metering.model import LineSettings
from .options_flow import MeterSubentryFlow, ObisMeterOptionsFlow
from .reconfigure_flow import ReconfigureSteps


class ObisMeterConfigFlow(
    DiscoverySteps, ReconfigureSteps, ListenSteps, DialInSteps, domain=DOMAIN
):
    """Adds a meter, or a port on which meters call."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin with nothing chosen."""
        super().__init__()
        self._step = "serial"
        self._typed: dict[str, Any] = {}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> ObisMeterOptionsFlow:
        """Return the flow for the options of an entry."""
        return ObisMeterOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what may be added to an entry: meters, where they call in or share a line."""
        if is_listener(config_entry.data[CONF_PORT]):
            return {SUBENTRY_METER: MeterSubentryFlow}
        return {SUBENTRY_METER: BusMeterSubentryFlow} if is_bus(config_entry) else {}

    async_step_usb = DiscoverySteps.async_step_usb  # where Home Assistant's checks look for them
    async_step_zeroconf = DiscoverySteps.async_step_zeroconf

    @override
    def is_matching(self, other_flow: ObisMeterConfigFlow) -> bool:
        """Tell whether another flow is about the same port."""
        return bool(self._url) and other_flow._url == self._url

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the meter is connected."""
        return self.async_show_menu(step_id="user", menu_options=["serial", "network", "listener"])

    async def async_step_serial(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a serial port of this machine, or one that ESPHome shares."""
        self._step = "serial"
        if user_input is None:
            return await self._ask()
        path = user_input[CONF_PORT].strip()
        if path.startswith("/dev/"):
            path = await self.hass.async_add_executor_job(usb.get_serial_by_id, path)
        return await self._async_try(path, user_input)

    async def async_step_network(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a serial server or bridge on the network."""
        self._step = "network"
        if user_input is None:
            return await self._ask()
        self._typed = user_input
        host = user_input[CONF_HOST].strip().strip("[]")
        if ":" in host or "/" in host:
            if not is_ipv6_address(host):
                return await self._ask({CONF_HOST: "host_invalid"})
            host = f"[{host}]"
        url = f"{user_input[CONF_PROTOCOL]}://{host}:{user_input[CONF_PORT]}"
        return await self._async_try(url, user_input)

    async def _async_try(self, url: str, typed: dict[str, Any]) -> ConfigFlowResult:
        """Open the port once, so that what is wrong with it is said beside the fields."""
        self._typed, self._url = typed, url
        if url != self._own_port():
            self._async_abort_entries_match({CONF_PORT: url})
        if self.hass.config_entries.flow.async_has_matching_flow(self):
            return self.async_abort(reason="already_in_progress")
        advanced, self._pushing = typed[forms.ADVANCED], False
        self._auto = advanced[CONF_LINE] == AUTO
        try:
            self._line = USUAL if self._auto else LineSettings.parse(advanced[CONF_LINE])
        except ValueError:
            return await self._ask({"base": "line_invalid"})
        if advanced[CONF_WHAT] == forms.OPTICAL:
            return await self.async_step_optical()
        return await self._async_open(advanced[CONF_WHAT])

    @override
    async def _ask(self, errors: dict[str, str] | None = None) -> ConfigFlowResult:
        form = port_forms.serial if self._step == "serial" else port_forms.network
        schema = await form(self.hass)
        return self.async_show_form(
            step_id=self._step,
            data_schema=self.add_suggested_values_to_schema(
                schema, self._typed or self._suggested()
            ),
            errors=errors,
            description_placeholders={"port": self._url},
        )

    @override
    async def _async_chosen(self, found: Found) -> ConfigFlowResult:
        self._found, self._auto = found, False
        self._line = found.line or self._line
        if found.link.answer and not self._asked:
            return await self.async_step_module()
        if self.source == SOURCE_RECONFIGURE:
            return await self._async_found_again(found)
        if found.meter:
            entry = await self.async_set_unique_id(found.meter)
            if entry and is_missed(entry):
                return self._moved(entry, found)
            self._abort_if_unique_id_configured()
        if isinstance(found, ReadOut):
            return await self.async_step_readout()
        return await self.async_step_confirm()

    @callback
    @override
    def async_remove(self) -> None:
        """Let the port go when the owner closes the dialog, even while it is being opened."""
        self._closed = True
        if self._search:
            self._search.cancel()
