"""Recorded telegrams from files."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simulator import replay

NOW = datetime(2026, 1, 1)
EVERY = timedelta(seconds=1)


def moments(path: Path, count: int) -> list[list[bytes]]:
    source = replay.load(path, EVERY)
    return [list(source.telegrams(NOW)) for _ in range(count)]


def test_hex_lines_come_one_by_one_and_again(tmp_path: Path) -> None:
    path = tmp_path / "frames.hex"
    path.write_text("# two\n7e 01 7e\n\n7e027e  # the second\n")
    assert moments(path, 3) == [[b"\x7e\x01\x7e"], [b"\x7e\x02\x7e"], [b"\x7e\x01\x7e"]]


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "telegrams.jsonl"
    path.write_text(
        '{"hex": "0102"}\n{"dialogue": []}\n{"frames": ["01", "02"]}\n'
        '{"hex": "010203", "chunks": ["0102", "03"]}\n'
    )
    assert moments(path, 3) == [[b"\1\2"], [b"\1", b"\2"], [b"\1\2", b"\3"]]


def test_raw_bytes_are_one_telegram(tmp_path: Path) -> None:
    path = tmp_path / "day.bin"
    path.write_bytes(b"/x\r\n")
    assert moments(path, 2) == [[b"/x\r\n"], [b"/x\r\n"]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.hex", "7e\nxx\n", "a.hex, line 2"),
        ("a.jsonl", "{}\n{", "a.jsonl, line 2"),
        ("a.jsonl", "[]", "line 1: not a JSON object"),
        ("a.jsonl", '{"dialogue": []}', "no telegrams"),
        ("a.hex", "", "no telegrams"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        replay.load(path, EVERY)


def test_time_between_telegrams_is_positive(tmp_path: Path) -> None:
    path = tmp_path / "a.hex"
    path.write_text("7e")
    with pytest.raises(ValueError, match="more than 0 s"):
        replay.load(path, timedelta(0))
