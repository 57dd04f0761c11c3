"""scripts/decode prints one JSON line a capture, whatever it holds."""

import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import pytest

from .building import p1
from .captures import SIMULATED
from .hearing import LONG

SCRIPT = Path(__file__).parents[2] / "scripts" / "decode.py"
FRAME = next(capture.raw for capture in SIMULATED if capture.name == "aidon/3")
TELEGRAM = p1("0-0:96.1.1(4530303939303030)", "0-0:1.0.0(240102030405W)", "1-0:1.8.0(1.50*kWh)")


def decoded(*arguments: str | Path) -> list[dict[str, Any]]:
    command = [sys.executable, SCRIPT, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_a_file_is_read_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(FRAME)
    (tmp_path / "b.hex").write_text(FRAME.hex(" "))
    (tmp_path / "c.json").write_text(
        json.dumps({"data": {"link": "hdlc", "payloads": [FRAME[9:-3].hex()]}})
    )
    row = {"name": "d", "chunks": [FRAME[:50].hex(), FRAME[50:].hex()]}
    (tmp_path / "d.jsonl").write_text(f"{json.dumps(row)}\n\n")
    printed = decoded(*(tmp_path / name for name in ("a.bin", "b.hex", "c.json", "d.jsonl")))
    assert [(row["name"], row["link"]) for row in printed] == [(name, "hdlc") for name in "abcd"]
    assert all(row["telegrams"] == printed[0]["telegrams"] for row in printed)


def test_values_are_strings_and_times_are_iso(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(TELEGRAM)
    (printed,) = decoded(tmp_path / "a.bin")
    assert printed["link"] == "p1"
    (telegram,) = printed["telegrams"]
    assert (telegram["meter"], telegram["time"]) == ("E0099000", "2024-01-02T03:04:05")
    assert telegram["readings"][2] == {
        "id": "1-0:1.8.0",
        "value": "1.50",
        "unit": "kWh",
        "time": None,
    }


SEALED = {c.name.partition("/")[0]: c for c in SIMULATED if c.sealed}


def test_keys_open_what_is_ciphered(tmp_path: Path) -> None:
    for name in SEALED if LONG else ("kaifa-at", "e450-ch"):
        capture = SEALED[name]
        assert capture.keys is not None
        file = tmp_path / "a.bin"
        file.write_bytes(capture.raw)
        authentication = capture.keys.authentication
        keys = ["--key", capture.keys.encryption.hex(" ")]
        keys += ["--auth-key", authentication.hex()] if authentication else []
        (printed,) = decoded(file, *keys)
        assert (printed["link"], len(printed["telegrams"])) == (capture.link, 1), name
        (printed,) = decoded(file)
        assert printed["link"] == capture.link
        assert printed["faults"] == ["the telegram is ciphered, and no key is set"]


def test_a_capture_may_name_its_own_keys(tmp_path: Path) -> None:
    capture = SEALED["e450-ch"]
    assert capture.keys is not None
    assert capture.keys.authentication is not None
    own = {"key": capture.keys.encryption.hex(), "auth_key": capture.keys.authentication.hex()}
    row = {"name": "own", "link": capture.link, "hex": capture.raw.hex()}
    rows = [row | own, row, row | own | {"key": "00"}, row | {"key": "11" * 16}]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    printed = decoded(tmp_path / "a.jsonl", "--key", "22" * 16)
    assert [len(row["telegrams"]) for row in printed] == [1, 0, 0, 0]
    assert "00" not in printed[2]["faults"][0]


def test_a_key_that_is_none_is_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(FRAME)
    command = [sys.executable, SCRIPT, tmp_path / "a.bin", "--key", "c0ffee"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert "32 or 64" in run.stderr
    assert "c0ffee" not in run.stderr


def test_damage_is_a_fault_and_no_failure(tmp_path: Path) -> None:
    rows = [
        {"name": "noise", "hex": "00ff" * 50},
        {"name": "damage", "link": "hdlc", "hex": (FRAME[:-2] + b"\0\x7e").hex()},
        {"name": "unknown", "link": "smoke", "hex": "00"},
        {"name": "talk", "link": "p1", "dialogue": [{"dir": "rx", "hex": TELEGRAM.hex()}]},
    ]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    printed = {row["name"]: row for row in decoded(tmp_path / "a.jsonl")}
    assert [len(row["telegrams"]) for row in printed.values()] == [0, 0, 0, 1]
    assert all(printed[name]["faults"] for name in ("noise", "damage", "unknown"))


NO_DOWNLOADS = ("[]", "[" * 200_000, '{"data": 1}', '{"payloads": 5, "link": 1}')


@pytest.mark.parametrize("text", NO_DOWNLOADS, ids=["list", "deep", "number", "no payloads"])
def test_a_file_that_is_no_download_is_told_in_a_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    command = [sys.executable, SCRIPT, tmp_path / "a.json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
