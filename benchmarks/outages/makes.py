"""All kinds of entries that suffer outages."""

from typing import Final

from .asking import bus_pty, bus_tcp, head, module
from .kinds import Make
from .pushing import dial, hdlc, p1, push_tcp, push_udp

MAKES: Final[tuple[Make, ...]] = (
    *(p1, hdlc, module, bus_tcp, bus_pty, head, dial, push_tcp, push_udp),
)
