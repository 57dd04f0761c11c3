"""An entry whose port leads to one meter that waits to be asked: an optical head."""

from typing import Final, override

from homeassistant.core import HomeAssistant

from .const import CONF_PORT, is_raw
from .coordinator import ObisMeterConfigEntry
from .head import access_of, line_of
from .line import LineCoordinator
from .metering.model import Access, LineSettings
from .pace import Pace

_MISSED: Final = 4  # readouts in a row whose absence makes the port doubtful


class HeadCoordinator(LineCoordinator):
    """A port that is silent between two readouts."""

    def __init__(self, hass: HomeAssistant, entry: ObisMeterConfigEntry) -> None:
        """Read the settings; nothing is opened yet."""
        super().__init__(hass, entry)
        interval = self.access(self.main.key).sign_on.interval
        self.connection.channel.vigil.pace = Pace(least=_MISSED * interval)

    @override
    def opening_line(self) -> LineSettings:
        entry = self.config_entry
        return super().opening_line() if is_raw(entry.data[CONF_PORT]) else line_of(entry.options)

    @override
    def access(self, meter: str) -> Access:
        return access_of(self.config_entry.data[CONF_PORT], self.config_entry.options)
