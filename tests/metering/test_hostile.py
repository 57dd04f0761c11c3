"""The harness of scripts/fuzz finds what is planted, and costs grow with the bytes given."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from unittest.mock import ANY

import pytest

from benchmarks.fuzzing.cases import Case
from benchmarks.fuzzing.engine import Target, fuzz, once, smallest
from benchmarks.fuzzing.floods import PATTERNS, TWICE, Growth, cost
from benchmarks.fuzzing.gauge import Gauge
from benchmarks.fuzzing.listening import loses_check
from benchmarks.fuzzing.oracles import (
    BOUND,
    CHUNKING,
    EXCEPTION,
    INVENTED,
    LAYOUTS,
    WORK,
    Fault,
    not_invented,
    reference,
    same,
)
from benchmarks.fuzzing.seeds import seeds
from benchmarks.fuzzing.targets import TARGETS
from metering.cosem import Cursor

SEED = next(seed for seed in seeds() if seed.name == "aidon/0")


@pytest.fixture
def gauge() -> Iterator[Gauge]:
    with Gauge() as gauge:
        yield gauge


def planted(run: Callable[[Case], None]) -> Target:
    return replace(TARGETS["link:hdlc"], run=run)


def raises(case: Case) -> None:
    if SEED.data[:2] in case.data:
        raise IndexError


def never_ends(case: Case) -> None:
    cursor = Cursor(case.data)
    while True:
        cursor.starts_with(b"")


def invents(case: Case) -> None:
    other = next(seed for seed in seeds() if seed.name == "kaifa/0")
    not_invented(case.seed, case.data, reference(other))


def disagrees(case: Case) -> None:
    same(LAYOUTS, [case.data], [case.data[1:]])


PLANTED = {EXCEPTION: raises, WORK: never_ends, INVENTED: invents, LAYOUTS: disagrees}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_defect_is_found(kind: str, gauge: Gauge) -> None:
    finding, _ = once(planted(PLANTED[kind]), Case(SEED, SEED.data), gauge)
    assert finding
    assert finding.kind == kind
    assert kind != WORK or finding.where.endswith("Cursor.starts_with")


def test_a_failing_input_is_made_small(gauge: Gauge) -> None:
    target = planted(raises)
    finding, _ = once(target, Case(SEED, bytes(50) + SEED.data + bytes(50)), gauge)
    assert finding
    assert smallest(target, finding, gauge).case.data == SEED.data[:2]


@pytest.mark.parametrize("kind", [BOUND, CHUNKING])
def test_an_oracle_can_say_no(kind: str) -> None:
    with pytest.raises(Fault) as caught:
        same(kind, [1], [2])
    assert caught.value.kind == kind


def test_a_search_without_end_is_found(gauge: Gauge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metering.attempts.Search._end", lambda *_: None)
    finding, _ = once(TARGETS["search"], Case(SEED, b"\x55" * 40), gauge)
    assert finding
    assert finding.kind == WORK


def test_a_search_that_forgets_bytes_is_found(
    gauge: Gauge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "metering.evidence.Evidence.pause", lambda heard: setattr(heard, "count", 0)
    )
    finding, _ = once(TARGETS["search"], Case(SEED, b"\x55" * 40), gauge)
    assert finding
    assert finding.kind == BOUND


@pytest.mark.parametrize("name", ["iec-a/0", "p1-se-winter/0"])
def test_damage_whose_check_never_comes_is_found(
    name: str, gauge: Gauge, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = next(seed for seed in seeds() if seed.name == name)
    target, closing = TARGETS[f"link:{seed.link}"], b"!" if seed.link == "p1" else b"\x03"
    end = seed.data.rindex(closing) + 1
    digits = [at for at in range(end) if seed.data[at : at + 1].isdigit()][10:40]
    cases = [
        Case(seed, seed.data[:at] + bytes([seed.data[at] ^ 1]) + seed.data[at + 1 : end])
        for at in digits
    ]
    assert not any(once(target, case, gauge)[0] for case in cases)
    monkeypatch.setattr("metering.session._DOUBTS", 0)
    found = [finding for case in cases if (finding := once(target, case, gauge)[0])]
    assert {finding.kind for finding in found} == {INVENTED}


@pytest.mark.parametrize(
    ("name", "reckons"),
    [
        ("carried/kaifa/0", "metering.links.rfc1662.frame.crc16_x25"),
        ("iec-a/0", "metering.links.iec62056_21.frame.bcc"),
    ],
)
def test_a_link_whose_check_always_holds_is_found(
    name: str, reckons: str, gauge: Gauge, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = next(seed for seed in seeds() if seed.name == name)
    target, middle = TARGETS[f"link:{seed.link}"], len(seed.data) // 2
    cases = [
        Case(seed, seed.data[:at] + bytes([seed.data[at] ^ 1]) + seed.data[at + 1 :])
        for at in range(middle, middle + 40)
    ]
    assert not any(once(target, case, gauge)[0] for case in cases)
    monkeypatch.setattr(reckons, lambda _: ANY)
    found = [finding for case in cases if (finding := once(target, case, gauge)[0])]
    assert {finding.kind for finding in found} == {INVENTED}


@pytest.mark.parametrize(("name", "check"), [("iec-a/0", 1), ("p1/0", 6)])
def test_a_telegram_without_its_check_is_no_invention(name: str, check: int) -> None:
    """A silence came before the check: nobody can tell that it is wrong."""
    seed = next(seed for seed in seeds() if seed.name == name)
    assert seed.checked
    assert loses_check(seed.link, [[seed.data[:-check]], [seed.data[-check:]]])
    assert not loses_check(seed.link, [[seed.data[:-check], seed.data[-check:]]])


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_and_reaches_code(name: str, gauge: Gauge) -> None:
    result = fuzz(TARGETS[name], 40, 2, gauge)
    assert not result.findings
    assert result.executions == 40
    assert result.branches


def test_a_run_can_be_repeated(gauge: Gauge) -> None:
    target = TARGETS["link:mbus"]
    runs = []
    for _ in range(2):
        random, corpus = Random(5), list(target.seeds())
        runs.append([target.following(random.choice(corpus), random, corpus) for _ in range(50)])
    assert runs[0] == runs[1]
    token = runs[0][0].token(target.name)
    assert Case.parse(token, seeds()) == (target.name, runs[0][0])


GREEDY = (
    *("a list that does not end", "segments of 16 octets", "blocks in frames", "first blocks"),
    *(
        "messages of a module",
        "starts inside escapes",
        "first frames of M-Bus",
        "blocks of 1 octet",
    ),
)
"""Patterns that once took four times the work for twice the bytes."""


@pytest.mark.parametrize("pattern", GREEDY)
@pytest.mark.parametrize("link", ["hdlc", "mbus", "rfc1662", "sml", "apdu", "llc-apdu"])
def test_twice_the_bytes_cost_twice_the_work(pattern: str, link: str, gauge: Gauge) -> None:
    sizes = (4096, 8192)
    costs = tuple(cost(link, PATTERNS[pattern](size)[:size], gauge) for size in sizes)
    assert all(costs)
    assert Growth(pattern, link, sizes, costs).worst <= TWICE


def test_growth_tells_what_is_out_of_proportion() -> None:
    assert Growth("", "", (1000, 2000), (50_000, 200_000)).worst > TWICE
    assert Growth("", "", (1000, 2000), (50_000, 100_000)).worst <= TWICE
