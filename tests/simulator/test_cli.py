"""The command line, as a user meets it."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
import signal
import socket
import subprocess
import sys

import pytest

from simulator.__main__ import main
from simulator.lines import LINES
from simulator.meters import METERS
from tests.steady import SteadyLoop

from .reading import p1_lines

COMMAND = (sys.executable, "-m", "simulator")
ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, capture_output=True, timeout=10, check=False
    )


def test_help_explains_with_examples() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, b"")
    for word in (b"examples:", b"--tcp", b"--pty", b"--replay", b"--hang-up-every", b"--list"):
        assert word in done.stdout


def test_list_has_a_line_for_every_meter(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*METERS, *LINES]
    assert lines[0].split() == ["aidon", "2400", "8N1", *METERS["aidon"].about.split()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "name a meter"),
        ("nonesuch", "unknown meter 'nonesuch'"),
        ("p1 --tcp 127.0.0.1:x", "not HOST:PORT"),
        ("p1 --tcp 127.0.0.1:70000", "not HOST:PORT"),
        ("p1 --speed fast", "invalid float value"),
        ("p1 --speed -1", "0 or more"),
        ("p1 --start noon", "'noon' is not like"),
        ("p1 --damage 2", "probabilities"),
        ("p1 --replay x.hex", "name a meter"),
        ("p1 --colour red", "unrecognized arguments"),
        ("--replay /no/such/file", "No such file"),
        ("p1 --pty /dev/null", "cannot serve on /dev/null: File exists"),
    ],
)
def test_errors_are_one_line_and_code_2(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("simulator: ")
    assert message in told.err
    assert told.err.count("\n") == 1


@pytest.mark.usefixtures("socket_enabled")
def test_a_port_in_use_is_one_line_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["p1", "--tcp", place]) == 2
    assert capsys.readouterr().err == (
        f"simulator: cannot serve on socket://{place}: Address already in use\n"
    )


@pytest.mark.usefixtures("socket_enabled")
def test_it_tells_where_it_listens(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kaifa-se", "--hours", "0.0001", "--speed", "60"]) == 0
    assert capsys.readouterr().out.startswith("kaifa-se (2400 8E1) on socket://127.0.0.1:")


@pytest.fixture
def at_a_terminal() -> Iterator[None]:
    """Have what is begun hear interrupts, even where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_cleanly(ending: signal.Signals, tmp_path: Path) -> None:
    link = tmp_path / "meter0"
    with subprocess.Popen(
        [*COMMAND, "kaifa", "--pty", str(link), "--hang-up-every", "60"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().decode().strip() == f"kaifa (2400 8E1) on {link}"
        running.send_signal(ending)
        try:
            rest = running.communicate(timeout=10)
        finally:
            running.kill()  # where it did not end, or this would not
    assert (running.returncode, rest) == (0, (b"", b""))
    assert not link.is_symlink()


def test_hours_of_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["p1", "--stdout", "--start", "2026-07-01T12:00", "--hours", "0.005"]) == 0
    telegrams = [b"/" + telegram for telegram in capsysbinary.readouterr().out.split(b"/")[1:]]
    clocks = [p1_lines(telegram)[3] for telegram in telegrams]
    assert clocks == [f"0-0:1.0.0(2607011200{second:02}S)" for second in range(18)]


def test_a_start_with_an_offset_becomes_local_time(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["p1", "--stdout", "--start", "2026-07-01T12:00:00Z", "--hours", "0.0002"]) == 0
    assert b"0-0:1.0.0(260701140000S)" in capsysbinary.readouterr().out


def test_a_reader_that_leaves_is_no_error() -> None:
    with subprocess.Popen(
        [*COMMAND, "p1", "--stdout", "--speed", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(100)
        running.stdout.close()
        assert running.stderr.read() == b"p1 (115200 8N1) on standard output\n"
        assert running.wait(10) == 0


def test_replay_until_it_falls_silent(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio, "run", partial(asyncio.run, loop_factory=SteadyLoop))
    path = tmp_path / "frames.hex"
    path.write_text("41\n42\n")
    command = f"--replay {path} --every 0.05 --stdout --silence-after 0.2 --hours 0.0001 --speed 1"
    assert main(command.split()) == 0
    out = capsysbinary.readouterr().out
    assert out.startswith(b"ABA")
    assert len(out) < 6
