"""The forms of the dialogs: their fields and what may be typed."""

from typing import Final

from homeassistant.const import CONF_HOST
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SerialPortSelector,
    TextSelector,
)
import probatio

from .const import CONF_DEMAND_PERIOD, CONF_LINE, CONF_PORT, CONF_WRITE_INTERVAL, DEMAND_PERIODS

CONF_PROTOCOL: Final = "protocol"
RAW, RFC2217 = "socket", "rfc2217"

LINES: Final = ["2400_8n1", "2400_8e1", "115200_8n1", "9600_7e1", "9600_8n1"]
"""The line settings of HAN and P1 interfaces; any other can be typed."""

_LINE_FIELD: Final = SelectSelector(
    SelectSelectorConfig(options=LINES, translation_key="line", custom_value=True)
)

SERIAL: Final = probatio.Schema(
    {
        probatio.Required(CONF_PORT): SerialPortSelector(),
        probatio.Required(CONF_LINE, default=LINES[0]): _LINE_FIELD,
    }
)
NETWORK: Final = probatio.Schema(
    {
        probatio.Required(CONF_HOST): TextSelector(),
        probatio.Required(CONF_PORT): probatio.All(
            NumberSelector(
                NumberSelectorConfig(min=1, max=65535, step=1, mode=NumberSelectorMode.BOX)
            ),
            probatio.Coerce(int),
        ),
        probatio.Required(CONF_PROTOCOL, default=RAW): SelectSelector(
            SelectSelectorConfig(options=[RAW, RFC2217], translation_key="protocol")
        ),
        probatio.Required(CONF_LINE, default=LINES[2]): _LINE_FIELD,
    }
)

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
