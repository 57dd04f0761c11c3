"""The forms of the dialogs: their fields and what may be typed."""

from typing import Final

from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SerialPortSelector,
    TextSelector,
)
from homeassistant.helpers.translation import async_get_translations
import probatio

from .const import (
    CONF_DEMAND_PERIOD,
    CONF_LINE,
    CONF_PORT,
    CONF_WRITE_INTERVAL,
    DEMAND_PERIODS,
    DOMAIN,
)

CONF_PROTOCOL: Final = "protocol"
RAW, RFC2217 = "socket", "rfc2217"

LINES: Final = ("2400 8N1", "2400 8E1", "115200 8N1", "9600 7E1", "9600 8N1")
"""The line settings of HAN, P1 and optical interfaces; any other can be typed."""

_TCP_PORT: Final = probatio.All(
    NumberSelector(NumberSelectorConfig(min=1, max=65535, step=1, mode=NumberSelectorMode.BOX)),
    probatio.Coerce(int),
)
_PROTOCOL: Final = SelectSelector(
    SelectSelectorConfig(options=[RAW, RFC2217], translation_key="protocol")
)


async def serial(hass: HomeAssistant) -> probatio.Schema:
    """Return the form for a serial port."""
    return probatio.Schema(
        {
            probatio.Required(CONF_PORT): SerialPortSelector(),
            probatio.Required(CONF_LINE, default=LINES[0]): await _line(hass),
        }
    )


async def network(hass: HomeAssistant) -> probatio.Schema:
    """Return the form for a serial server."""
    return probatio.Schema(
        {
            probatio.Required(CONF_HOST): TextSelector(),
            probatio.Required(CONF_PORT): _TCP_PORT,
            probatio.Required(CONF_PROTOCOL, default=RAW): _PROTOCOL,
            probatio.Required(CONF_LINE, default=LINES[2]): await _line(hass),
        }
    )


async def _line(hass: HomeAssistant) -> SelectSelector:
    """Return the field for line settings, labelled here: typed ones are shown as they are."""
    texts = await async_get_translations(hass, hass.config.language, "selector", [DOMAIN])
    options = [SelectOptionDict(value=line, label=texts.get(_label(line), line)) for line in LINES]
    return SelectSelector(SelectSelectorConfig(options=options, custom_value=True))


def _label(line: str) -> str:
    return f"component.{DOMAIN}.selector.line.options.{line.lower().replace(' ', '_')}"


OPTIONS: Final = probatio.Schema(
    {
        probatio.Required(CONF_WRITE_INTERVAL): NumberSelector(
            NumberSelectorConfig(
                min=0, max=3600, step=1, unit_of_measurement="s", mode=NumberSelectorMode.BOX
            )
        ),
        probatio.Required(CONF_DEMAND_PERIOD): SelectSelector(
            SelectSelectorConfig(options=list(DEMAND_PERIODS), translation_key="demand_period")
        ),
    }
)
