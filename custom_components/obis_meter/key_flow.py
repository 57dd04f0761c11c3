"""The dialogs for the keys of meters that encrypt; what was typed never goes back to the form."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentry,
)

from . import forms, keyring
from .const import CONF_AUTH_KEY, CONF_KEY, CONF_METER
from .finder import Found
from .keyring import WrongKeysError
from .metering.detect import Locked
from .metering.keys import Keys

_ANY_SIZE: Final = "32 or 64"  # digits of a key where its meter has not told


class KeySteps(ConfigFlow):
    """The steps of a config flow that are about keys."""

    _locked: Locked
    _keys: Keys | None = None
    _meter: str

    @abstractmethod
    async def _async_found(self, found: Found) -> ConfigFlowResult:
        """Go on with the meter found."""

    async def async_step_key(self, user_input: dict[str, str] | None = None) -> ConfigFlowResult:
        """Ask for the keys of the telegrams that were caught, and try them on these."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                self._keys, found = keyring.unlock(self._locked, user_input)
            except WrongKeysError as err:
                errors = err.errors
            else:
                return await self._async_found(found)
        sealed = self._locked.ciphered
        return self.async_show_form(
            step_id="key",
            data_schema=forms.KEYS,
            errors=errors,
            description_placeholders={
                "title": str(sealed),
                "maker": sealed.maker or "\N{EM DASH}",
                "digits": _digits(self._locked),
            },
        )

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Ask for keys again: those in the entry open nothing."""
        self._meter = entry_data[CONF_METER]
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> ConfigFlowResult:
        """Ask for the keys, and try them on what the meter sent last."""
        entry = self._get_reauth_entry()
        locked, errors = caught(entry, self._meter), dict[str, str]()
        if user_input is not None:
            try:
                keys = _tried(locked, user_input)
            except WrongKeysError as err:
                errors = err.errors
            else:
                return self._keep(entry, keys)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=forms.KEYS,
            errors=errors,
            description_placeholders={
                "name": subentry.title if (subentry := self._subentry(entry)) else entry.title,
                "digits": _digits(locked),
            },
        )

    def _subentry(self, entry: ConfigEntry) -> ConfigSubentry | None:
        """Return the subentry of the meter whose keys are asked for; None where it has none."""
        known = entry.subentries.values()
        return next((each for each in known if each.unique_id == self._meter), None)

    def _keep(self, entry: ConfigEntry, keys: Keys) -> ConfigFlowResult:
        """Put keys where those of the meter are, and begin anew."""
        subentry = self._subentry(entry)
        if subentry is None:
            return self.async_update_reload_and_abort(entry, data=_with(entry.data, keys))
        data = _with(subentry.data, keys)
        self.hass.config_entries.async_update_subentry(entry, subentry, data=data)
        return self.async_update_reload_and_abort(entry)


def caught(entry: ConfigEntry, meter: str) -> Locked | None:
    """Return the telegrams of a meter that its keys do not open, where it is heard."""
    if entry.state is not ConfigEntryState.LOADED:
        return None
    locked: Locked | None = entry.runtime_data.locked(meter)
    return locked


def _tried(locked: Locked | None, typed: Mapping[str, str]) -> Keys:
    return keyring.unlock(locked, typed)[0] if locked else keyring.read(typed)


def _with(data: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """Return the data of an entry with other keys."""
    others = {k: v for k, v in data.items() if k not in (CONF_KEY, CONF_AUTH_KEY)}
    return {**others, **keyring.packed(keys)}


def _digits(locked: Locked | None) -> str:
    size = locked.ciphered.key_size if locked else 0
    return str(2 * size) if size else _ANY_SIZE
