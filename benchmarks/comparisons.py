"""What is compared: a stream, how far ahead of whom we want to be; a new peer is a row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .streams import Stream, answered, ciphered, pushed


@dataclass(frozen=True, slots=True)
class Peer:
    """A package by its name on PyPI, its module in `readers`, and a way in that module."""

    package: str
    module: str
    way: str = ""

    def __str__(self) -> str:
        """Return package and way."""
        return f"{self.package} {self.way}".strip()


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that is wanted, ours to theirs, and the name under which it is told."""

    ratio: str
    peer: Peer
    wanted: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A stream that several read: we, the floor, those we want to be ahead of, and others."""

    name: str
    stream: Callable[[], Stream]
    goals: tuple[Goal, ...]
    others: tuple[Peer, ...] = ()

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Return all other packages."""
        return (*(goal.peer for goal in self.goals), *self.others)


_AMSHAN = Peer("amshan", "amshan")

COMPARISONS = (
    Comparison(
        "HAN, Aidon",
        partial(pushed, "aidon"),
        (Goal("han_aidon_vs_amshan", _AMSHAN, 20),),
    ),
    Comparison(
        "HAN, Kaifa",
        partial(pushed, "kaifa"),
        (Goal("han_kaifa_vs_amshan", _AMSHAN, 20),),
    ),
    Comparison(
        "HAN, Kamstrup",
        partial(pushed, "kamstrup"),
        (
            Goal("han_kamstrup_vs_amshan", _AMSHAN, 20),
            Goal("han_kamstrup_vs_gurux", Peer("gurux_dlms", "gurux_dlms"), 5),
        ),
    ),
    Comparison(
        "HDLC, ciphered",
        ciphered,
        (Goal("glo_vs_dlms_cosem", Peer("dlms-cosem", "dlms_cosem"), 10),),
    ),
    Comparison(
        "P1, DSMR 5",
        partial(pushed, "p1"),
        (Goal("p1_vs_dsmr_parser", Peer("dsmr_parser", "dsmr_parser"), 20),),
    ),
    Comparison(
        "SML",
        partial(pushed, "sml"),
        (Goal("sml_vs_smllib", Peer("SmlLib", "smllib", "parse_frame"), 6),),
        (Peer("SmlLib", "smllib", "get_obis"), Peer("pysml", "pysml")),
    ),
    Comparison(
        "DL/T 645",
        answered,
        (Goal("dlt645_vs_dlt645", Peer("dlt645", "dlt645"), 2),),
    ),
)
