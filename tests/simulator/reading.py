"""Just enough reading of what the simulator writes, in the words of the standards."""

from simulator.checksums import crc16_arc, crc16_kermit, crc16_x25
from simulator.dlms import LLC


def hdlc_information(frame: bytes) -> bytes:
    """Return the information field of one frame whose length, HCS and FCS are right."""
    assert frame[:1] == frame[-1:] == b"\x7e"
    body = frame[1:-1]
    assert body[0] >> 4 == 0xA
    assert int.from_bytes(body[:2]) & 0x7FF == len(body)
    assert crc16_x25(body[:-2]) == int.from_bytes(body[-2:], "little")
    end = 2
    for _ in ("destination", "source"):
        while not body[end] & 1:
            end += 1
        end += 1
    header = end + 1  # behind the control byte
    assert crc16_x25(body[:header]) == int.from_bytes(body[header : header + 2], "little")
    return body[header + 2 : -2]


def p1_lines(telegram: bytes) -> list[str]:
    """Return the lines of a telegram whose CRC is right, or that has none."""
    assert telegram.startswith(b"/")
    assert telegram.endswith(b"\r\n")
    text, mark, check = telegram.rstrip(b"\r\n").rpartition(b"!")
    assert mark
    assert not check or crc16_arc(text + b"!") == int(check, 16)
    return text.decode("ascii").split("\r\n")


def sml_messages(frame: bytes) -> bytes:
    """Return the messages of one frame whose ends and CRC are right, without their padding."""
    assert frame.startswith(b"\x1b\x1b\x1b\x1b\1\1\1\1")
    assert len(frame) % 4 == 0
    assert frame[-8:-3] == b"\x1b\x1b\x1b\x1b\x1a"
    x25, kermit = crc16_x25(frame[:-2]), crc16_kermit(frame[:-2])
    assert frame[-2:] in (x25.to_bytes(2, "little"), kermit.to_bytes(2, "big"))
    padding = frame[-3]
    inside = frame[8 : -8 - padding]
    assert frame[8 + len(inside) : -8] == bytes(padding)
    return inside.replace(b"\x1b" * 8, b"\x1b" * 4)


def assert_frames_well(telegram: bytes) -> None:
    """Check the frame of a telegram of any link."""
    if telegram.startswith(b"/"):
        assert len(p1_lines(telegram)) > 3
    elif telegram.startswith(b"\x1b"):
        assert sml_messages(telegram).startswith(b"\x76")
    else:
        assert hdlc_information(telegram).startswith(LLC + b"\x0f")
