"""The dialogs for cables that Home Assistant has found, here or at a ser2net in the network."""

from abc import abstractmethod
from typing import Any, Final, override

from homeassistant.components import usb
from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_HOST
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from . import forms
from .confirm_flow import ConfirmSteps
from .const import AUTO, CONF_LINE, CONF_PORT, CONF_SERVICE, DOMAIN, RAW, RFC2217
from .finder import Found
from .forms import CONF_PROTOCOL, CONF_WHAT
from .loan import place_of

_SCHEMES: Final = {"tcp": RAW, "telnet(rfc2217),tcp": RFC2217}
"""How ser2net shares a port, as it announces that -> how such a port is opened."""


class DiscoverySteps(ConfirmSteps):
    """The steps of a config flow that begin with a cable that was found."""

    _step: str
    _service = ""
    _offer: dict[str, Any]

    @abstractmethod
    async def _async_try(self, url: str, typed: dict[str, Any]) -> ConfigFlowResult:
        """Open a port and listen, as if its settings had been typed in."""

    async def async_step_usb(self, discovery_info: UsbServiceInfo) -> ConfigFlowResult:
        """Offer a cable that was plugged in, unless something uses it."""
        cable = discovery_info
        self._url = await self.hass.async_add_executor_job(usb.get_serial_by_id, cable.device)
        await self.async_set_unique_id(usb.usb_unique_id_from_service_info(cable))
        self._abort_if_unique_id_configured()  # its owner wants it ignored
        if await self._is_used(cable.device):
            return self.async_abort(reason="already_configured")
        self._step, self._offer = "serial", {CONF_PORT: self._url}
        return await self._async_offer(cable.description, cable.manufacturer, cable.serial_number)

    async def _is_used(self, device: str) -> bool:
        """Tell whether an entry or an app has a device, by whatever path."""
        ports = await usb.async_scan_serial_ports(self.hass)
        used = await usb.async_get_serial_port_consumers(self.hass, ports)
        place = await place_of(self.hass, device)
        return place in [await place_of(self.hass, path) for path in used]

    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """Offer a cable that a ser2net shares, unless it is used; follow one that has moved."""
        said = discovery_info.properties
        scheme, port = _SCHEMES.get(said.get("gensiostack") or ""), discovery_info.port
        if scheme is None or port is None:
            return self.async_abort(reason="bridge_unusable")
        host, self._service = discovery_info.host, discovery_info.name
        self._url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        await self.async_set_unique_id(self._service)
        self._abort_if_unique_id_configured()
        if await self._is_followed() or self._is_connected(host, port):
            return self.async_abort(reason="already_configured")
        self._step = "network"
        self._offer = {CONF_PROTOCOL: scheme, CONF_HOST: host, CONF_PORT: port}
        return await self._async_offer(said.get("product"), said.get("manufacturer"), host)

    async def _is_followed(self) -> bool:
        """Tell whether entries read what is announced; they get the present address.

        There are two where a meter was replaced and the entry of the old one is switched off.
        """
        place, followed = await place_of(self.hass, self._url), False
        for entry in self.hass.config_entries.async_entries(DOMAIN, include_ignore=False):
            if await place_of(self.hass, entry.data[CONF_PORT]) == place:
                self._update(entry, {CONF_SERVICE: self._service})
                followed = True
            elif entry.data.get(CONF_SERVICE) == self._service:
                self._update(entry, {CONF_PORT: self._url})
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
                followed = True
        return followed

    def _update(self, entry: ConfigEntry, changes: dict[str, str]) -> None:
        self.hass.config_entries.async_update_entry(entry, data={**entry.data, **changes})

    def _is_connected(self, host: str, port: int) -> bool:
        """Tell whether another integration, such as dsmr, has this host and port."""
        entries = self.hass.config_entries.async_entries(include_ignore=False)
        return any(
            (entry.data.get(CONF_HOST), str(entry.data.get(CONF_PORT))) == (host, str(port))
            for entry in entries
        )

    async def _async_offer(self, *names: str | None) -> ConfigFlowResult:
        if self.hass.config_entries.flow.async_has_matching_flow(self):
            return self.async_abort(reason="already_in_progress")
        name = ", ".join(filter(None, names)) or self._url
        self.context["title_placeholders"] = {"name": name}
        return await self.async_step_cable()

    async def async_step_cable(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to listen; from then on the meter counts, and not the cable."""
        if user_input is None:
            self._set_confirm_only()
            told = self.context["title_placeholders"]
            return self.async_show_form(step_id="cable", description_placeholders=dict(told))
        await self.async_set_unique_id(None)
        advanced = {CONF_LINE: AUTO, CONF_WHAT: forms.LISTENED}
        typed = {**self._offer, forms.ADVANCED: advanced}
        return await self._async_try(self._url, typed)

    @override
    def _settings(self, found: Found) -> dict[str, Any]:
        """Return how a meter is read, and by which name its ser2net is known."""
        service = {CONF_SERVICE: self._service} if self._service else {}
        return super()._settings(found) | service
