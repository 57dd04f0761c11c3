"""The dialogs for meters that are asked: leave to speak, and which meters of a line are added."""

from abc import abstractmethod
from typing import Any, Final

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryData,
)

from . import forms
from .bus import is_bus
from .bus_finder import Line, OnLine
from .const import (
    BUS_LINK,
    CONF_ADDRESS,
    CONF_ASK,
    CONF_DIALECT,
    CONF_IDENTITY,
    CONF_LINK,
    CONF_METERS,
    DOMAIN,
    SUBENTRY_METER,
    is_raw,
)
from .coordinator import is_missed
from .metering.links import LINKS
from .metering.model import LineSettings
from .port_flow import PortSteps

STAGES: Final = {forms.MODULE: "asking", forms.BUS: "searching"}
"""What hangs on a port -> the word for what goes on at first while it is asked."""
_TITLE: Final = "RS-485 line"


class AskSteps(PortSteps):
    """The steps of a config flow in which something is sent."""

    _auto: bool
    _found_line: Line

    @abstractmethod
    async def _async_open(self, what: str) -> ConfigFlowResult:
        """Open the port, and listen or ask on it."""

    async def async_step_module(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for leave to speak: the meter believes to talk to its communication module."""
        if user_input is None:
            self._set_confirm_only()
            return self.async_show_form(step_id="module")
        return await self._async_open(forms.MODULE)

    def _bus_lines(self) -> tuple[LineSettings, ...]:
        """Return the settings at which meters are looked for, those typed in first."""
        usual = LINKS[BUS_LINK].lines
        typed = () if self._auto else (self._line,)
        lines = (*typed, *(line for line in usual if line not in typed))
        return lines[:1] if is_raw(self._url) else lines  # the other end sets it

    @abstractmethod
    async def _async_line_again(self, found: Line) -> ConfigFlowResult:
        """Go on with the line on which the meters of the entry being changed are looked for."""

    async def _async_line_found(self, found: Line) -> ConfigFlowResult:
        """Go on with the meters of a line that are not known; a line that has moved is mended."""
        self._line = found.settings
        if self.source == SOURCE_RECONFIGURE:
            return await self._async_line_again(found)
        known = self._known()
        for entry in {meter.address: known.get(meter.address) for meter in found.meters}.values():
            if entry and is_missed(entry):
                return self.async_update_reload_and_abort(
                    entry, data_updates=self._where(), reason="moved"
                )
        new = tuple(meter for meter in found.meters if meter.address not in known)
        if not new:
            return self.async_abort(reason="already_configured")
        self._found_line = Line(found.settings, new)
        return await self.async_step_meters()

    def _known(self) -> dict[str, ConfigEntry]:
        """Return the entries of the meters that are set up, by address."""
        return {
            subentry.data[CONF_ADDRESS]: entry
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            if is_bus(entry)
            for subentry in entry.subentries.values()
        }

    async def async_step_meters(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show which meters answer, and have their owner choose."""
        meters = {meter.address: meter for meter in self._found_line.meters}
        chosen = None if user_input is None else user_input[CONF_METERS]
        if not chosen:
            return self.async_show_form(
                step_id="meters",
                data_schema=forms.some_of({key: meter.label for key, meter in meters.items()}),
                errors={} if chosen is None else {CONF_METERS: "meters_none"},
                description_placeholders={
                    "count": str(len(meters)),
                    "line": str(self._found_line.settings),
                },
            )
        fixed: dict[str, Any] = {CONF_LINK: BUS_LINK, CONF_ASK: True, CONF_IDENTITY: {}}
        return self.async_create_entry(
            title=_TITLE,
            data={**self._where(), **fixed},
            subentries=[_subentry(meters[address]) for address in chosen],
        )


def _subentry(meter: OnLine) -> ConfigSubentryData:
    return ConfigSubentryData(
        data={CONF_ADDRESS: meter.address, CONF_DIALECT: meter.dialect},
        subentry_type=SUBENTRY_METER,
        title=f"Meter {meter.address}",
        unique_id=meter.address,
    )
