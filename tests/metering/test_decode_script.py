"""scripts/decode prints one JSON line a capture, whatever it holds."""

import json
from pathlib import Path
import subprocess
import sys
from typing import Any

from .building import p1
from .captures import SIMULATED

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
