"""All kinds of entries that suffer outages."""

from typing import Final

from .asking import bus_pty, bus_tcp, head, module
from .kinds import Make
from .pushing import dial, hdlc, p1, push_tcp, push_udp

MAKES: Final[dict[str, Make]] = {
    "p1-tcp": p1,
    "hdlc-pty": hdlc,
    "module-tcp": module,
    "bus-tcp": bus_tcp,
    "bus-pty": bus_pty,
    "head-pty": head,
    "dial-in": dial,
    "push-tcp": push_tcp,
    "push-udp": push_udp,
}
