"""The last dialog before a meter is added: who it is, and what it says."""

from dataclasses import asdict
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult

from .const import CONF_EVIDENCE, CONF_IDENTITY, CONF_LINE, CONF_LINK, CONF_PORT
from .finder import Found
from .key_flow import KeySteps
from .keyring import packed
from .metering.model import LineSettings
from .preview import preview

_NAMELESS: Final = "Electricity meter"


class ConfirmSteps(KeySteps):
    """The steps of a config flow in which a meter that was found is added."""

    _url: str
    _line: LineSettings
    _found: Found | None

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the meter and some of its readings before it is added."""
        assert self._found
        if user_input is None:
            self._set_confirm_only()
            return self.async_show_form(
                step_id="confirm", description_placeholders=await self._described(self._found)
            )
        return self._create(self._found)

    async def _described(self, found: Found) -> dict[str, str]:
        """Return what an owner recognises a meter by."""
        return {
            "name": _name(found),
            "meter": found.meter or "\N{EM DASH}",
            "readings": await preview(self.hass, found.readings),
        }

    def _create(self, found: Found, options: dict[str, Any] | None = None) -> ConfigFlowResult:
        identity = asdict(found.identity)
        return self.async_create_entry(
            title=_name(found),
            data={**self._settings(found), CONF_IDENTITY: identity},
            options=options,
        )

    def _settings(self, found: Found) -> dict[str, Any]:
        """Return where and how a meter is read."""
        return {
            CONF_PORT: self._url,
            CONF_LINE: str(self._line),
            CONF_LINK: found.link.name,
            CONF_EVIDENCE: [attempt.record for attempt in found.attempts],
            **(packed(self._keys) if self._keys else {}),
        }


def _name(found: Found) -> str:
    who = found.identity
    return " ".join(filter(None, (who.maker, who.model))) or _NAMELESS
