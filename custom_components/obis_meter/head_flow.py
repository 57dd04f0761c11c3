"""The dialogs for a meter behind an optical head: leave to ask it, and how often."""

from abc import abstractmethod
from collections.abc import Coroutine
from typing import Any, Final, override

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntry, ConfigFlowResult

from . import head_forms
from .confirm_flow import ConfirmSteps
from .const import (
    CONF_ASK,
    CONF_AUTH_KEY,
    CONF_EIGHT_BITS,
    CONF_FOREIGN,
    CONF_INTERVAL,
    CONF_KEY,
    CONF_LISTEN_ONLY,
    CONF_READOUT,
    CONF_SERVICE,
    CONF_START_BAUD,
    is_raw,
)
from .finder import Found, Progress, search
from .forms import ADVANCED
from .head import ReadOut, access_of, ask_head, line_of, mistake_in, shortest, shown
from .port_error import PortError
from .port_flow import PortSteps

_OCTET: Final = 8  # bits
_OF_THE_PLACE: Final = (CONF_ASK, CONF_READOUT, CONF_FOREIGN, CONF_SERVICE)
"""What stands in an entry only as long as its meter is read where and as it is."""


class HeadSteps(ConfirmSteps, PortSteps):
    """The steps of a config flow that are about optical heads."""

    _auto: bool
    _asked: bool

    @abstractmethod
    async def _async_search(self, search: Coroutine[Any, Any, Any]) -> ConfigFlowResult:
        """Show what is heard while a meter is searched."""

    @abstractmethod
    def _on_progress(self, progress: Progress) -> None:
        """Show how far the search is."""

    @abstractmethod
    async def _ask(self, errors: dict[str, str] | None = None) -> ConfigFlowResult:
        """Go back to where the meter is connected."""

    async def async_step_optical(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for leave to ask the meter; few owners need to open the settings."""
        raw, errors, typed = is_raw(self._url), dict[str, str](), self._asked_so_far()
        if self._auto:
            self._line = line_of({})
        if user_input is not None:
            settings = dict(user_input[ADVANCED])
            typed = {ADVANCED: shown(settings)}
            if raw:  # the other end sets the port
                settings[CONF_START_BAUD] = self._line.baudrate
                settings[CONF_EIGHT_BITS] = self._line.byte_size == _OCTET
            if mistake := mistake_in(settings, self._url):
                errors = {"base": mistake}
            else:
                return await self._async_ask_head(settings)
        return self.async_show_form(
            step_id="optical_tcp" if raw else "optical",
            data_schema=self.add_suggested_values_to_schema(head_forms.HEAD, typed),
            errors=errors,
            description_placeholders={"line": str(self._line)},
        )

    def _asked_so_far(self) -> dict[str, Any]:
        """Return how the meter of the entry that is changed is asked, but for its password."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        options = self._get_reconfigure_entry().options
        return {ADVANCED: shown(options)}

    async def async_step_optical_tcp(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask the same where the speed of the port cannot be changed."""
        return await self.async_step_optical(user_input)

    async def _async_ask_head(self, settings: dict[str, Any]) -> ConfigFlowResult:
        if not is_raw(self._url):
            self._line = line_of(settings)
        try:
            port = await self._async_port(self._line)
        except PortError as err:
            return await self._ask({"base": err.key})
        self._asked = not settings[CONF_LISTEN_ONLY]
        if not self._asked:
            return await self._async_search(search(port, {self._line: 1.0}, self._on_progress))
        access = access_of(self._url, settings)
        return await self._async_search(ask_head(port, access, self._on_progress))

    def _moved(self, entry: ConfigEntry, found: Found, reason: str = "moved") -> ConfigFlowResult:
        """Have a meter that was set up already read where, and as, it was found now."""
        return self.async_update_reload_and_abort(
            entry,
            data=self._data(entry, found),
            options=self._options(entry, found),
            reason=reason,
        )

    def _data(self, entry: ConfigEntry, found: Found) -> dict[str, Any]:
        """Return the data of an entry whose meter is read where, and as, it was found now."""
        settings = self._settings(found)
        gone = (*_OF_THE_PLACE, *((CONF_AUTH_KEY,) if CONF_KEY in settings else ()))
        kept = {key: value for key, value in entry.data.items() if key not in gone}
        return {**kept, **settings}

    def _options(self, entry: ConfigEntry, found: Found) -> dict[str, Any]:
        options = dict(entry.options)
        if isinstance(found, ReadOut):
            interval = options.get(CONF_INTERVAL, found.interval)
            options |= {**found.settings, CONF_INTERVAL: max(interval, shortest(found.seconds))}
        return options

    @override
    def _settings(self, found: Found) -> dict[str, Any]:
        settings = super()._settings(found)
        if isinstance(found, ReadOut):
            settings |= {CONF_ASK: True, CONF_READOUT: round(found.seconds, 1)}
        return settings

    async def async_step_readout(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the meter, and ask how often it is to be read."""
        found = self._found
        assert isinstance(found, ReadOut)
        least, errors = shortest(found.seconds), dict[str, str]()
        if user_input is not None:
            if user_input[CONF_INTERVAL] >= least:
                options = {**found.settings, CONF_INTERVAL: user_input[CONF_INTERVAL]}
                return self._create(found, options)
            errors = {CONF_INTERVAL: "interval_short"}
        values = user_input or {CONF_INTERVAL: found.interval}
        return self.async_show_form(
            step_id="readout",
            data_schema=self.add_suggested_values_to_schema(head_forms.READOUT, values),
            errors=errors,
            description_placeholders={
                **await self._described(found),
                "seconds": str(round(found.seconds)),
                "least": str(least),
            },
        )
