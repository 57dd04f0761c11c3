"""An access server that speaks RFC 2217: telnet with control of a serial port."""

import asyncio
from contextlib import suppress

from simulator.uart import Uart

IAC, SB, SE = 255, 250, 240
WILL, WONT, DO, DONT = 251, 252, 253, 254
AGREED = {WILL: DO, DO: WILL, WONT: DONT, DONT: WONT}
COM_PORT = 44
BAUDRATE, DATASIZE, PARITY, STOPSIZE = 1, 2, 3, 4
ANSWER = 100  # a server's answer to command n is n + 100


class AccessServer:
    """Agrees to every option, confirms every setting, and remembers it."""

    def __init__(self) -> None:
        self.port = 0
        self.settings: dict[int, int] = {}
        self.heard = b""  # what was sent to the meter
        self.writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server:
            self._server.close()
            self._server.close_clients()
            await self._server.wait_closed()

    def line(self) -> str:
        """Return how the client has set the line."""
        parity = " NOEMS"[self.settings[PARITY]]
        stop = self.settings[STOPSIZE]
        return f"{self.settings[BAUDRATE]} {self.settings[DATASIZE]}{parity}{stop}"

    def hear(self, octets: bytes, sent: str, *, eager: bool) -> None:
        """Send what the line, as it is set, leaves of octets that are sent at other settings."""
        self.send(Uart.parse(self.line(), eager=eager).hear(octets, Uart.parse(sent)))

    def send(self, data: bytes) -> None:
        """Send what came over the serial line; FF is doubled, as telnet wants it."""
        self.writers[-1].write(data.replace(b"\xff", b"\xff\xff"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                self.heard += (await reader.readuntil(bytes([IAC])))[:-1]
                verb = (await reader.readexactly(1))[0]
                if verb == IAC:
                    self.heard += bytes([IAC])
                elif verb == SB:
                    command = await reader.readuntil(bytes([IAC, SE]))
                    writer.write(self._confirm(command[:-2]))
                else:
                    option = await reader.readexactly(1)
                    writer.write(bytes([IAC, AGREED[verb]]) + option)
        writer.close()

    def _confirm(self, command: bytes) -> bytes:
        number, value = command[1], command[2:]
        self.settings[number] = int.from_bytes(value, "big")
        return bytes([IAC, SB, COM_PORT, number + ANSWER]) + value + bytes([IAC, SE])
