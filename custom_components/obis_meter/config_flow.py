"""Adding a meter: where it is connected, listening, and what was found."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, override

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

from . import forms
from .ask_flow import STAGES, AskSteps
from .bus import is_bus
from .bus_finder import Line, search_line
from .bus_flow import BusMeterSubentryFlow
from .const import (
    CONF_LINE,
    CONF_PORT,
    DOMAIN,
    MODULE_LINK,
    SUBENTRY_METER,
    is_listener,
    is_raw,
)
from .coordinator import is_heard
from .dial_in_flow import DialInSteps
from .discovery_flow import DiscoverySteps
from .finder import Found, NotFoundError, Progress, ask, find, seen
from .forms import CONF_PROTOCOL, CONF_WHAT
from .head import ReadOut
from .head_flow import HeadSteps
from .metering.detect import Locked
from .metering.model import LineSettings
from .options_flow import MeterSubentryFlow, ObisMeterOptionsFlow
from .reconfigure_flow import ReconfigureSteps
from .transport import Port, PortError

_GLANCE: Final = 0.5  # seconds between two changes of what the owner reads


class ObisMeterConfigFlow(
    DiscoverySteps, ReconfigureSteps, AskSteps, DialInSteps, HeadSteps, domain=DOMAIN
):
    """Adds a meter, or a port on which meters call."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin with nothing chosen."""
        self._step = "serial"
        self._typed: dict[str, Any] = {}
        self._url = ""
        self._line = LineSettings(2400)
        self._progress = Progress()
        self._shown = 0.0
        self._search: asyncio.Task[Found | Locked | Line] | None = None
        self._found: Found | None = None
        self._asked = False

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
        self._async_abort_entries_match({CONF_PORT: url})
        if self.hass.config_entries.flow.async_has_matching_flow(self):
            return self.async_abort(reason="already_in_progress")
        try:
            self._line = LineSettings.parse(typed[CONF_LINE])
        except ValueError:
            return await self._ask({CONF_LINE: "line_invalid"})
        if typed[CONF_WHAT] == forms.OPTICAL:
            return await self.async_step_optical()
        try:
            port = await self._async_open()
        except PortError as err:
            return await self._ask({"base": err.key})
        return await self._async_begin(port, typed[CONF_WHAT])

    @override
    async def _async_begin(self, port: Port, what: str) -> ConfigFlowResult:
        """Listen on an open port; ask its meters where their owner agreed."""
        self._asked = what != forms.LISTENED
        search: Coroutine[Any, Any, Found | Locked | Line]
        match what:
            case forms.MODULE:
                search = ask(port, MODULE_LINK)
            case forms.BUS:
                search = search_line(port, self._lines(), self._on_progress)
            case _:
                search = find(port, self._on_progress)
        return await self._async_search(search, STAGES.get(what, ""))

    @override
    async def _async_search(
        self, search: Coroutine[Any, Any, Found | Locked | Line], stage: str = ""
    ) -> ConfigFlowResult:
        self._progress = Progress(stage=stage)
        self._search = self.hass.async_create_task(search, f"{DOMAIN} listens to {self._url}")
        self._search.add_done_callback(seen)
        self._search.add_done_callback(lambda _: self._give_back())
        return await self.async_step_listen()

    async def _ask(self, errors: dict[str, str] | None = None) -> ConfigFlowResult:
        form = forms.serial if self._step == "serial" else forms.network
        schema = await form(self.hass)
        return self.async_show_form(
            step_id=self._step,
            data_schema=self.add_suggested_values_to_schema(
                schema, self._typed or self._suggested()
            ),
            errors=errors,
            description_placeholders={"port": self._url},
        )

    @callback
    def _on_progress(self, progress: Progress) -> None:
        now = self.hass.loop.time()
        if now - self._shown < _GLANCE and not progress.is_news(self._progress):
            return
        self._shown, self._progress = now, progress
        self.async_update_progress(min(1.0, progress.part))
        self.async_notify_flow_changed()

    async def async_step_listen(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what is heard while the meter is being found."""
        assert self._search
        if not self._search.done():
            return self.async_show_progress(
                step_id="listen",
                progress_action=self._progress.action,
                description_placeholders=self._progress.told,
                progress_task=self._search,
            )
        return self.async_show_progress_done(next_step_id="heard")

    async def async_step_heard(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with the meter found, or back to the settings with the reason why none was."""
        assert self._search
        try:
            found = self._search.result()
        except NotFoundError as err:
            raw = err.key == "no_telegram" and is_raw(self._url)
            return await self._ask({"base": "no_telegram_tcp" if raw else err.key})
        match found:
            case Locked():
                return await self._async_locked(found)
            case Line():
                return await self._async_line_found(found)
        return await self._async_found(found)

    @override
    async def _async_chosen(self, found: Found) -> ConfigFlowResult:
        self._found = found
        if found.link.answer and not self._asked:
            return await self.async_step_module()
        if self.source == SOURCE_RECONFIGURE:
            return await self._async_found_again(found)
        if found.meter:
            entry = await self.async_set_unique_id(found.meter)
            if entry and not is_heard(entry):
                return self._moved(entry, found)
            self._abort_if_unique_id_configured()
        if isinstance(found, ReadOut):
            return await self.async_step_readout()
        return await self.async_step_confirm()

    @callback
    @override
    def async_remove(self) -> None:
        """Let the port go when the owner closes the dialog."""
        if self._search:
            self._search.cancel()
