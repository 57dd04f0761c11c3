"""Opens a port by its URL and says in one word why one cannot be opened."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
import errno
import socket
from typing import Final, TypedDict, override

from homeassistant.exceptions import ConfigEntryNotReady
import serialx
from serialx.common import UnknownUriScheme

from .metering.model import LineSettings

CONNECT_TIMEOUT: Final = 10  # seconds
_CLOSE_TIMEOUT: Final = 5  # seconds
_WRITE_TIMEOUT: Final = 10  # seconds
_BITS: Final = 11  # that an octet takes on the wire, at most
_READ_SIZE: Final = 4096  # bytes
_PARITIES: Final = {
    "N": serialx.Parity.NONE,
    "E": serialx.Parity.EVEN,
    "O": serialx.Parity.ODD,
}
_STOP_BITS: Final = {1: serialx.StopBits.ONE, 2: serialx.StopBits.TWO}


class PortError(Exception):
    """A port cannot be used; key is the word for why, as translations name it."""

    def __init__(self, key: str, url: str, cause: Exception) -> None:
        """Keep the word and the port beside what the system said."""
        super().__init__(f"{url}: {cause}" if str(cause) else f"{url}: no answer")
        self.key = key
        self.url = url


type Take = Callable[[bytes], None]


class Port:
    """An open port: bytes in, bytes out."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: LineSettings,
        url: str = "",
    ) -> None:
        """Wrap what was opened at an URL; a writer that nobody keeps closes the port."""
        self._reader = reader
        self._writer = writer
        self.line = line
        self.url = url
        self._sent = 0.0  # when the last byte written has left, at the earliest

    async def read(self) -> bytes:
        """Return what has arrived; OSError when the port is gone."""
        try:
            data = await self._reader.read(_READ_SIZE)
        except TimeoutError as err:  # of the network, not of whoever reads with a limit
            raise ConnectionAbortedError(errno.ETIMEDOUT, "the other side is gone") from err
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "the other side has hung up")
        return data

    def tap(self, take: Take | None) -> None:
        """Give take what arrives from here on at once, where the port can; else it is read."""

    async def write(self, data: bytes) -> None:
        """Send bytes; OSError when the port is gone, or takes nothing for too long."""
        now = asyncio.get_running_loop().time()
        self._sent = max(self._sent, now) + len(data) * _BITS / self.line.baudrate
        async with asyncio.timeout(_WRITE_TIMEOUT):
            self._writer.write(data)
            await self._writer.drain()

    async def set_line(self, line: LineSettings) -> None:
        """Change the line settings once everything written has left; OSError where that fails."""
        transport = self._writer.transport
        assert isinstance(transport, serialx.BaseSerialTransport)
        async with asyncio.timeout(_WRITE_TIMEOUT):
            await transport.flush()
        await asyncio.sleep(self._sent - asyncio.get_running_loop().time())  # adapters buffer too
        try:
            await transport.reconfigure_port(**_settings(line))
        except (ValueError, serialx.SerialException) as err:
            raise OSError(errno.EINVAL, str(err)) from err
        self.line = line

    async def close(self) -> None:
        """Let the port go at once, without draining it."""
        self._writer.transport.abort()
        with suppress(OSError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await _closed(self._writer)


class _Inlet(asyncio.StreamReaderProtocol):
    """Gives what arrives to who takes it at once, which wakes no task, or has it wait to be read.

    Much at once waits, for whoever takes it leaves nobody else a turn meanwhile.
    """

    def __init__(self, reader: asyncio.StreamReader) -> None:
        """Begin with nobody who takes."""
        super().__init__(reader)
        self._read_from = reader
        self.take: Take | None = None
        self.waiting = 0  # bytes
        self.fault: Exception | None = None  # of who took; nothing is taken after it

    @override
    def data_received(self, data: bytes) -> None:
        if self.fault:
            return
        if self.take is None or self.waiting or len(data) > _READ_SIZE:
            self.waiting += len(data)
            super().data_received(data)
            return
        try:
            self.take(data)
        except Exception as err:
            self.fault = err
            self._read_from.feed_eof()


class _TappedPort(Port):
    """A port whose bytes can be had as they arrive."""

    def __init__(
        self,
        inlet: _Inlet,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: LineSettings,
        url: str,
    ) -> None:
        """Wrap what was opened at an URL."""
        super().__init__(reader, writer, line, url)
        self._inlet = inlet

    @override
    async def read(self) -> bytes:
        try:
            data = await super().read()
        except ConnectionError as err:
            raise self._inlet.fault or err from None
        self._inlet.waiting -= len(data)
        return data

    @override
    def tap(self, take: Take | None) -> None:
        self._inlet.take = take


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Wait until a serial port is free, or a socket closed."""
    transport = writer.transport
    if isinstance(transport, serialx.BaseSerialTransport):
        await transport.wait_closed()
    else:
        await writer.wait_closed()


async def open_port(url: str, line: LineSettings) -> Port:
    """Open a device path or a URL: socket://, rfc2217://, esphome-hass://; or PortError."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    inlet = _Inlet(reader)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            transport, _ = await serialx.create_serial_connection(
                loop, lambda: inlet, url=url, **_settings(line)
            )
    except (OSError, ValueError, serialx.SerialException, ConfigEntryNotReady) as err:
        raise PortError(_why(err, url), url, err) from err
    writer: asyncio.StreamWriter = serialx.SerialStreamWriter(transport, inlet, reader, loop)
    return _TappedPort(inlet, reader, writer, line, url)


_KINDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (FileNotFoundError, "port_not_found"),
    (IsADirectoryError, "port_not_serial"),
    (PermissionError, "port_denied"),
    (ConnectionRefusedError, "port_refused"),
    (TimeoutError, "port_timeout"),
    (socket.gaierror, "host_not_found"),
    (ConfigEntryNotReady, "port_not_ready"),
    (UnknownUriScheme, "port_invalid"),
    (ValueError, "port_invalid"),
)
_NUMBERS: Final = {
    errno.EBUSY: "port_busy",
    errno.ENOTTY: "port_not_serial",
    errno.ENODEV: "port_not_found",
    errno.ENXIO: "port_not_found",
    errno.EHOSTUNREACH: "port_unreachable",
    errno.ENETUNREACH: "port_unreachable",
}


def _why(err: Exception, url: str) -> str:
    for kind, key in _KINDS:
        if isinstance(err, kind):
            return key
    if isinstance(err, OSError):
        return _NUMBERS.get(err.errno or 0, "port_failed")
    return "port_not_rfc2217" if url.startswith("rfc2217:") else "port_failed"


class _Settings(TypedDict):
    baudrate: int
    byte_size: int
    parity: serialx.Parity
    stopbits: serialx.StopBits
    rtscts: bool
    xonxoff: bool


def _settings(line: LineSettings) -> _Settings:
    """Return line settings as serialx has them."""
    return {
        "baudrate": line.baudrate,
        "byte_size": line.byte_size,
        "parity": _PARITIES[line.parity],
        "stopbits": _STOP_BITS[line.stop_bits],
        "rtscts": line.flow_control == "rtscts",
        "xonxoff": line.flow_control == "xonxoff",
    }
