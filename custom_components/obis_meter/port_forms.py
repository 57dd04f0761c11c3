"""The forms for where a meter is connected."""

from typing import Final

from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SerialPortSelector,
    TextSelector,
)
from homeassistant.helpers.translation import async_get_translations
import probatio

from .const import AUTO, CONF_LINE, CONF_PORT, DOMAIN, RAW, RFC2217
from .forms import (
    ADVANCED,
    BUS,
    CONF_PROTOCOL,
    CONF_WHAT,
    LISTENED,
    MODULE,
    OPTICAL,
    TCP_PORT,
)

_LINES: Final = (AUTO, "2400 8N1", "2400 8E1", "115200 8N1", "9600 7E1", "9600 8N1")
"""The line settings of HAN, P1 and optical interfaces; any other can be typed."""

_WHAT: Final = SelectSelector(
    SelectSelectorConfig(options=[LISTENED, OPTICAL, MODULE, BUS], translation_key="what")
)
_PROTOCOL: Final = SelectSelector(
    SelectSelectorConfig(options=[RAW, RFC2217], translation_key="protocol")
)


async def serial(hass: HomeAssistant) -> probatio.Schema:
    """Return the form for a serial port."""
    return probatio.Schema(
        {
            probatio.Required(CONF_PORT): SerialPortSelector(),
            probatio.Required(ADVANCED): await _advanced(hass),
        }
    )


async def network(hass: HomeAssistant) -> probatio.Schema:
    """Return the form for a serial server."""
    return probatio.Schema(
        {
            probatio.Required(CONF_HOST): TextSelector(),
            probatio.Required(CONF_PORT): TCP_PORT,
            probatio.Required(CONF_PROTOCOL, default=RAW): _PROTOCOL,
            probatio.Required(ADVANCED): await _advanced(hass),
        }
    )


async def _advanced(hass: HomeAssistant) -> section:
    """Return what few owners need to say: the line settings, and that meters are to be asked."""
    schema = probatio.Schema(
        {
            probatio.Required(CONF_LINE, default=AUTO): await _line(hass),
            probatio.Required(CONF_WHAT, default=LISTENED): _WHAT,
        }
    )
    return section(schema, {"collapsed": True})


async def _line(hass: HomeAssistant) -> SelectSelector:
    """Return the field for line settings, labelled here: typed ones are shown as they are."""
    texts = await async_get_translations(hass, hass.config.language, "selector", [DOMAIN])
    options = [SelectOptionDict(value=line, label=texts.get(_label(line), line)) for line in _LINES]
    return SelectSelector(SelectSelectorConfig(options=options, custom_value=True))


def _label(line: str) -> str:
    return f"component.{DOMAIN}.selector.line.options.{line.lower().replace(' ', '_')}"
