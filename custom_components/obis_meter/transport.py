"""Opens a port by its URL."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
import errno
from typing import Final, TypedDict, override

from homeassistant.exceptions import ConfigEntryNotReady
import serialx

from .metering.model import LineSettings
from .port_error import PortError, why

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


type Take = Callable[[bytes], None]
type _Opening = asyncio.Task[tuple[serialx.BaseSerialTransport, asyncio.Protocol]]


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

    async def read_until(self, end: float) -> bytes:
        """Return what has arrived by a moment of the loop's clock, or nothing.

        OSError when the port is gone.
        """
        for limit in asyncio.timeout_at(end), asyncio.timeout(0):  # again, if the loop was busy
            with suppress(TimeoutError):
                async with limit:
                    return await self.read()
        return b""

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
        transport = self._writer.transport
        transport.abort()
        await _free(
            transport if isinstance(transport, serialx.BaseSerialTransport) else self._writer
        )


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


async def _free(closing: serialx.BaseSerialTransport | asyncio.StreamWriter) -> None:
    """Wait until a serial port is free, or a socket closed."""
    with suppress(OSError):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await closing.wait_closed()


async def open_port(url: str, line: LineSettings) -> Port:
    """Open a device path or a URL: socket://, rfc2217://, esphome-hass://; or PortError."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    inlet = _Inlet(reader)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            transport = await _opened(url, inlet, line)
    except (OSError, ValueError, serialx.SerialException, ConfigEntryNotReady) as err:
        raise PortError(why(err, url), url, err) from err
    writer: asyncio.StreamWriter = serialx.SerialStreamWriter(transport, inlet, reader, loop)
    return _TappedPort(inlet, reader, writer, line, url)


async def _opened(url: str, inlet: _Inlet, line: LineSettings) -> serialx.BaseSerialTransport:
    """Return a transport, or leave none behind, whoever cancels how often.

    The opening of a device is not cancelled: a thread is at it that cannot be stopped, and if it
    failed, the log would tell of it as of an error that nobody took care of.
    """
    loop = asyncio.get_running_loop()
    opening = loop.create_task(
        serialx.create_serial_connection(loop, lambda: inlet, url=url, **_settings(line))
    )
    try:
        await asyncio.wait([opening])
    except asyncio.CancelledError:
        opening.add_done_callback(_given_up)
        if "://" in url:
            opening.cancel()
        await asyncio.wait([opening], timeout=_CLOSE_TIMEOUT)
        if transport := _opened_by(opening):
            await _free(transport)
        raise
    return opening.result()[0]


def _given_up(opening: _Opening) -> None:
    if transport := _opened_by(opening):
        transport.abort()


def _opened_by(opening: _Opening) -> serialx.BaseSerialTransport | None:
    if not opening.done() or opening.cancelled() or opening.exception():
        return None
    return opening.result()[0]


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
