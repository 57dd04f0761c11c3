"""How a dialog opens a port: one that the entry being changed holds is let go of meanwhile."""

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlow
from homeassistant.core import callback

from .const import CONF_LINE, CONF_PORT
from .loan import Loan
from .metering.model import LineSettings
from .transport import Port, open_port


class PortSteps(ConfigFlow):
    """The steps of a config flow for which a port is opened."""

    _url: str
    _line: LineSettings
    _loan: Loan | None = None

    async def _async_port(self, line: LineSettings) -> Port:
        """Open the port; whoever searches on it gives it back at the end."""
        try:
            await self._async_borrow(self._url)
            return await open_port(self._url, line)
        except BaseException:
            self._give_back()
            raise

    def _where(self) -> dict[str, str]:
        """Return what an entry keeps of its port."""
        return {CONF_PORT: self._url, CONF_LINE: str(self._line)}

    def _own_port(self) -> str | None:
        """Return the port of the entry being changed, which another that is switched off may have.

        Such is the entry of a meter that was replaced by one that was added anew.
        """
        if self.source != SOURCE_RECONFIGURE:
            return None
        port: str = self._get_reconfigure_entry().data[CONF_PORT]
        return port

    async def _async_borrow(self, url: str) -> None:
        if self.source == SOURCE_RECONFIGURE:
            self._loan = self._loan or Loan(self.hass, self._get_reconfigure_entry())
            await self._loan.take(url)

    @callback
    def _give_back(self) -> None:
        """Let the entry have its port again."""
        if self._loan:
            self._loan.give_back()
