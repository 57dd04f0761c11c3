"""The dialogs for one more meter on a line, and for what opens it; secrets never go back."""

import asyncio
from typing import Any, Final

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector
import probatio

from . import forms
from .bus import access
from .bus_finder import OnLine, look_for, scan_line
from .channel import Channel
from .const import (
    CONF_ADDRESS,
    CONF_DIALECT,
    CONF_NAME,
    CONF_OPERATOR,
    CONF_PASSWORD,
    DOMAIN,
)
from .finder import Progress, seen
from .metering.errors import MeteringError, RequestError
from .metering.links import dlt645
from .succession import Named, async_hand_over_subentry, is_known, named

_CHANGED: Final = forms.ACCESS.extend({probatio.Optional(CONF_ADDRESS, default=""): TextSelector()})
_FIELDS = {"operator_form": CONF_OPERATOR}  # of what may be wrong; all else is of the password


class BusMeterSubentryFlow(ConfigSubentryFlow):
    """Adds a meter to a line, or changes its name and what opens it."""

    _scan: asyncio.Task[tuple[OnLine, ...]] | None = None
    _meters: dict[str, OnLine]
    _progress = Progress(stage="scanning")

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask how the meter is to be found, where the line is open."""
        if self._channel() is None:
            return self.async_abort(reason="line_not_open")
        return await self.async_step_line()

    async def async_step_line(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask how the meter is to be found."""
        return self.async_show_menu(step_id="line", menu_options=["scan", "typed"])

    def _channel(self) -> Channel | None:
        """Return the line, where it is open."""
        entry = self._get_entry()
        if entry.state is not ConfigEntryState.LOADED:
            return None
        channel: Channel = entry.runtime_data.connection.channel
        return channel if channel.is_open else None

    async def async_step_scan(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask all addresses, and show who has answered so far."""
        if self._scan is None:
            if (channel := self._channel()) is None:
                return self.async_abort(reason="line_not_open")
            search = scan_line(channel, self._on_progress)
            scan = self.hass.async_create_background_task(search, f"{DOMAIN} scans a line")
            self._scan = scan
            self._scan.add_done_callback(seen)
        if not self._scan.done():
            return self.async_show_progress(
                step_id="scan",
                progress_action="scanning",
                description_placeholders=self._progress.told,
                progress_task=self._scan,
            )
        return self.async_show_progress_done(next_step_id="scanned")

    @callback
    def _on_progress(self, progress: Progress) -> None:
        more = progress.told != self._progress.told
        self._progress = progress
        self.async_update_progress(min(1.0, progress.part))
        if more:
            self.async_notify_flow_changed()

    async def async_step_scanned(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Go on with the meters that are not known yet."""
        assert self._scan
        try:
            meters = self._scan.result()
        except MeteringError:
            return self.async_abort(reason="line_not_open")
        new = [each for each in meters if not is_known(self.hass, each.address)]
        self._meters = {each.address: each for each in new}
        if not self._meters:
            return self.async_abort(reason="nothing_new")
        return await self.async_step_found()

    async def async_step_found(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Have the owner choose one of the meters that answered."""
        errors: dict[str, str] = {}
        if user_input is not None and not (errors := _mistakes(user_input)):
            return self._add(self._meters[user_input[CONF_ADDRESS]], user_input)
        schema = forms.one_of({key: meter.label for key, meter in self._meters.items()})
        return self.async_show_form(step_id="found", data_schema=schema, errors=errors)

    async def async_step_typed(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the address as printed on the meter, and see whether it answers."""
        errors: dict[str, str] = {}
        if user_input is not None:
            found = await self._look(user_input)
            if isinstance(found, OnLine):
                return self._add(found, user_input)
            errors = found
        return self.async_show_form(
            step_id="typed",
            data_schema=self.add_suggested_values_to_schema(forms.ADDRESS, _open(user_input)),
            errors=errors,
        )

    async def _look(self, typed: dict[str, Any]) -> OnLine | dict[str, str]:
        """Return the meter that answers, or what is wrong."""
        if errors := _mistakes(typed):
            return errors
        try:
            address = dlt645.own_address(access(typed))
        except RequestError:
            return {CONF_ADDRESS: "address_invalid"}
        if is_known(self.hass, address):
            return {CONF_ADDRESS: "address_known"}
        if (channel := self._channel()) is None:
            return {"base": "line_not_open"}
        try:
            found = await look_for(channel, address)
        except MeteringError:
            return {"base": "line_not_open"}
        return found or {CONF_ADDRESS: "not_answering"}

    def _add(self, meter: OnLine, typed: dict[str, Any]) -> SubentryFlowResult:
        return self.async_create_entry(
            title=typed[CONF_NAME].strip() or f"Meter {meter.address}",
            data={
                CONF_ADDRESS: meter.address,
                CONF_DIALECT: meter.dialect,
                **_secrets(typed),
            },
            unique_id=meter.address,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the name, for what opens the meter, and for the address of its successor."""
        subentry, errors = self._get_reconfigure_subentry(), dict[str, str]()
        if user_input is not None:
            changed = await self._change(subentry, user_input)
            if isinstance(changed, Named):
                return await self._keep(subentry, changed)
            errors = changed
        shown = _open(user_input) or {
            CONF_NAME: subentry.title,
            CONF_ADDRESS: subentry.data[CONF_ADDRESS],
        }
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(_CHANGED, shown),
            errors=errors,
            description_placeholders={"meter": subentry.unique_id or subentry.title},
        )

    async def _change(
        self, subentry: ConfigSubentry, typed: dict[str, Any]
    ) -> Named | dict[str, str]:
        """Return what becomes of a meter, or what is wrong; what is left empty stays."""
        address = typed.get(CONF_ADDRESS, "").strip() or subentry.data[CONF_ADDRESS]
        data = {**subentry.data, **_secrets(typed)}
        if address != subentry.data[CONF_ADDRESS]:
            found = await self._look({**typed, CONF_ADDRESS: address})
            if not isinstance(found, OnLine):
                return found
            data |= {CONF_ADDRESS: found.address, CONF_DIALECT: found.dialect}
        elif errors := _mistakes(typed):
            return errors
        title = named(subentry, data[CONF_ADDRESS], typed[CONF_NAME])
        return Named(data[CONF_ADDRESS], title, data)

    async def _keep(self, subentry: ConfigSubentry, new: Named) -> SubentryFlowResult:
        entry = self._get_entry()
        if new.meter == subentry.unique_id:
            return self.async_update_and_abort(entry, subentry, title=new.title, data=new.data)
        await async_hand_over_subentry(self.hass, entry, subentry, new)
        return self.async_abort(reason="replaced")

    @callback
    def async_remove(self) -> None:
        """Leave the line to the meters that are known when the owner closes the dialog."""
        if self._scan:
            self._scan.cancel()


def _mistakes(typed: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong with the secrets that were typed in, by field."""
    try:
        dlt645.check(access({CONF_ADDRESS: "", **typed}))
    except RequestError as err:
        return {_FIELDS.get(err.key, CONF_PASSWORD): err.key}
    return {}


def _secrets(typed: dict[str, Any]) -> dict[str, str]:
    """Return the secrets that were typed in."""
    both = {name: typed.get(name, "").strip() for name in (CONF_PASSWORD, CONF_OPERATOR)}
    return {name: secret for name, secret in both.items() if secret}


def _open(typed: dict[str, Any] | None) -> dict[str, Any]:
    """Return what may be shown again."""
    secret = (CONF_PASSWORD, CONF_OPERATOR)
    return {name: value for name, value in (typed or {}).items() if name not in secret}
