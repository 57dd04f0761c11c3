"""RFC 1662 meter link, spoken by the communication module in a meter.

7E FF 03 protocol(2, low byte: link quality) length(2) command body FCS(2) 7E
"""

from .data import NAMES, TYPES
from .frame import carry, decode, take, tunnelled
from .module import HANDLERS, Handlers, answer, notice
from .talk import identify, request

__all__ = [
    "HANDLERS",
    "NAMES",
    "TYPES",
    "Handlers",
    "answer",
    "carry",
    "decode",
    "identify",
    "notice",
    "request",
    "take",
    "tunnelled",
]
