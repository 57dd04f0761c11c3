"""IEC 62056-21: messages, data sets, and dialogues as they were captured."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import json
from random import Random
from time import process_time
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.obis_meter.metering.detect import Detector
from custom_components.obis_meter.metering.dialogue import Become, Cut, Dialogue, Line, Send
from custom_components.obis_meter.metering.errors import (
    DecodeError,
    FrameError,
    MeteringError,
    NoAnswer,
    Refused,
    RequestError,
)
from custom_components.obis_meter.metering.identity import describe, flag_maker
from custom_components.obis_meter.metering.links import LINKS, iec62056_21 as iec
from custom_components.obis_meter.metering.links.iec62056_21 import frame, program
from custom_components.obis_meter.metering.links.iec62056_21.data import moment, telegram
from custom_components.obis_meter.metering.links.iec62056_21.identification import parse
from custom_components.obis_meter.metering.makers import FLAG_MAKERS
from custom_components.obis_meter.metering.model import Access, Command, LineSettings, Reply
from custom_components.obis_meter.metering.security import Security
from custom_components.obis_meter.metering.sign_on import SignOn
from simulator.optical import block

from .captures import SHARED
from .conversing import Conversation, converse
from .hearing import bytewise, events, skipped, telegrams

LINK = "iec62056-21"
IDENT = b"/LGZ5\\2ZMD3104407.B32\r\n"
BODY = "F.F(00)\r\n0.0.0(12345678)\r\n1.8.0(000102.28*kWh)\r\n!\r\n"
P0 = b"\x01P0\x02()\x03`"
END = b"\x01B0\x03q"


def access(address: str = "", password: str = "", **settings: object) -> Access:
    sign_on = replace(SignOn(), **settings)  # type: ignore[arg-type]
    return Access(address, password, sign_on=sign_on)


def talk[T](dialogue: Dialogue[T], *heard: bytes) -> Conversation[T]:
    return converse(LINK, dialogue, *heard)


def sent(said: Conversation[Any]) -> list[bytes]:
    return [step.data for step in said.steps if isinstance(step, Send)]


def speeds(said: Conversation[Any]) -> list[str]:
    return [str(step.settings) for step in said.steps if isinstance(step, Line)]


def values(body: str) -> dict[str, tuple[str, str | None]]:
    found = telegram(body).readings
    return {
        str(r.id): (f"{r.value:f}" if isinstance(r.value, Decimal) else str(r.value), r.unit)
        for r in found
    }


# --- dialogues as they were captured


@dataclass(frozen=True)
class Recorded:
    name: str
    row: dict[str, Any]

    def turns(self, direction: str) -> list[bytes]:
        return [
            bytes.fromhex(turn["hex"]) for turn in self.row["dialogue"] if turn["dir"] == direction
        ]

    @property
    def speeds(self) -> list[int]:
        """Return the speeds in their order, as they change."""
        order = [turn["baud"] for turn in self.row["dialogue"]]
        return [one for one, before in zip(order, [None, *order], strict=False) if one != before]


def _recorded() -> Iterator[Recorded]:
    path = SHARED / f"{LINK}.jsonl"
    if path.exists():
        for line in path.read_text().splitlines():
            row = json.loads(line)
            yield Recorded(row["name"], row)


RECORDED = list(_recorded())
READ_OUT = [one for one in RECORDED if b"\x01P0\x02()\x03`" not in one.turns("rx")]
QUERIES = {
    b"/?10067967!\r\n": {"address": "10067967"},
    b"/2!\r\n": {"query": "2"},
    b"/4!\r\n": {"query": "4"},
}


def asked_as(one: Recorded) -> Access:
    """Return the settings by which a captured meter was read."""
    asked = next(tx for tx in one.turns("tx") if tx.startswith(b"/"))
    settings: dict[str, Any] = dict(QUERIES.get(asked, {}))
    address = settings.pop("address", "")
    fixed = len(one.speeds) == 1
    return access(address, fixed=fixed, wake=one.turns("tx")[0].startswith(b"\0"), **settings)


@pytest.mark.parametrize("one", READ_OUT, ids=[one.name for one in READ_OUT])
def test_a_captured_readout_is_replayed(one: Recorded) -> None:
    said = talk(iec.read_out(asked_as(one)), *one.turns("rx"))
    wanted = [tx for tx in one.turns("tx") if tx != END]  # a readout needs no break
    asked = [bytes(66) if data and not data.strip(b"\0") else data for data in wanted]
    assert sent(said)[: len(asked)] == asked
    if one.row["valid"]:
        assert said.error is None
        assert said.result is not None
        assert len(sent(said)) == len(asked)
        baud = [LineSettings(speed, 7, "E") for speed in one.speeds]
        assert speeds(said) == list(map(str, baud))
    else:
        assert isinstance(said.error, NoAnswer | FrameError)


def test_registers_are_read_as_captured() -> None:
    one = next((one for one in RECORDED if one.name == "lem_em4tii_programming_r5_clock"), None)
    if one is None:
        pytest.skip("no captures")
    said = talk(_registers("0.9.2", "0.9.1"), *one.turns("rx"))
    assert sent(said) == one.turns("tx")
    assert said.result == ["130103", "101415"]


def test_a_makers_own_reading_command_is_sent_as_captured() -> None:
    one = next((one for one in RECORDED if one.name == "siemens_td3511_programming_r2_19200"), None)
    if one is None:
        pytest.skip("no captures")
    said = talk(_registers("R2:F001", "R2:F009", password=""), *one.turns("rx"))
    assert sent(said) == [*one.turns("tx"), END]
    assert said.result is not None
    assert "14.7(49.96*Hz)" in said.result[1]


def test_a_wrong_password_is_sent_once() -> None:
    one = next((one for one in RECORDED if one.name == "bad_prog_password_nak"), None)
    if one is None:
        pytest.skip("no captures")
    said = talk(_registers("0.9.2", password="11111111"), *one.turns("rx"))
    assert sent(said) == [*one.turns("tx"), END]
    assert isinstance(said.error, Refused)


def _registers(*names: str, password: str = "00000000") -> Dialogue[list[object]]:
    def act(head: Any) -> Dialogue[list[object]]:
        values: list[object] = []
        for name in names:
            reply = yield from program.get(head, program.Parameter.parse(name))
            values.append(reply.value)
        return values

    return program.programmed(access(password=password), act)


# --- messages


def test_a_check_may_be_any_byte() -> None:
    checks: set[int] = set()
    for one in set(map(chr, range(0x20, 0x7F))) - set("()&"):
        for name in ("0.2.1", "0.2.1*1", "C.2.1"):
            raw = block(f"{name}(1{one})\r\n!\r\n")
            checks.add(raw[-1])
            assert len(telegrams(LINK, raw)) == 1
    assert {0x01, 0x02, 0x03, 0x04, 0x06, 0x0A, 0x0D, 0x15} <= checks


def test_a_readout_with_its_identification_is_not_taken_for_p1() -> None:
    for chunks in ((IDENT + block(BODY),), bytewise(IDENT + block(BODY))):
        detector = Detector()
        for chunk in chunks:
            detector.feed(chunk)
        detector.idle()
        assert detector.link is LINKS[LINK]


def test_parity_bits_change_nothing() -> None:
    raw = block(BODY)
    assert telegrams(LINK, frame.with_parity(raw)) == telegrams(LINK, raw)
    assert frame.seven_bits(frame.with_parity(raw)) == raw
    assert all(byte.bit_count() % 2 == 0 for byte in frame.with_parity(raw))


def test_a_message_without_a_check_counts_with_its_end_after_a_silence() -> None:
    assert len(telegrams(LINK, block(BODY, check=False))) == 1
    assert telegrams(LINK, block(BODY.replace("!", ""), check=False)) == []
    assert telegrams(LINK, block(BODY, check=False), b"x") == []


def test_an_answer_without_an_end_counts_with_its_check() -> None:
    assert len(telegrams(LINK, block("1.8.0(1.5*kWh)"))) == 1


def test_what_is_sent_to_a_meter_is_not_shown() -> None:
    session = LINKS[LINK]
    buffer = bytearray(b"\x01P1\x02(00000000)\x03a" + block(BODY))
    assert session.take(buffer) == b""
    assert session.take(buffer) == block(BODY)[:-1]


def test_noise_is_a_fault_and_text_is_not() -> None:
    heard = events(LINK, b"/?!\r\n" + IDENT + b"\x06050\r\n\0\0" + block(BODY))
    assert skipped(heard) == 0
    heard = events(LINK, b"\x1b\x1c" + block(BODY))
    assert skipped(heard) == 2


@pytest.mark.parametrize("error", ["(ER11)", "((ER11))", "(ERROR)", "0.9.1(ERROR)"])
def test_an_error_reply_is_a_refusal(error: str) -> None:
    (heard,) = events(LINK, block(error))
    assert isinstance(heard, Refused)


# --- data sets


def test_the_first_group_is_the_value_and_the_next_its_time() -> None:
    (reading,) = telegram("1.6.1(27.19*kW)(1702090945)").readings
    assert (reading.value, reading.unit) == (Decimal("27.19"), "kW")
    assert reading.time == datetime(2017, 2, 9, 9, 45)


def test_further_groups_keep_their_place() -> None:
    first, second = telegram("1.6.1(27.19*kW)(1702090945)(20.1*kW)(1702080930)").readings
    assert (str(first.id), str(second.id)) == ("1-0:1.6.1", "1-0:1.6.1[2]")
    assert second.time == datetime(2017, 2, 8, 9, 30)


def test_a_repeated_address_keeps_its_place() -> None:
    assert values("0.2.0(01.01.28)\r\n0.2.0(02.02.13)\r\n0.2.0(01.01.28)") == {
        "0-0:0.2.0": ("01.01.28", None),
        "0-0:0.2.0[2]": ("02.02.13", None),
    }


def test_what_is_repeated_very_often_takes_no_longer_each_time() -> None:
    body = "".join(f"1.8.0({number}.0*kWh)" for number in range(10_000))
    began = process_time()
    assert len(telegram(body).readings) == 10_000
    assert process_time() - began < 10  # a minute, were each compared with all before


def test_history_inherits_address_and_unit() -> None:
    assert values("1.8.0(00051206*kWh)\r\n1.8.0*18(00049555)\r\n*17(00045862)\r\n&16(7)") == {
        "1-0:1.8.0": ("51206", "kWh"),
        "1-0:1.8.0*18": ("49555", "kWh"),
        "1-0:1.8.0*17": ("45862", "kWh"),
        "1-0:1.8.0*16": ("7", "kWh"),
    }


@pytest.mark.parametrize(
    ("line", "id_", "value", "unit"),
    [
        ("F.F(00000000)", "F.F", "00000000", None),
        ("1-1:F.F(0)", "1-1:F.F", "0", None),
        ("FF(02)", "FF", "02", None),
        ("0.0(        18438636)", "0-0:0.0.0", "        18438636", None),
        ("32.7(233*V)", "1-0:32.7.0", "233", "V"),
        ("1-1:0.5.1.2(80.0*kW)", "1-1:0.5.1.2", "80.0", "kW"),
        ("33.25(0.87*P/S)", "1-0:33.25.0", "0.87", "P/S"),
        ("0.9.2(0220127)", "0-0:0.9.2", "0220127", None),
        ("C.7.0(0004)", "0-0:96.7.0", "0004", None),
        ("1.8.0(000123.4)", "1-0:1.8.0", "123.4", "kWh"),
        ("1.8.0(000123.4*)", "1-0:1.8.0", "123.4", "kWh"),
        ("F.F(00.00)", "F.F", "00.00", None),
        ("1-0:F.F(00000000)", "1-0:F.F", "00000000", None),
        ("9.4(088*C&082*C)", "1-0:9.4.0", "88", "C"),
        ("0.2.1(ver.02, 130314, 41BD)", "0-0:0.2.1", "ver.02, 130314, 41BD", None),
        ("1.8.1*255(5*MWh)!", "1-0:1.8.1", "5", "MWh"),
    ],
)
def test_a_data_set_says(line: str, id_: str, value: str, unit: str | None) -> None:
    assert values(line) == {id_: (value, unit)}


@pytest.mark.parametrize("line", ["1.8.0()", "P0(1)", "(1)", "1.8.0", "1.8.0(1", "", "!"])
def test_a_data_set_may_say_nothing(line: str) -> None:
    with pytest.raises(DecodeError):
        telegram(line)


def test_a_heat_meter_counts_heat_and_volume() -> None:
    body = "6.8(0029.055*MWh)6.26(01589.28*m3)6.26*01(01563.92*m3)9.20(64030874)0.0(00010213)!"
    said = telegram(body, "SIEC2WR5")
    assert values(body) == {
        "6-0:1.0.0": ("29.055", "MWh"),
        "6-0:2.0.0": ("1589.28", "m3"),
        "6-0:2.0.0*1": ("1563.92", "m3"),
        "9.20": ("64030874", None),
        "0.0": ("00010213", None),
    }
    assert describe(said).maker == "Siemens"


def test_a_total_numbered_0_is_the_present_one_where_there_is_no_other() -> None:
    def read_out(body: str) -> dict[str, str]:
        said = talk(iec.read(access()), b"/PAF0EC3\r\n", block(f"{body}!\r\n"))
        assert said.result is not None
        return {str(r.id): str(r.value) for r in said.result.readings}

    lone = read_out("1.8.0*00(19446.38)1.8.0*01(10000.00)2.8.1*00(1.5)1.6.0*00(2.5)")
    assert lone == {
        "1-0:1.8.0": "19446.38",
        "1-0:1.8.0*1": "10000.00",
        "1-0:2.8.1": "1.5",
        "1-0:1.6.0*0": "2.5",
    }
    assert read_out("1.8.0(2.0)1.8.0*00(1.0)") == {"1-0:1.8.0": "2.0", "1-0:1.8.0*0": "1.0"}


def test_a_load_profile_says_its_newest_row_with_its_time() -> None:
    rows = (
        "P.01(1170402001500)(00)(15)(2)(1-0:1.5.0)(kW)(1-0:2.5.0)(kW)\r\n(0.1)(0.2)\r\n(0.3)(0.4)"
    )
    one, two = telegram(rows + "\r\n1.8.0(1.0*kWh)").readings[1:]
    assert [(str(r.id), str(r.value), r.time) for r in (one, two)] == [
        ("1-0:1.5.0", "0.3", datetime(2017, 4, 2, 0, 30)),
        ("1-0:2.5.0", "0.4", datetime(2017, 4, 2, 0, 30)),
    ]


def test_a_season_stands_before_a_date() -> None:
    assert moment("1190417185411") == datetime(2019, 4, 17, 18, 54, 11)
    winter = moment("0191027023000")
    assert winter == datetime(2019, 10, 27, 2, 30)
    assert winter is not None
    assert winter.fold == 1
    assert moment("21904171854") == datetime(2019, 4, 17, 18, 54, tzinfo=UTC)
    assert moment("0000000000000") is None
    said = telegram("0.9.1(1185411)\r\n0.9.2(1190417)\r\n")
    assert said.time == datetime(2019, 4, 17, 18, 54, 11)
    assert telegram("0.9.1(16:40:56)\r\n0.9.2(17-11-06)").time == datetime(2017, 11, 6, 16, 40, 56)


@pytest.mark.parametrize(
    ("body", "meter"),
    [
        ("0.0.0( 20000)", "20000"),
        ("C.1.0(18438636)", "18438636"),
        ("C.1(1234567890123456)", "1234567890123456"),
        ("1-1:0.0.0(97734234)", "97734234"),
        ("0.0.9(1EMH0001)", "1EMH0001"),
        ("1-0:96.1.0(1EMH0001)\r\n0.0.0(5)", "5"),
        ("F.F(00)", None),
    ],
)
def test_a_meter_names_itself(body: str, meter: str | None) -> None:
    assert telegram(body).meter == meter


def test_flag_ids_are_three_capitals() -> None:
    assert all(len(flag) == 3 and flag.isupper() for flag in FLAG_MAKERS)
    assert (flag_maker("ISk"), flag_maker("LGZ")) == ("Iskraemeco", "Landis+Gyr")


# --- identifications


@pytest.mark.parametrize(
    ("line", "maker", "baud", "model", "hdlc"),
    [
        (IDENT, "LGZ", "5", "ZMD3104407.B32", True),
        (b"/ISk5MT174-0002\r\n", "ISk", "5", "MT174-0002", False),
        (b"/ELS5\\@V9.30 \r\n", "ELS", "5", "V9.30", False),
        (b"/SIEC2WR5\r\n", "SIE", "C", "2WR5", False),
        (b"/LGZ5\r\n", "LGZ", "5", "", False),
    ],
)
def test_an_identification_is_read(
    line: bytes, maker: str, baud: str, model: str, hdlc: bool
) -> None:
    said = parse(line)
    assert said is not None
    assert (said.maker, said.baud, said.model, said.hdlc) == (maker, baud, model, hdlc)


@pytest.mark.parametrize("line", [b"/LG\r\n", b"LGZ4ZMF\r\n", b"/?!\r\n", b"", b"/L\0Z4ZM\r\n"])
def test_what_is_no_identification(line: bytes) -> None:
    assert parse(line) is None


# --- dialogues


def test_noise_and_echo_before_an_identification_change_nothing() -> None:
    heard = (b"\xff\x80\x12/?!\r\n" + IDENT, b"\x06050\r\n\x81\x06\r\n" + block(BODY))
    said = talk(iec.read_out(access()), *heard)
    assert said.result is not None
    assert said.result.telegram.meter == "12345678"
    assert sent(said) == [b"/?!\r\n", b"\x06050\r\n"]
    assert speeds(said) == ["300 7E1", "9600 7E1"]


def test_a_bridge_of_eight_bits_is_sent_parity() -> None:
    said = talk(
        iec.read(access(parity_bit=True)),
        frame.with_parity(IDENT),
        frame.with_parity(block(BODY)),
    )
    assert sent(said) == [frame.with_parity(b"/?!\r\n"), frame.with_parity(b"\x06050\r\n")]
    assert speeds(said) == ["300 8N1", "9600 8N1"]
    assert said.error is None


def test_a_port_of_one_speed_is_never_set() -> None:
    settings = access(can_switch=False, start_baud=9600)
    said = talk(iec.read(settings), IDENT.replace(b"5", b"6", 1), block(BODY))
    assert (speeds(said), sent(said)[-1]) == ([], b"\x06050\r\n")


def test_partial_blocks_are_acknowledged_and_repeated() -> None:
    first, second = BODY[:30], BODY[30:]
    bad = block(first, 0x04)[:-1] + b"\x7f"
    said = talk(iec.read(access()), IDENT, bad, block(first, 0x04), block(second))
    assert sent(said)[2:] == [b"\x15", b"\x06"]
    assert said.result == telegram(BODY, IDENT[1:].decode().strip())


def test_a_check_that_is_switched_off_counts_for_nothing() -> None:
    heard = (IDENT, block(BODY)[:-1] + b"\x7f")
    assert talk(iec.read(access(checksum=False)), *heard).result
    assert isinstance(talk(iec.read(access()), *heard).error, MeteringError)


def test_nothing_is_sent_where_one_may_only_listen() -> None:
    said = talk(iec.read(access(listen_only=True)))
    assert (said.steps, type(said.error)) == ([], RequestError)
    assert list(iec.polls(access(listen_only=True))) == []


def test_the_readout_is_polled_at_its_interval() -> None:
    (poll,) = iec.polls(access(interval=120))
    assert (poll.key, poll.every) == ("readout", 120)
    assert talk(poll.dialogue(), IDENT, block(BODY)).result == telegram(
        BODY, IDENT[1:].decode().strip()
    )


def test_a_readout_may_be_longer_than_what_a_session_keeps() -> None:
    body = "".join(f"1.8.0*{n:02}({n}.5*kWh)\r\n" * 70 for n in range(1, 15)) + "!\r\n"
    assert len(body) > 16 * 1024
    assert talk(iec.read(access()), IDENT, block(body)).error is None


def test_a_port_is_turned_over_to_hdlc() -> None:
    said = talk(iec.hand_over(access()), IDENT, b"\x06252\r\n")
    assert sent(said) == [b"/?!\r\n", bytes.fromhex("0632353 20d0a".replace(" ", ""))]
    assert speeds(said) == ["300 7E1", "9600 7E1", "9600 8N1"]
    assert said.steps[-1] == Become("hdlc")
    assert isinstance(talk(iec.hand_over(access()), b"/LGZ5ZMF\r\n").error, Refused)


def test_a_register_is_written_once_and_read_back() -> None:
    key = access(password="00000000")
    heard = (IDENT, P0, b"\x06", b"\x06", block("0.1.3(5)"))
    said = talk(iec.request(Command("set", "0.1.3", "5"), key), *heard)
    assert sent(said)[3:] == [
        frame.command("W5", "0.1.3(5)"),
        frame.command("R5", "0.1.3()"),
        END,
    ]
    assert said.result == Reply("0.1.3", None, None, b"5", Reply("0.1.3", None, "5", b"0.1.3(5)"))


def _cut(dialogue: Dialogue[Reply], at: bytes, *heard: bytes) -> Reply:
    """Have a dialogue whose port is lost when something is sent."""
    coming, lost = iter(heard), False
    step = next(dialogue)
    try:
        while True:
            lost = lost or step == Send(at)
            if lost:
                step = dialogue.throw(MeteringError("lost"))
            elif isinstance(step, Cut):
                step = dialogue.send(step.take(bytearray(next(coming))) or b"")
            else:
                step = dialogue.send(b"")
    except StopIteration as end:
        reply: Reply = end.value
        return reply


def test_what_was_written_is_so_though_the_port_is_lost_behind_it() -> None:
    command, key = Command("set", "0.1.3", "5"), access(password="00000000")
    reading = frame.command("R5", "0.1.3()")
    reply = _cut(iec.request(command, key), reading, IDENT, P0, b"\x06", b"\x06")
    assert (reply.data, str(reply.read_back)) == (b"5", "lost")


@pytest.mark.parametrize("no", [b"\x15", END, block("(ER03)"), block("((ER11))"), block("(ERROR)")])
def test_a_meter_may_refuse(no: bytes) -> None:
    for command in (Command("get", "R1:0.1.3"), Command("set", "W1:0.1.3", "5")):
        said = talk(iec.request(command, access()), IDENT, P0, no, no)
        assert isinstance(said.error, Refused)
        assert sent(said)[-1] == END
    said = talk(iec.request(Command("get", "0.1.3"), access(password="1")), IDENT, P0, no)
    assert isinstance(said.error, Refused)


def test_a_password_that_a_maker_computes_is_not_supported() -> None:
    with pytest.raises(RequestError, match="password_computed"):
        next(iec.request(Command("get", "0.1.3"), access(password="P2 1234")))
    seed = frame.command("P0", "(1A2B3C4D)")
    said = talk(iec.request(Command("get", "1"), access(password="1")), IDENT, seed, b"\x15")
    assert "P2" in str(said.error)
    assert "(1)" not in str(said.error)


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (Command("get", ""), "parameter_unknown"),
        (Command("get", "1.8.0(1)(2)"), "parameter_unknown"),
        (Command("set", "0.1.3", "a(b)"), "value_not_visible"),
        (Command("set", "0.1.3", "\x03"), "value_not_visible"),
        (Command("set", "0.1.3", "1", type="bcd"), "type_unknown"),
        (Command("action", "0.1.3"), "not_supported"),
    ],
)
def test_what_cannot_be_asked(command: Command, key: str) -> None:
    with pytest.raises(RequestError) as caught:
        iec.request(command)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (access("x" * 33), "address_form"),
        (access("\x02"), "address_form"),
        (access(query=""), "query_form"),
    ],
)
def test_what_no_meter_can_be_asked_by(settings: Access, key: str) -> None:
    error = talk(iec.read(settings)).error
    assert isinstance(error, RequestError)
    assert error.key == key


HEARD = st.lists(
    st.binary(max_size=30)
    | st.sampled_from((IDENT, P0, END, b"\x06", b"\x15", block(BODY), block("(1)"), b"/?!\r\n")),
    max_size=12,
)
ASKED = {
    "read": iec.read,
    "find": lambda key: iec.find(key, lambda: 0.0, lambda _: None),
    "get": lambda key: iec.request(Command("get", "1.8.0"), key),
    "set": lambda key: iec.request(Command("set", "1.8.0", "1"), key),
    "hand over": iec.hand_over,
}


@settings(max_examples=150, derandomize=True)
@given(HEARD, st.booleans(), st.sampled_from(sorted(ASKED)))
def test_no_answer_breaks_a_dialogue(heard: list[bytes], wake: bool, what: str) -> None:
    key = access(password="1", wake=wake)
    said = talk(ASKED[what](key), *heard)
    assert (said.result is None) == (said.error is not None)
    waits = [step.within for step in said.steps if isinstance(step, Cut)]
    assert len(waits) < 60


@pytest.mark.parametrize("seed", range(5))
def test_a_line_that_never_stops_is_not_waited_for(seed: int) -> None:
    noise = Random(seed).randbytes(3000)
    assert isinstance(talk(iec.read(access()), noise, noise).error, NoAnswer)


def test_finding_asks_at_the_usual_speeds() -> None:
    said = talk(iec.find(access(), lambda: 0.0, lambda _: None))
    assert isinstance(said.error, NoAnswer)
    assert list(dict.fromkeys(speeds(said))) == [
        f"{baud} 7E1" for baud in (300, 9600, 2400, 4800, 19200)
    ]
    one = talk(iec.find(access(can_switch=False), lambda: 0.0, lambda _: None))
    assert speeds(one) == []


def test_a_found_meter_is_read_no_more_often_than_it_can() -> None:
    times = iter((0.0, 83.2))
    heard = (IDENT, block(BODY))
    said = talk(iec.find(access(), lambda: next(times), lambda _: None), *heard)
    assert said.result is not None
    assert timedelta(seconds=said.result.interval) == timedelta(seconds=94)


def test_a_payload_that_is_no_text_is_refused() -> None:
    with pytest.raises(DecodeError, match="no text"):
        LINKS["iec62056-21"].decode(b"\x021.8.0(1\xff)\x03", Security())
