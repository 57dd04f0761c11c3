"""The dialogs for an entry whose port has moved, or on whose port another meter speaks."""

from typing import Any, Final
from urllib.parse import urlsplit

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_HOST
from homeassistant.data_entry_flow import AbortFlow
import probatio

from . import forms, keyring
from .bus import is_bus
from .bus_finder import Line
from .const import (
    AUTO,
    CONF_ADDRESS,
    CONF_ALLOWED,
    CONF_LINE,
    CONF_LINK,
    CONF_PORT,
    MODULE_LINK,
    is_listener,
)
from .dial_in_flow import bound, title_of, url_of
from .finder import Found, NotFoundError, opened
from .forms import CONF_CALLERS, CONF_PROTOCOL, CONF_WHAT
from .head import is_head
from .head_flow import HeadSteps
from .import_flow import ImportSteps
from .metering.chances import chances
from .metering.detect import Locked
from .metering.errors import DecryptError
from .metering.model import LineSettings
from .succession import Successor, async_hand_over, async_start_anew, is_known

_CHANGED: Final = "reconfigured"
_GATE: Final = probatio.Schema(
    {field: kind for field, kind in forms.LISTENER.schema.items() if field != CONF_CALLERS}
)


class ReconfigureSteps(ImportSteps, HeadSteps):
    """The steps of a config flow in which an entry is changed."""

    _step: str

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where the meter is connected now."""
        entry = self._get_reconfigure_entry()
        if is_listener(entry.data[CONF_PORT]):
            return await self.async_step_relisten()
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=["serial", "network"],
            description_placeholders={"name": entry.title, "port": entry.data[CONF_PORT]},
        )

    def _suggested(self) -> dict[str, Any]:
        """Return what to fill in where nothing was typed yet: how the entry is read."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        entry = self._get_reconfigure_entry()
        data, url = entry.data, urlsplit(entry.data[CONF_PORT])
        is_usual = LineSettings.parse(data[CONF_LINE]) in chances()
        line = AUTO if is_usual else data[CONF_LINE]  # what is searched need not be typed
        known = {forms.ADVANCED: {CONF_LINE: line, CONF_WHAT: _what(entry)}}
        if (self._step == "network") != bool(url.port):
            return known
        if url.port:
            return {
                **known,
                CONF_PROTOCOL: url.scheme,
                CONF_HOST: url.hostname,
                CONF_PORT: url.port,
            }
        return {**known, CONF_PORT: data[CONF_PORT]}

    async def _async_locked(self, locked: Locked) -> ConfigFlowResult:
        """Try the keys that the entry has; ask for others where they do not fit."""
        self._locked = locked
        known = None
        if self.source == SOURCE_RECONFIGURE:
            known = keyring.stored(self._get_reconfigure_entry().data)
        if known is None:
            return await self.async_step_key()
        try:
            found = opened(locked, known)
        except DecryptError, NotFoundError:
            return await self.async_step_key()
        return await self._async_found(found)

    async def _async_found_again(self, found: Found) -> ConfigFlowResult:
        """Go on with a meter found for an entry, which is hardly ever another."""
        entry, self._found = self._get_reconfigure_entry(), found
        if is_bus(entry):
            return self.async_abort(reason="other_kind")
        if not found.meter or not entry.unique_id:
            return await self.async_step_same()
        if found.meter == entry.unique_id:
            return self._moved(entry, found, _CHANGED)
        if is_known(self.hass, found.meter):
            return self.async_abort(reason="already_configured")
        return await self.async_step_other()

    async def _async_line_again(self, found: Line) -> ConfigFlowResult:
        """Have a line read where one of its meters answered."""
        entry = self._get_reconfigure_entry()
        if not is_bus(entry):
            return self.async_abort(reason="other_kind")
        known = {subentry.data[CONF_ADDRESS] for subentry in entry.subentries.values()}
        if known.isdisjoint(meter.address for meter in found.meters):
            return await self._ask({"base": "other_line"})
        return self.async_update_reload_and_abort(
            entry, data_updates=self._where(), reason=_CHANGED
        )

    async def async_step_same(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether it is the same meter, where it does not say."""
        assert self._found
        entry = self._get_reconfigure_entry()
        if user_input is not None:
            return self._moved(entry, self._found, _CHANGED)
        told = await self._described(self._found)
        return self.async_show_form(
            step_id="same", description_placeholders={**told, "entry": entry.title}
        )

    async def async_step_other(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask why another meter speaks."""
        assert self._found
        entry = self._get_reconfigure_entry()
        told = await self._described(self._found)
        return self.async_show_menu(
            step_id="other",
            menu_options=["replaced", "anew", "wrong"],
            description_placeholders={
                **told,
                "entry": entry.title,
                "expected": entry.unique_id or "",
            },
        )

    async def async_step_replaced(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Go on with the new meter, with all that the old one had."""
        await async_hand_over(self.hass, *self._successor())
        return self.async_abort(reason="replaced")

    async def async_step_anew(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add the new meter by itself."""
        await async_start_anew(self.hass, *self._successor())
        return self.async_abort(reason="anew")

    async def async_step_wrong(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go back to where the meter is connected."""
        return await self._ask()

    def _successor(self) -> tuple[ConfigEntry, Successor]:
        """Return the entry, and the meter found with how it is read.

        AbortFlow where that got an entry of its own meanwhile.
        """
        entry, found = self._get_reconfigure_entry(), self._found
        assert found
        assert found.meter
        if is_known(self.hass, found.meter):
            raise AbortFlow("already_configured")
        return entry, Successor(found.meter, self._data(entry, found), self._options(entry, found))

    async def async_step_relisten(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the port on which meters call from now on."""
        entry, errors, place = self._get_reconfigure_entry(), dict[str, str](), ""
        address = urlsplit(entry.data[CONF_PORT])
        if user_input is not None:
            url = url_of(address.scheme, user_input)
            self._async_abort_entries_match({CONF_PORT: url})
            errors, place = await self._async_rebind(url, user_input[CONF_ALLOWED])
            if not errors:
                allowed = user_input[CONF_ALLOWED]
                usual = entry.title == title_of(entry.data[CONF_PORT])
                return self.async_update_reload_and_abort(
                    entry,
                    title=title_of(url) if usual else entry.title,
                    data_updates={CONF_PORT: url, CONF_ALLOWED: allowed},
                    reason=_CHANGED,
                )
        shown = user_input or {
            CONF_PORT: address.port,
            CONF_HOST: address.hostname or "",
            CONF_ALLOWED: entry.data[CONF_ALLOWED],
        }
        return self.async_show_form(
            step_id="relisten",
            data_schema=self.add_suggested_values_to_schema(_GATE, shown),
            errors=errors,
            description_placeholders={"port": place, "name": entry.title},
        )

    async def _async_rebind(self, url: str, allowed: str) -> tuple[dict[str, str], str]:
        """Try the port once; where it is the entry's own, that lets go of it meanwhile."""
        try:
            await self._async_borrow(url)
            return await bound(url, allowed)
        finally:
            self._give_back()


def _what(entry: ConfigEntry) -> str:
    """Return what hangs on the port of an entry, as the form has it."""
    if is_bus(entry):
        return forms.BUS
    if is_head(entry.data):
        return forms.OPTICAL
    return forms.MODULE if entry.data[CONF_LINK] == MODULE_LINK else forms.LISTENED
