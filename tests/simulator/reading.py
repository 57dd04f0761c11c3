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


def mbus_data(frames: bytes) -> bytes:
    """Return the data of all frames of a telegram, whose checksums and numbers are right."""
    data, number = b"", 0
    while frames:
        size = frames[1] if frames[1] > 3 else 256 + frames[1]
        frame, frames = frames[: size + 6], frames[size + 6 :]
        assert (frame[0], frame[1], frame[3], frame[-1]) == (0x68, frame[2], 0x68, 0x16)
        assert sum(frame[4:-2]) & 0xFF == frame[-2]
        assert frame[6] == number | (0 if frames else 0x10)
        data, number = data + frame[9:-2], number + 1
    return data


def blocks_data(frames: bytes) -> bytes:
    """Return what the blocks in HDLC frames carry, the header in the first one only."""
    data, number = b"", 0
    while frames:
        size = (int.from_bytes(frames[1:3]) & 0x7FF) + 2
        block, frames = hdlc_information(frames[:size]), frames[size:]
        block = block if number else block.removeprefix(LLC)
        number += 1
        assert block[:6] == bytes([0xE0, 0x40 if frames else 0xC0, 0, number, 0, 0])
        assert block[6] == len(block) - 7
        data += block[7:]
    return data


def apdu(telegram: bytes) -> bytes:
    """Return what a frame that is right carries."""
    match telegram[0]:
        case 0x68:
            return mbus_data(telegram)
        case 0x00:
            assert int.from_bytes(telegram[6:8]) == len(telegram) - 8
            return telegram[8:]
        case 0xDB:
            return telegram
        case _ if LLC + b"\xe0" in telegram[:20]:
            return blocks_data(telegram)
    information = hdlc_information(telegram)
    assert information.startswith(LLC)
    return information.removeprefix(LLC)


def module_body(frame: bytes) -> tuple[int, bytes]:
    """Return protocol, and command with body, of a module frame whose length and FCS are right."""
    assert (frame[:3], frame[-1:]) == (b"\x7e\xff\x03", b"\x7e")
    assert int.from_bytes(frame[5:7], "big") == len(frame) - 10
    assert frame[-3:-1] == crc16_x25(frame[1:-3]).to_bytes(2, "big")
    return frame[4] << 8, frame[7:-3]


def is_talk(frame: bytes) -> bool:
    """Tell whether a meter asks or tells its module something, rather than passing a list on."""
    return frame.startswith(b"\x7e\xff\x03") and module_body(frame)[0] == 0x2200


def assert_frames_well(telegram: bytes) -> None:
    """Check the frame of a telegram of any link."""
    if telegram.startswith(b"\x7e\xff\x03"):
        protocol, body = module_body(telegram)
        assert (protocol, body[0]) == (0x2100, 0xBF)
        assert_frames_well(body[1:])
    elif telegram.startswith(b"/"):
        assert len(p1_lines(telegram)) > 3
    elif telegram.startswith(b"\x1b"):
        assert sml_messages(telegram).startswith(b"\x76")
    else:
        assert apdu(telegram)[0] in (0x0F, 0xDB)
