"""What is read from files, and what is written into them: scripts/decode, and diagnostics."""

from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from importlib import import_module
from io import StringIO
import json
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Final
from unittest.mock import patch

from scripts import decode

from .cases import Case, of_links
from .oracles import EXCEPTION, INVENTED, require
from .seeds import cut

_OWN: Final = Path(__file__).parents[2] / "custom_components" / "obis_meter"
_SUFFIXES: Final = (".jsonl", ".json", ".hex", ".bin")


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="obis-fuzz-")


def on_file(case: Case) -> None:
    """Decode a file, its first octet the ending of its name."""
    suffix = _SUFFIXES[(case.data or b"\0")[0] % len(_SUFFIXES)]
    path = Path(_folder().name) / f"file{suffix}"
    path.write_bytes(case.data[1:])
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()):
        code = decode.decode_all([path], None, case.seed.keys)
    require(EXCEPTION, code in (0, 2), f"exit code {code}")
    for line in printed.getvalue().splitlines():
        json.loads(line)


def of_files() -> list[Case]:
    """Return each seed as files of every ending."""
    found = []
    for case in of_links()()[::7]:
        seed, text = case.seed, case.data.hex()
        row = {"name": seed.name, "link": seed.link, "chunks": [text[:40], text[40:]]}
        talk = {"name": "t", "link": seed.link, "dialogue": [{"dir": "rx", "hex": text}]}
        kept = {"data": {"link": seed.link, "payloads": [each.hex() for each in cut(seed)]}}
        lines = f"{json.dumps(row)}\n{json.dumps(talk)}\n"
        texts = (lines.encode(), json.dumps(kept).encode(), text.encode(), case.data)
        found += [Case(seed, bytes([n]) + each) for n, each in enumerate(texts)]
    return found


@cache
def _integration(module: str) -> ModuleType:
    """Return a module as Home Assistant imports it: none of its files is a top-level module."""
    own = str(_OWN)
    with patch.object(sys, "path", [path for path in sys.path if path != own]):
        return import_module(f"custom_components.obis_meter.{module}")


def on_diagnostics(case: Case) -> None:
    """Blank a payload that its owner's number stands in, and a list that nobody knows."""
    secret = "7359992892837565"
    blank: Callable[..., str] = _integration("diagnostics").blank
    for payload in (case.data, case.data[:40] + secret.encode() + case.data[40:]):
        hidden = bytes.fromhex(
            blank(payload, _integration("metering.links").LINKS[case.seed.link], {secret})
        )
        require(INVENTED, len(hidden) == len(payload), "blanking changes the length")
        for form in (secret.encode(), secret.encode().hex().encode(), bytes.fromhex(secret)):
            require(INVENTED, form not in hidden, "what was to be hidden is there")
    plain: Callable[[str], str] = _integration("diagnostics").plain
    plain(case.data.decode("latin-1"))
