"""The forms for a meter behind an optical head."""

from typing import Final

from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)
import probatio

from .const import (
    CONF_ADDRESS,
    CONF_ANSWER_TIMEOUT,
    CONF_CHECKSUM,
    CONF_EIGHT_BITS,
    CONF_FIXED,
    CONF_INTERVAL,
    CONF_LISTEN_ONLY,
    CONF_PASSWORD,
    CONF_QUERY,
    CONF_START_BAUD,
    CONF_WAKE,
)
from .forms import ADVANCED, SECRET, SHORTEST_INTERVAL

SPEEDS: Final = ("300", "600", "1200", "2400", "4800", "9600", "19200")


def _seconds(least: int, most: int) -> probatio.All[int]:
    box = NumberSelectorMode.BOX
    config = NumberSelectorConfig(min=least, max=most, step=1, unit_of_measurement="s", mode=box)
    return probatio.All(NumberSelector(config), probatio.Coerce(int))


_INTERVAL: Final = probatio.Required(CONF_INTERVAL)
READOUT: Final = probatio.Schema({_INTERVAL: _seconds(SHORTEST_INTERVAL, 86400)})
_HEAD: Final = {
    probatio.Required(CONF_START_BAUD, default="300"): probatio.All(
        SelectSelector(SelectSelectorConfig(options=list(SPEEDS))), probatio.Coerce(int)
    ),
    probatio.Required(CONF_FIXED, default=False): BooleanSelector(),
    probatio.Required(CONF_EIGHT_BITS, default=False): BooleanSelector(),
    probatio.Required(CONF_WAKE, default=False): BooleanSelector(),
    probatio.Required(CONF_CHECKSUM, default=True): BooleanSelector(),
    probatio.Required(CONF_QUERY, default="?"): TextSelector(),
    probatio.Optional(CONF_ADDRESS, default=""): TextSelector(),
    probatio.Required(CONF_ANSWER_TIMEOUT, default=3): _seconds(1, 60),
    probatio.Optional(CONF_PASSWORD): SECRET,
}
HEAD: Final = probatio.Schema(
    {
        probatio.Required(ADVANCED): section(
            probatio.Schema(
                {**_HEAD, probatio.Required(CONF_LISTEN_ONLY, default=False): BooleanSelector()}
            ),
            {"collapsed": True},
        )
    }
)
OPTIONS: Final = READOUT.extend(_HEAD)
