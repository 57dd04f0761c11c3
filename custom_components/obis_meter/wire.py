"""A port on which one line settings after the other is tried."""

import asyncio

from .const import is_raw
from .metering.model import LineSettings
from .port_error import PortError
from .transport import Port, open_port


class Wire:
    """A port that is set to one line settings after the other, opened anew where it must be."""

    def __init__(self, port: Port, gap: float) -> None:
        """Begin with a port that is open; for gap seconds a read waits."""
        self._gap = gap
        self._url, self._line = port.url, port.line
        self._port: Port | None = port

    async def set(self, line: LineSettings) -> bool:
        """Set the line; tell whether the port can be."""
        if self._port and (self._line == line or is_raw(self._url)):
            return True
        try:
            if self._port:
                await self._port.set_line(line)
        except OSError:
            await self.close()
        try:
            self._port = self._port or await open_port(self._url, line)
        except PortError:
            return False
        self._line = line
        return True

    async def read(self) -> bytes:
        """Return what comes before a gap, or nothing."""
        assert self._port
        return await self._port.read_until(asyncio.get_running_loop().time() + self._gap)

    async def close(self) -> None:
        """Let the port go."""
        port, self._port = self._port, None
        if port:
            await port.close()
