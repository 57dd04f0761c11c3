"""How a meter that waits to be asked is read (IEC 62056-21)."""

from dataclasses import dataclass
from typing import Final

START: Final = 300  # bit/s at which every conversation begins, unless a meter is peculiar


@dataclass(frozen=True, slots=True)
class SignOn:
    """What an owner may set: each has the value that suits most meters.

    query: ? or a maker's code for another table. start_baud: the speed of the first
    request; fixed: it is never left. can_switch: the port can be set to another speed,
    which one behind plain TCP cannot, so that no speed is changed at all. parity_bit: the
    port carries eight bits, and bit 7 is sent as even parity. wake: a battery meter sleeps
    until it is woken. checksum: a data message ends with a check; without, what follows
    it counts for nothing. answer_timeout: seconds of silence that mean no answer.
    interval: seconds from one readout to the next. listen_only: nothing is ever sent.
    """

    query: str = "?"
    start_baud: int = START
    fixed: bool = False
    can_switch: bool = True
    parity_bit: bool = False
    wake: bool = False
    checksum: bool = True
    listen_only: bool = False
    answer_timeout: float = 3.0
    interval: float = 900.0
