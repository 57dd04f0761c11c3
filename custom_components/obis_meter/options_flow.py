"""The dialogs for what an owner may change later: options, and meters that may call in."""

from typing import Any

from homeassistant.config_entries import (
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlowWithReload,
    SubentryFlowResult,
)
import probatio

from . import forms, head_forms
from .const import (
    BEST_QUALITY,
    CONF_ASK,
    CONF_DEMAND_PERIOD,
    CONF_INTERVAL,
    CONF_LINK,
    CONF_METER,
    CONF_MODULE_QUALITY,
    CONF_NAME,
    CONF_PARAMETERS,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_READOUT,
    CONF_TITLE,
    CONF_WRITE_INTERVAL,
    DEFAULT_WRITE_INTERVAL,
    usual_demand_period,
)
from .head import is_head, mistake_in, shortest, shown
from .metering.errors import RequestError
from .metering.links import LINKS
from .succession import Named, async_hand_over_subentry, is_known, named


class ObisMeterOptionsFlow(OptionsFlowWithReload):
    """How readings are shown; and for meters that can be asked, what may be asked of them."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go to the only page there is, or ask for one."""
        link = LINKS[self._link()]
        if link.request is None or not (link.answer or self.config_entry.data.get(CONF_ASK)):
            return await self.async_step_general()
        pages = ["general", "commands", "polling"]
        pages += ["bridge"] if link.carry else []
        pages += ["head"] if is_head(self.config_entry.data) else []
        return self.async_show_menu(step_id="init", menu_options=pages)

    async def async_step_general(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how often sensors are written, and over which time a capacity tariff averages."""
        usual = {
            CONF_WRITE_INTERVAL: DEFAULT_WRITE_INTERVAL,
            CONF_DEMAND_PERIOD: usual_demand_period(self.hass.config.country),
        }
        return self._page("general", forms.OPTIONS, user_input, usual)

    async def async_step_commands(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether actions may change the meter, and what the meter is told of its module."""
        if not LINKS[self._link()].answer:
            return self._page("commands", forms.ALLOW, user_input, {})
        usual = {CONF_MODULE_QUALITY: BEST_QUALITY}
        return self._page("commands", forms.COMMANDS, user_input, usual)

    async def async_step_polling(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what is asked for regularly."""
        try:
            polled = forms.polled((user_input or {}).get(CONF_PARAMETERS, []), self._link())
        except RequestError as err:
            return self._form("polling", forms.POLLING, user_input or {}, {"base": err.key})
        typed = None if user_input is None else {CONF_PARAMETERS: polled}
        return self._page("polling", forms.POLLING, typed, {})

    async def async_step_bridge(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the head end that gets what the meter sends."""
        typed = None if user_input is None else forms.head_end(user_input)
        if user_input is not None and typed is None:
            return self._form("bridge", forms.BRIDGE, user_input, {"base": "bridge_half"})
        return self._page("bridge", forms.BRIDGE, typed, {})

    async def async_step_head(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask how a meter is read through its head; its password stays where none is typed."""
        options, errors = self.config_entry.options, dict[str, str]()
        least = shortest(self.config_entry.data[CONF_READOUT])
        if user_input is not None:
            if not user_input.get(CONF_PASSWORD):
                user_input = {k: v for k, v in user_input.items() if k != CONF_PASSWORD}
            if user_input[CONF_INTERVAL] < least:
                errors = {CONF_INTERVAL: "interval_short"}
            elif mistake := mistake_in(user_input, self.config_entry.data[CONF_PORT]):
                errors = {"base": mistake}
            if not errors:
                return self.async_create_entry(data={**options, **user_input})
        values = shown(user_input or options)
        return self._form("head", head_forms.OPTIONS, values, errors, {"least": str(least)})

    def _link(self) -> str:
        link: str = self.config_entry.data[CONF_LINK]
        return link

    def _page(
        self,
        step: str,
        schema: probatio.Schema,
        typed: dict[str, Any] | None,
        usual: dict[str, Any],
    ) -> ConfigFlowResult:
        """Show one page, or keep what was typed on it beside what is on the others."""
        options = self.config_entry.options
        if typed is None:
            return self._form(step, schema, {**usual, **options})
        others = {key: value for key, value in options.items() if key not in schema.schema}
        return self.async_create_entry(data={**others, **typed})

    def _form(
        self,
        step: str,
        schema: probatio.Schema,
        values: dict[str, Any],
        errors: dict[str, str] | None = None,
        told: dict[str, str] | None = None,
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders=told,
        )


class MeterSubentryFlow(ConfigSubentryFlow):
    """Adds a meter that will call in."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for its serial number and for what it is to be called."""
        if user_input is None:
            return self.async_show_form(step_id="user", data_schema=forms.METER)
        meter = user_input[CONF_METER].strip()
        if is_known(self.hass, meter):
            return self.async_abort(reason="already_configured")
        title = user_input.get(CONF_NAME, "").strip() or meter
        return self.async_create_entry(title=title, data={}, unique_id=meter)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for its name, and for the serial number of the meter that took its place."""
        return await self.async_step_calling(user_input)

    async def async_step_calling(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask the same, in words for meters that call."""
        entry, subentry = self._get_entry(), self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            meter = user_input[CONF_METER].strip()
            title = named(subentry, meter, user_input.get(CONF_NAME, ""))
            if meter == subentry.unique_id:
                return self.async_update_and_abort(entry, subentry, title=title)
            if not is_known(self.hass, meter):
                data = {k: v for k, v in subentry.data.items() if k != CONF_TITLE}
                await async_hand_over_subentry(
                    self.hass, entry, subentry, Named(meter, title, data)
                )
                return self.async_abort(reason="replaced")
            errors = {CONF_METER: "meter_known"}
        shown = user_input or {CONF_METER: subentry.unique_id, CONF_NAME: subentry.title}
        return self.async_show_form(
            step_id="calling",
            data_schema=self.add_suggested_values_to_schema(forms.METER, shown),
            errors=errors,
            description_placeholders={"meter": subentry.title},
        )
