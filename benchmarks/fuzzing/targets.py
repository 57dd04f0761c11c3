"""TARGETS: one row for each reader of bytes; a new reader is a row here."""

from typing import Final

from metering.links import LINKS

from .cases import damage, damage_one, of_links, of_payloads, on_link
from .engine import Target
from .files import of_files, on_diagnostics, on_file
from .listening import on_detector, on_session
from .payloads import on_axdr, on_cipher, on_dlms, on_layouts, on_p1_text, on_sml
from .searching import on_evidence, on_search
from .talks import of_dialogues, on_dialogue

_SHARES: Final = {
    "rfc1662": 4000,
    "hdlc": 11_000,
    "mbus": 7000,
    "iec62056-21": 4000,
    "p1": 4000,
    "sml": 6000,
    "dlt645": 9000,
    "wrapper": 4000,
    "llc-apdu": 4000,
    "apdu": 4000,
    "hex": 3000,
}
_DLMS: Final = ("hdlc", "wrapper", "llc-apdu", "apdu")
_CIPHERED: Final = ("hdlc", "mbus", "wrapper", "p1")
_REMEMBERED: Final = ("hdlc", "mbus", "sml", "wrapper")

TARGETS: Final = {
    target.name: target
    for target in (
        *(
            Target(f"link:{name}", of_links(name), on_session, on_link, _SHARES.get(name, 3000))
            for name in LINKS
        ),
        Target("detector", of_links(), on_detector, on_link, 2000, each=4000),
        Target("search", of_links(), on_search, on_link, 400, 1_500_000, each=4000),
        Target("evidence", of_links(), on_evidence, damage, 800, 1_500_000),
        Target("axdr", of_payloads("apdu"), on_axdr, damage, 12_000),
        Target("dlms", of_payloads(*_DLMS), on_dlms, damage, 8000),
        Target("cipher", of_payloads(*_CIPHERED), on_cipher, damage_one, 4000),
        Target("sml-messages", of_payloads("sml"), on_sml, damage, 8000),
        Target("p1-text", of_links("p1", "iec62056-21"), on_p1_text, damage, 6000),
        Target("layouts", of_payloads(*_REMEMBERED), on_layouts, damage_one, 6000),
        *(
            Target(f"talk:{link}", of_dialogues(link), on_dialogue, damage, share, 3_000_000)
            for link, share in (("rfc1662", 2000), ("dlt645", 1000), ("iec62056-21", 1000))
        ),
        Target("files", of_files, on_file, damage, 1500, each=8000),
        Target(
            "diagnostics",
            of_payloads(*LINKS),
            on_diagnostics,
            damage,
            2500,
            each=3000,
        ),
    )
}
