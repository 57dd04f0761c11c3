"""The dialogs for meters that call: the port on which they may, and each new one that does."""

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, override

from homeassistant.config_entries import ConfigFlowResult, ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_NAME

from . import forms
from .const import (
    CONF_ALLOWED,
    CONF_IDENTITY,
    CONF_LINK,
    CONF_METER,
    CONF_PORT,
    CONF_TITLE,
    LISTEN,
    LISTEN_UDP,
    MODULE_LINK,
    PUSH_LINK,
    SUBENTRY_METER,
)
from .dial_in import gate
from .finder import Found
from .forms import CONF_CALLERS
from .key_flow import KeySteps, caught
from .keyring import packed
from .port_error import PortError
from .transport import Port

_CALLERS: Final = {
    "module": (LISTEN, MODULE_LINK),
    "push_tcp": (LISTEN, PUSH_LINK),
    "push_udp": (LISTEN_UDP, PUSH_LINK),
}
"""Who calls -> how to wait for it, and what it speaks."""


class DialInSteps(KeySteps):
    """The steps of a config flow that are about meters that call."""

    _offered: dict[str, str] | None = None
    _name = ""

    @abstractmethod
    async def _async_chosen(self, found: Found) -> ConfigFlowResult:
        """Go on with the meter on the port that was chosen."""

    @override
    async def _async_found(self, found: Found) -> ConfigFlowResult:
        return self._add(found) if self._offered else await self._async_chosen(found)

    async def async_step_listener(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the port on which meters call, and who may."""
        if user_input is None:
            return self._ask_for_listener({}, {})
        scheme, link = _CALLERS[user_input[CONF_CALLERS]]
        url = url_of(scheme, user_input)
        self._async_abort_entries_match({CONF_PORT: url})
        errors, place = await bound(url, user_input[CONF_ALLOWED])
        if errors:
            return self._ask_for_listener(user_input, errors, place)
        return self.async_create_entry(
            title=title_of(url),
            data={
                CONF_PORT: url,
                CONF_LINK: link,
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
        """Ask whether to add it, and under which name; then for its key, where it encrypts."""
        assert self._offered
        if user_input is None:
            return self.async_show_form(
                step_id="called",
                data_schema=forms.CALLED,
                description_placeholders=self._offered,
            )
        self._name = user_input[CONF_NAME].strip()
        entry = self.hass.config_entries.async_get_entry(self._offered["entry_id"])
        locked = caught(entry, self._offered[CONF_METER]) if entry else None
        if locked:
            self._locked = locked
            return await self.async_step_key()
        return self._add()

    def _add(self, found: Found | None = None) -> ConfigFlowResult:
        """Add the meter that called, and what its key opened."""
        assert self._offered
        entry = self.hass.config_entries.async_get_entry(self._offered["entry_id"])
        if entry is None:
            return self.async_abort(reason="listener_gone")
        signed = self._offered[CONF_METER]
        meter = (found and found.meter) or signed
        keys = {CONF_TITLE: signed, **packed(self._keys)} if self._keys else {}
        if all(known.unique_id != meter for known in entry.subentries.values()):
            self.hass.config_entries.async_add_subentry(
                entry,
                ConfigSubentry(
                    data=MappingProxyType(keys),
                    subentry_type=SUBENTRY_METER,
                    title=self._name or meter,
                    unique_id=meter,
                ),
            )
        return self.async_abort(reason="meter_added")


def url_of(scheme: str, typed: Mapping[str, Any]) -> str:
    """Return the URL of the port that was typed in."""
    host = typed.get(CONF_HOST, "").strip().strip("[]")
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{typed[CONF_PORT]}"


def title_of(url: str) -> str:
    """Return how an entry is called at first."""
    return f"Meters calling on port {url.rpartition(':')[2]}"


async def bound(url: str, allowed: str) -> tuple[dict[str, str], str]:
    """Open a port once; return what is wrong, by field, and with which address."""
    try:
        listener = gate(url, allowed, _nobody)
    except ValueError:
        return {CONF_ALLOWED: "allowed_invalid"}, ""
    try:
        await listener.open()
    except PortError as err:
        return {"base": err.key}, err.url
    await listener.close()
    return {}, ""


async def _nobody(port: Port, address: str) -> None:
    """Hang up: this port was opened only to see whether it can be."""
