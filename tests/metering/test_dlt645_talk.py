"""Dialogues of DL/T 645, against meters made of software, without a port or a clock."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import cycle, pairwise

import pytest

from custom_components.obis_meter.metering.dialogue import Dialogue, Send
from custom_components.obis_meter.metering.errors import (
    DecodeError,
    NoAnswer,
    NoSuchData,
    Refused,
    RequestError,
)
from custom_components.obis_meter.metering.follow import Follower, Happening
from custom_components.obis_meter.metering.links import LINKS, dlt645
from custom_components.obis_meter.metering.links.dlt645 import OLD, Operation, Progress
from custom_components.obis_meter.metering.links.dlt645.talk import ATTEMPTS
from custom_components.obis_meter.metering.model import (
    Access,
    Command,
    LineSettings,
    ObisCode,
    Reading,
    Reply,
    Telegram,
)
from custom_components.obis_meter.metering.session import Session
from simulator.dlt645 import Bus, Meter2007, Talker
from simulator.dlt645data import Happened
from simulator.dlt645old import Meter1997
from simulator.dlt645wire import bcd, frame
from simulator.lines import home

from .talking import Talk

NOW = datetime(2026, 6, 2, 18, 30, 10)
ADDRESS, OLD_ADDRESS = "202107072529", "000000063295"
METER = Access(ADDRESS)
TRUSTED = Access(ADDRESS, "02123456", "42")
SETTER = Access(ADDRESS, "04654321")
OLD_METER = Access(OLD_ADDRESS, dialect=OLD)
UNTIL = NOW + timedelta(hours=1)


def meter(address: str = ADDRESS, seed: int = 1, longest: int = 200) -> Meter2007:
    return Meter2007(address, home(NOW, seed), longest)


def old_meter() -> Meter1997:
    return Meter1997(OLD_ADDRESS, home(NOW, 7))


def talk(*meters: Talker) -> Talk:
    return Talk(Bus(meters, NOW).respond, NOW)


def deaf(_: bytes, __: datetime) -> bytes:
    return b""


def said(telegram: Telegram) -> dict[str, Decimal | str | datetime]:
    return {str(reading.id): reading.value for reading in telegram.readings}


# --- reading ---


def test_a_block_is_read_by_rate() -> None:
    one = meter()
    telegram = talk(one).run(dlt645.read(METER, "0001FF00"))
    snapshot = one.home.at(NOW)
    night, day = (Decimal(energy // 10).scaleb(-2) for energy in snapshot.tariffs_import)
    assert telegram.meter == ADDRESS
    assert said(telegram) == {
        "1-0:1.8.0": Decimal(snapshot.energy_import // 10).scaleb(-2),
        "1-0:1.8.1": 0,
        "1-0:1.8.2": day,
        "1-0:1.8.3": 0,
        "1-0:1.8.4": night,
    }


def test_a_meter_that_is_alone_needs_no_address() -> None:
    assert talk(meter()).run(dlt645.read(Access(), "04000401")).meter == ADDRESS


def test_an_old_meter_is_read_by_identifiers_of_four_digits() -> None:
    telegram = talk(old_meter()).run(dlt645.read(OLD_METER, "901F"))
    assert telegram.meter == OLD_ADDRESS
    assert list(said(telegram)) == [f"1-0:1.8.{rate}" for rate in range(5)]


def test_a_long_record_is_read_on_until_its_end() -> None:
    one = meter(longest=50)
    noted = bytes(range(119))
    one.state.happened.append(Happened("0101", NOW, NOW + timedelta(minutes=3), noted))
    line = talk(one)
    telegram = line.run(dlt645.read(METER, "03010101"))
    assert said(telegram) == {"03010101": "2026-06-02T18:30:10/2026-06-02T18:33:10"}
    assert len(line.sent) == 3  # 131 bytes, 45 in a frame


def test_following_frames_are_joined_in_a_stream_too() -> None:
    one = meter(longest=20)
    bus, session = Bus([one], NOW), Session(LINKS["dlt645"])
    asked = bytes.fromhex("0001FF00")[::-1]
    heard: list[object] = []
    for number in range(2):
        more = bytes([number]) if number else b""
        request = frame(ADDRESS, 0x12 if number else 0x11, asked + more)
        heard += session.feed(request + bus.respond(request, NOW))
    assert heard == [talk(one).run(dlt645.read(METER, "0001FF00"))]


def test_a_block_of_an_old_meter_is_read_on_too() -> None:
    parts = [(0xA1, bcd(100, 4)), (0x82, bcd(200, 4))]

    def respond(heard: bytes, _: datetime) -> bytes:
        control, octets = parts[heard[12] == 0x02]
        return frame(OLD_ADDRESS, control, bytes.fromhex("901F")[::-1] + octets)

    assert said(Talk(respond, NOW).run(dlt645.read(OLD_METER, "901F"))) == {
        "1-0:1.8.0": 1,
        "1-0:1.8.1": 2,
    }


def test_a_block_that_never_ends_is_given_up() -> None:
    def respond(heard: bytes, _: datetime) -> bytes:
        data = bytes.fromhex("0001FF00")[::-1] + bcd(1, 4)
        if heard[12] == 0x11:
            return frame(ADDRESS, 0xB1, data)
        return frame(ADDRESS, 0xB2, data + bytes([(heard[18] - 0x33) % 256]))

    with pytest.raises(DecodeError, match="does not end"):
        Talk(respond, NOW).run(dlt645.read(METER, "0001FF00"))


def test_a_following_frame_alone_publishes_nothing() -> None:
    session = Session(LINKS["dlt645"])
    lost = frame(ADDRESS, 0x92, bytes.fromhex("0001FF00")[::-1] + bcd(1, 4) + b"\x01")
    assert not [event for event in session.feed(lost) if isinstance(event, Telegram)]


@pytest.mark.parametrize("number", [0, 2, 255])
def test_a_following_frame_of_another_number_is_no_answer(number: int) -> None:
    def respond(heard: bytes, _: datetime) -> bytes:
        first = heard[12] == 0x11
        data = bytes.fromhex("0001FF00")[::-1] + bcd(1, 4) + (b"" if first else bytes([number]))
        return frame(ADDRESS, 0xB1 if first else 0x92, data)

    with pytest.raises(NoAnswer):
        Talk(respond, NOW).run(dlt645.read(METER, "0001FF00"))


def test_an_answer_for_another_question_is_not_taken() -> None:
    def respond(heard: bytes, now: datetime) -> bytes:
        other = frame(ADDRESS, 0x91, bytes.fromhex("00020000")[::-1] + bcd(5, 4))
        return other + heard + Bus([meter("202107072530"), meter()], NOW).respond(heard, now)

    line = Talk(respond, NOW)
    assert list(said(line.run(dlt645.read(METER, "00010000")))) == ["1-0:1.8.0"]
    assert [list(said(event)) for event in line.events if isinstance(event, Telegram)] == [
        ["1-0:2.8.0"]
    ]


def test_what_a_meter_does_not_have_is_told_apart_from_other_refusals() -> None:
    with pytest.raises(NoSuchData, match="no such data"):
        talk(meter()).run(dlt645.read(METER, "00990000"))
    with pytest.raises(NoSuchData):
        talk(old_meter()).run(dlt645.read(OLD_METER, "9110"))


def test_a_silent_meter_is_asked_again_and_given_up() -> None:
    line = Talk(deaf, NOW)
    with pytest.raises(NoAnswer):
        line.run(dlt645.read(METER, "00010000"))
    assert len(line.sent) == ATTEMPTS


def test_a_meter_that_misses_a_question_answers_the_next() -> None:
    bus, missed = Bus([meter()], NOW), iter([True, True, False])

    def respond(heard: bytes, now: datetime) -> bytes:
        return b"" if next(missed) else bus.respond(heard, now)

    assert said(Talk(respond, NOW).run(dlt645.read(METER, "04000401")))


@pytest.mark.parametrize("name", ["", "1", "0001000", "0001000000", "zzzz0000"])
def test_what_is_no_identifier_is_not_sent(name: str) -> None:
    line = talk(meter())
    with pytest.raises(RequestError):
        line.run(dlt645.read(METER, name))
    assert not line.sent


# --- finding ---

LINES = (LineSettings(2400, parity="E"), LineSettings(9600, parity="E"))


def nothing(_: Progress) -> None:
    """Report to nobody."""


@pytest.mark.parametrize("line", LINES, ids=str)
@pytest.mark.parametrize(
    ("made", "address", "dialect"), [(meter, ADDRESS, ""), (old_meter, OLD_ADDRESS, OLD)]
)
def test_a_meter_is_found_with_its_dialect_and_its_line(
    made: Callable[[], Talker], address: str, dialect: str, line: LineSettings
) -> None:
    one = talk(made())
    one.line = line
    found = one.run(dlt645.find(LINES, nothing))
    assert found == dlt645.Found((address,), dialect, line)


def test_a_meter_that_repeats_the_wildcard_is_known_by_what_it_says() -> None:
    def respond(heard: bytes, _: datetime) -> bytes:
        said = bytes.fromhex(ADDRESS + "04000401")[::-1]
        return frame("AA" * 6, 0x91, said) if heard[12] == 0x11 else b""

    found = Talk(respond, NOW).run(dlt645.find(LINES, nothing))
    assert found
    assert found.addresses == (ADDRESS,)


def test_nothing_is_found_on_a_dead_line() -> None:
    parts: list[float] = []
    assert Talk(deaf, NOW).run(dlt645.find(LINES, lambda at: parts.append(at.part))) is None
    assert parts == [0.5, 1.0]


def test_several_that_answer_at_once_are_told_to_be_several() -> None:
    found = talk(meter(), meter("202107072530")).run(dlt645.find(LINES, nothing))
    assert found
    assert found.crowded
    assert not found.addresses


def test_one_meter_is_scanned_with_one_question() -> None:
    line = talk(meter())
    assert line.run(dlt645.scan(nothing)) == (ADDRESS,)
    assert len(line.sent) == 1


def test_a_crowded_line_is_scanned_however_alike_the_addresses_are() -> None:
    addresses = ("202107072529", "992107072529", "202107072530", "260305510029", "000000000000")
    reports: list[Progress] = []
    line = talk(*map(meter, addresses))
    assert line.run(dlt645.scan(reports.append)) == tuple(sorted(addresses))
    assert [at.part for at in reports] == sorted(at.part for at in reports)
    assert reports[-1].part == pytest.approx(1)
    assert set(reports[-1].found) == set(addresses)


def test_old_meters_are_scanned_in_their_dialect() -> None:
    other = Meter1997("000000063296", home(NOW, 2))
    line = talk(meter(), old_meter(), other)
    assert line.run(dlt645.scan(nothing, OLD)) == (OLD_ADDRESS, "000000063296")
    assert line.run(dlt645.scan(nothing)) == (ADDRESS,)


# --- commands ---


def test_a_relay_is_tripped_and_read_back() -> None:
    one = meter()
    state = talk(one).run(dlt645.control(TRUSTED, Operation.TRIP, UNTIL))
    assert state.is_open
    assert one.state.relay_open
    assert talk(one).run(dlt645.relay(METER)) == state
    assert not talk(one).run(dlt645.control(TRUSTED, Operation.CLOSE, UNTIL)).is_open


def test_a_permitted_relay_stays_open_and_is_not_said_to_be_closed() -> None:
    one = meter()
    talk(one).run(dlt645.control(TRUSTED, Operation.TRIP, UNTIL))
    state = talk(one).run(dlt645.control(TRUSTED, Operation.PERMIT, UNTIL))
    assert state.is_open
    assert not state.commanded_open


def test_a_relay_that_does_not_move_is_told_as_it_is() -> None:
    one = meter()
    one._acts[0x1C] = lambda data, now: (0, b"")
    line = talk(one)
    assert not line.run(dlt645.control(TRUSTED, Operation.TRIP, UNTIL)).is_open
    assert 0 < line.spent < 30


@pytest.mark.parametrize(
    ("operation", "until"), [(Operation.TRIP, NOW - timedelta(hours=1)), (Operation.TRIP, UNTIL)]
)
def test_a_command_that_is_void_or_forbidden_is_refused(
    operation: Operation, until: datetime
) -> None:
    one = meter()
    one.state.kept = until == UNTIL
    with pytest.raises(Refused, match="another reason"):
        talk(one).run(dlt645.control(TRUSTED, operation, until))
    assert not one.state.relay_open


WRONG = Access(ADDRESS, "02999999")


def trip(access: Access) -> Dialogue[object]:
    return dlt645.control(access, Operation.TRIP, UNTIL)


def set_price(access: Access) -> Dialogue[object]:
    return dlt645.write(access, "04050101", bcd(5, 4))


CHANGES = [trip, set_price, dlt645.clear_demand]


@pytest.mark.parametrize("change", CHANGES)
def test_a_wrong_password_changes_nothing(change: Callable[[Access], Dialogue[object]]) -> None:
    one = meter()
    before = repr(one.state)
    line = talk(one)
    with pytest.raises(Refused, match="password"):
        line.run(change(WRONG))
    assert len(line.sent) == 1
    assert repr(one.state) == before


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_a_meter_is_never_tried_twice(
    change: Callable[[Access], Dialogue[object]],
) -> None:
    line = Talk(deaf, NOW)
    with pytest.raises(NoAnswer):
        line.run(change(TRUSTED))
    assert len(line.sent) == 1


@pytest.mark.parametrize("change", [*CHANGES, dlt645.freeze])
@pytest.mark.parametrize("address", ["", "AA0000002529", "AA" * 6])
def test_what_changes_a_meter_is_never_sent_to_a_wildcard(
    change: Callable[[Access], Dialogue[object]], address: str
) -> None:
    line = talk(meter())
    with pytest.raises(RequestError, match="address_missing"):
        line.run(change(Access(address, "123456")))
    assert not line.sent


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "password_missing"),
        ("12345", "password_form"),
        ("0212345x", "password_form"),
        ("98123456", "password_cipher"),
        ("99123456", "password_cipher"),
    ],
)
def test_a_password_that_cannot_be_is_not_sent(password: str, why: str) -> None:
    line = talk(meter())
    with pytest.raises(RequestError, match=f"^{why}$"):
        line.run(trip(Access(ADDRESS, password)))
    assert not line.sent


def test_a_password_never_shows() -> None:
    line = talk(meter())
    line.run(trip(TRUSTED))
    sent = next(step for step in line.steps if isinstance(step, Send))
    assert "123456" not in repr(TRUSTED)
    assert repr(sent) == "Send()"
    with pytest.raises(Refused) as refused:
        line.run(trip(WRONG))
    assert "999999" not in repr(refused.value)


def test_a_scan_ends_where_something_garbles_whatever_is_asked() -> None:
    line = Talk(lambda heard, when: bytes(range(50, 80)), NOW)
    assert line.run(dlt645.scan(lambda progress: None)) == ()
    assert len(line.sent) < 50


def test_a_scan_ends_where_every_second_question_is_garbled() -> None:
    noise = cycle((bytes(range(50, 80)), b""))
    line = Talk(lambda heard, when: next(noise), NOW)
    assert line.run(dlt645.scan(lambda progress: None)) == ()
    assert len(line.sent) <= 3201


FULL = {
    "of one box": [202107000000 + n for n in range(32)],
    "of several": [202107000000 + 7919 * n for n in range(32)],
    "of two years": [year * 10**8 + 4000 + n for year in (2019, 2021) for n in range(16)],
}
"""Addresses of as many meters as RS-485 carries without repeaters."""


@pytest.mark.parametrize("of", FULL)
def test_a_line_full_of_meters_is_scanned(of: str) -> None:
    addresses = tuple(map(str, FULL[of]))
    assert talk(*map(meter, addresses)).run(dlt645.scan(nothing)) == addresses


def test_a_clock_is_set_by_broadcast_and_read_back() -> None:
    one = meter()
    one.state.clock_off = timedelta(minutes=-4)
    line = talk(one)
    done = line.run(dlt645.set_clock(METER, lambda: line.now))
    assert abs(done.before - (NOW - timedelta(minutes=4))) < timedelta(seconds=1)
    assert abs(done.after - line.now) <= timedelta(seconds=1)


def test_a_clock_that_is_far_off_is_not_touched() -> None:
    one = meter()
    one.state.clock_off = timedelta(minutes=6)
    line = talk(one)
    with pytest.raises(RequestError, match="clock_too_far"):
        line.run(dlt645.set_clock(METER, lambda: NOW))
    assert one.state.clock_off == timedelta(minutes=6)
    assert all(sent[4:12][1:7] != b"\x99" * 6 for sent in line.sent)


def test_the_date_is_read_again_where_midnight_may_have_come_between() -> None:
    midnight = datetime(2026, 6, 3)

    def respond(heard: bytes, _: datetime) -> bytes:
        return Bus([one], NOW).respond(heard, next(moments))

    one = meter()
    moments = iter([midnight - timedelta(seconds=1), midnight, midnight])
    assert Talk(respond, NOW).run(dlt645.clock(METER)) == midnight


def test_the_clock_of_an_old_meter() -> None:
    assert talk(old_meter()).run(dlt645.clock(OLD_METER)) == NOW


def test_a_freeze_can_be_read() -> None:
    one = meter()
    talk(one).run(dlt645.freeze(METER))
    telegram = talk(one).run(dlt645.read(METER, "05010001"))
    assert said(telegram) == {"05010001": NOW.replace(second=0)}


def test_a_demand_is_cleared() -> None:
    one = meter()
    (before,) = talk(one).run(dlt645.read(METER, "01010000")).readings
    talk(one).run(dlt645.clear_demand(SETTER))
    (after,) = talk(one).run(dlt645.read(METER, "01010000")).readings
    assert before.value
    assert (after.value, after.time) == (0, NOW.replace(second=0))


# --- commands as owners put them ---


def do(line: Talk, access: Access, *command: str, **more: str) -> Reply:
    request = LINKS["dlt645"].request
    assert request
    verb, parameter, value = (*command, "")[:3]
    match verb:
        case "get" | "set" | "action" | "send":
            return line.run(request(Command(verb, parameter, value, **more), access))
    raise ValueError(verb)


@pytest.mark.parametrize("parameter", ["1.8.0", "1-0:1.8.0", "00010000", "0x00010000"])
def test_a_register_is_got_by_its_code_or_its_identifier(parameter: str) -> None:
    one = meter()
    reply = do(talk(one), METER, "get", parameter)
    octets = bcd(one.home.at(NOW).energy_import // 10, 4)
    assert reply.parameter == "00010000"
    assert reply.data == octets
    assert reply.value == f"{Decimal(octets[::-1].hex()).scaleb(-2):f}"


def test_a_code_is_got_in_the_dialect_of_the_meter() -> None:
    assert do(talk(old_meter()), OLD_METER, "get", "1.8.0").parameter == "9010"


def test_a_parameter_is_set_and_read_back() -> None:
    line = talk(meter())
    reply = do(line, SETTER, "set", "04050101", "00012345", type="bcd")
    assert isinstance(reply.read_back, Reply)
    assert reply.read_back.value == "1.2345"
    assert do(line, SETTER, "set", "04000403", "58413", type="ascii").read_back
    assert do(line, SETTER, "set", "04000103", "0f").data == b"\x0f"


@pytest.mark.parametrize(
    ("kind", "value"), [("bcd", "123"), ("bcd", "12x4"), ("ascii", "\u20ac"), ("float", "1")]
)
def test_a_value_that_does_not_suit_its_type_is_not_sent(kind: str, value: str) -> None:
    line = talk(meter())
    with pytest.raises(RequestError):
        do(line, SETTER, "set", "04050101", value, type=kind)
    assert not line.sent


def test_a_parameter_that_cannot_be_read_back_was_set_all_the_same() -> None:
    one, quiet = Bus([meter()], NOW), b"\x11"

    def respond(heard: bytes, now: datetime) -> bytes:
        return b"" if heard[12:13] == quiet else one.respond(heard, now)

    reply = do(Talk(respond, NOW), SETTER, "set", "04050101", "00000005")
    assert isinstance(reply.read_back, NoAnswer)


def test_several_values_are_got_together() -> None:
    value = do(talk(meter()), METER, "get", "0201FF00").value
    assert str(value).startswith("1-0:32.7.0=")
    assert str(value).count(" V") == 3


def test_an_unknown_identifier_is_got_as_octets() -> None:
    one = meter()
    one.state.written["04FF0001"] = b"\x01\x02"
    reply = do(talk(one), METER, "get", "04FF0001")
    assert (reply.value, reply.data) == (None, b"\x01\x02")


def test_acts_have_names() -> None:
    one = meter()
    assert do(talk(one), TRUSTED, "action", "trip", UNTIL.isoformat()).value == "open"
    assert do(talk(one), TRUSTED, "action", "close", UNTIL.isoformat()).value == "closed"
    assert do(talk(one), SETTER, "action", "clear_demand").parameter == "clear_demand"
    assert do(talk(one), METER, "action", "freeze").parameter == "freeze"
    after = do(talk(one), METER, "action", "set_clock", NOW.isoformat()).value
    assert after == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    "command",
    [
        ("get", "99.99.99"),
        ("get", "no"),
        ("action", "explode"),
        ("action", "trip", "soon"),
        ("send", "", "00"),
        ("set", "04050101", "xx"),
        ("set", "04050101", "00" * 200),
    ],
)
def test_what_cannot_be_put_is_not_sent(command: tuple[str, ...]) -> None:
    line = talk(meter())
    with pytest.raises(RequestError):
        do(line, SETTER, *command)
    assert not line.sent


# --- history ---


def energies(readings: tuple[Reading, ...]) -> dict[str, Decimal | str | datetime]:
    return {str(reading.id): reading.value for reading in readings}


@pytest.mark.parametrize(
    ("ask", "count", "step"),
    [
        (dlt645.daily, 62, timedelta(days=1)),
        (dlt645.hourly, 254, timedelta(hours=1)),
    ],
)
def test_frozen_values_come_with_their_times(
    ask: Callable[[Access], Dialogue[dlt645.Past]], count: int, step: timedelta
) -> None:
    one = meter()
    past = talk(one).run(ask(METER))
    assert len(past) == count
    assert {b[0] - a[0] for a, b in pairwise(past)} == {step}
    for when, readings in past:
        now = one.home.at(when)
        values = energies(readings)
        assert values["1-0:1.8.0"] == Decimal(now.energy_import // 10).scaleb(-2)
        assert values["1-0:2.8.0"] == Decimal(now.energy_export // 10).scaleb(-2)
        assert {reading.time for reading in readings} == {when}


def test_as_many_frozen_values_as_are_wanted() -> None:
    past = talk(meter()).run(dlt645.daily(METER, 3))
    assert [when.day for when, _ in past] == [31, 1, 2]


def test_a_meter_that_froze_nothing_has_no_history() -> None:
    one = meter()
    one._registers.read = lambda di, when: None  # type: ignore[method-assign]
    assert talk(one).run(dlt645.daily(METER)) == []


def test_a_frozen_value_that_is_broken_costs_itself_only() -> None:
    one = meter()
    one.state.written["05060102"] = b"\x01"
    past = talk(one).run(dlt645.daily(METER, 3))
    assert [len(readings) for _, readings in past] == [10, 5, 10]


@pytest.mark.parametrize(
    ("octets", "latest"),
    [
        ("1802", datetime(2026, 6, 2, 18)),
        ("0003", datetime(2026, 5, 3)),
        ("9999", datetime(2026, 6, 1)),
    ],
)
def test_settlements_follow_the_day_that_is_set(octets: str, latest: datetime) -> None:
    one = meter()
    one.state.written["04000B01"] = bytes.fromhex(octets)
    ((when, _),) = talk(one).run(dlt645.monthly(METER, 1))
    assert when == latest


def test_settlements_bear_the_times_that_the_clock_tells() -> None:
    one = meter()
    past = talk(one).run(dlt645.monthly(METER))
    assert [when for when, _ in past] == [datetime(2026, 5, 1), datetime(2026, 6, 1)]
    for when, readings in past:
        energy = one.home.at(when).energy_import
        assert energies(readings)["1-0:1.8.0"] == Decimal(energy // 10).scaleb(-2)


def test_load_records_come_from_a_time_on() -> None:
    one = meter()
    since, until = NOW - timedelta(hours=5), NOW - timedelta(minutes=20)
    past = talk(one).run(dlt645.load_records(METER, since, until))
    assert len(past) == 18
    assert past[0][0] == datetime(2026, 6, 2, 13, 45)
    for when, readings in past:
        assert since <= when <= until
        values = energies(readings)
        assert values["1-0:1.8.0"] == Decimal(one.home.at(when).energy_import // 10).scaleb(-2)
        assert values["1-0:14.7.0"] == 50


def test_a_span_that_cannot_be_is_not_asked_for() -> None:
    with pytest.raises(RequestError):
        talk(meter()).run(dlt645.load_records(METER, NOW, NOW - timedelta(hours=1)))


# --- events ---


def counted(one: Meter2007, follower: Follower) -> list[Happening]:
    line = talk(one)
    readings = [
        reading
        for counter in ("03110000", "03010000", "03300D00")
        for reading in line.run(dlt645.read(METER, counter)).readings
    ]
    return line.run(dlt645.follow(METER, follower, readings))


def test_only_what_happens_later_is_told_and_only_once() -> None:
    one, follower = meter(), Follower()
    one.state.happened.append(Happened("1100", NOW - timedelta(days=1), NOW))
    assert counted(one, follower) == []
    one.state.happened += [
        Happened("1100", NOW, NOW + timedelta(minutes=5)),
        Happened("0102", NOW, noted=bytes(119)),
        Happened("300D", NOW, NOW, bytes(48)),
    ]
    assert counted(one, follower) == [
        Happening("03110000", NOW, NOW + timedelta(minutes=5)),
        Happening("03010200", NOW, None),
        Happening("03300D00", NOW, NOW),
    ]
    assert counted(one, follower) == []


def test_what_happened_while_nobody_asked_is_told_oldest_first() -> None:
    one, follower = meter(), Follower({"03110000": 1})
    times = [NOW + timedelta(hours=hour) for hour in range(4)]
    one.state.happened += [Happened("1100", time, time) for time in times]
    assert [told.begin for told in counted(one, follower)] == times[1:]


def test_a_count_that_cannot_be_followed_to_its_records_is_told_again() -> None:
    one, follower = meter(), Follower({"03110000": 0})
    one.state.happened.append(Happened("1100", NOW, NOW))
    readings = talk(one).run(dlt645.read(METER, "03110000")).readings
    with pytest.raises(NoAnswer):
        Talk(deaf, NOW).run(dlt645.follow(METER, follower, readings))
    assert len(counted(one, follower)) == 1


def test_an_event_without_a_record_is_told_without_its_time() -> None:
    follower = Follower({"03110000": 0})
    reading = Reading("03110000", Decimal(1))
    told = talk(meter()).run(dlt645.follow(METER, follower, [reading]))
    assert told == [Happening("03110000")]


# --- polls ---


def test_every_poll_is_read_or_refused_by_both_generations() -> None:
    polls = LINKS["dlt645"].polls
    assert polls
    for access, one in ((METER, meter()), (OLD_METER, old_meter())):
        heard = 0
        for poll in polls(access):
            try:
                heard += len(talk(one).run(poll.dialogue()).readings)
            except NoSuchData:
                continue
        assert heard > 10


def test_what_a_meter_has_not_in_a_block_is_polled_alone() -> None:
    polls = LINKS["dlt645"].polls
    assert polls
    blocks = [poll for poll in polls(METER) if poll.key == "0203FF00"]
    assert [poll.key for poll in blocks[0].instead] == ["02030000"]
    (reading,) = talk(meter()).run(blocks[0].instead[0].dialogue()).readings
    assert reading.id == ObisCode(1, 0, 16, 7, 0)


def test_a_broken_answer_is_an_error_of_the_tree() -> None:
    def respond(heard: bytes, now: datetime) -> bytes:
        return frame(ADDRESS, 0x91, bytes.fromhex("00010000")[::-1] + b"\x00")

    with pytest.raises(DecodeError, match="1 byte"):
        Talk(respond, NOW).run(dlt645.read(METER, "00010000"))
