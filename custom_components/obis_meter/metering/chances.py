"""How frequent line settings are: in a country, at a port, and by what was heard."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import log
import re
from typing import Final

from .evidence import NOISE, Evidence, hearable
from .links import LINKS
from .model import LineSettings

type Chances = Mapping[LineSettings, float]

_ABROAD: Final = 0.1  # of what is usual anywhere, in a country that has other links
_FLOOR: Final = 0.01  # share of what is nowhere usual
_PLACE: Final = 0.3  # of the settings of a link, each next one is so much rarer
_USUAL: Final[Mapping[str, float]] = {"hdlc": 3, "mbus": 2, "p1": 4, "sml": 3, "rfc1662": 0.2}
_COUNTRIES: Final[Mapping[str, Mapping[str, float]]] = {
    **{code: {"p1": 9, "hdlc": 1} for code in ("NL", "BE", "LU", "DK", "FI", "HU", "LT", "SI")},
    "NO": {"hdlc": 9, "p1": 0.3},
    "SE": {"p1": 7, "hdlc": 3},
    "DE": {"sml": 9, "iec62056-21": 0.5},
    "AT": {"mbus": 6, "p1": 2, "hdlc": 1, "sml": 1},
    "CH": {"mbus": 4, "p1": 3, "hdlc": 2, "rfc1662": 0.3},
    "CN": {"dlt645": 9, "hdlc": 0.5},
}
"""Country -> how frequent the links of its customer interfaces are, in any unit."""
_HINTS: Final = (
    (re.compile(r"(?<![a-z])(p1|dsmr|slimmelezer)", re.IGNORECASE), ("p1",)),
    (re.compile(r"m-?bus|(?<![a-z])han(?![a-z])", re.IGNORECASE), ("mbus", "hdlc")),
    (re.compile(r"sml|lesekopf|(?<![a-z])ir(?![a-z])|optical", re.IGNORECASE), ("sml",)),
    (re.compile(r"485", re.IGNORECASE), ("dlt645",)),
)
"""What the name of a port says of the links that may be heard there."""
_TOLD: Final = 5.0  # times that such a link is more frequent there
_SURE: Final = 5.0  # times the logarithm of a chance: what bytes must say to be believed


def chances(country: str | None = None, port: str = "") -> Chances:
    """Return how frequent line settings are in a country, at a port of this name."""
    links = {name: _ABROAD * often for name, often in _USUAL.items()}
    for name, often in _COUNTRIES.get(country or "", _USUAL).items():
        links[name] = links.get(name, 0.0) + often
    for pattern, names in _HINTS:
        if pattern.search(port):
            links |= {name: _TOLD * links.get(name, 1.0) for name in names}
    total = sum(links.values())
    shares: dict[LineSettings, float] = {}
    for link in LINKS.values():
        for place, line in enumerate(link.lines):
            share = links.get(link.name, 0.0) / total * _PLACE**place
            shares[line] = shares.get(line, _FLOOR) + share
    return shares


def opening(shares: Chances) -> LineSettings:
    """Return how a port is opened before it is searched.

    Every port can be opened without parity; some, once opened with it, cannot be set again.
    """
    usual = max(shares, key=shares.__getitem__)
    return LineSettings(usual.baudrate) if len(shares) > 1 else usual


def suspects(
    heard: Evidence, shares: Chances, among: Iterable[LineSettings]
) -> tuple[LineSettings, LineSettings] | None:
    """Return how a sender and its hearer are probably set; None where the bytes do not tell.

    among: how the hearer may be set.
    """
    pairs = [(sent, at) for sent in shares for at in among if _is_telling(sent, at)]
    if heard.count < 2 * NOISE or not pairs:
        return None

    def likely(pair: tuple[LineSettings, LineSettings]) -> float:
        sent, at = pair
        return log(shares[sent]) + replace(heard, line=at).likelihood(sent)

    best = max(pairs, key=likely)
    eight = LineSettings(heard.line.baudrate)
    anything = replace(heard, line=eight).likelihood(eight)
    return best if likely(best) > anything + _SURE else None


def _is_telling(sent: LineSettings, at: LineSettings) -> bool:
    every: int = 2**at.byte_size
    return len(hearable(sent, at)) < every
