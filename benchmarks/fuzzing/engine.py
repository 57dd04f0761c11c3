"""Runs one target: seeds first, then mutations, those kept that reach what none reached."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
import resource
from time import process_time
from traceback import extract_tb
from typing import Final

from .cases import Case, Next
from .gauge import Cost, Gauge, TooMuchWork
from .oracles import BOUND, EXCEPTION, WORK, Fault, asked

_LEAST: Final = 512  # bytes; shorter inputs are reckoned as this long
_KEPT: Final = 600  # inputs that mutations start from
_FIRST_SEEDS: Final = 400
_FAULTS: Final = 5  # of one target that are told in full
_TRIES: Final = 1500  # runs to make a failing input smaller
_GROWTH: Final = 96 * 1024  # KiB that a target may let the process grow by


type Verdict = Callable[[], None]
"""An oracle that asks the readers again, and is asked when what they did has been counted."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is fed: seeds gives the first cases, following makes more, run feeds one.

    run, or the verdict that it returns, raises Fault where an oracle says no; any other
    exception is one too. share is how many of a hundred thousand executions it gets; base
    and each are what an input may cost: that much, and that much more a byte.
    """

    name: str
    seeds: Callable[[], Sequence[Case]]
    run: Callable[[Case], Verdict | None]
    following: Next
    share: int
    base: int = 40_000
    each: int = 800


@dataclass(frozen=True, slots=True)
class Finding:
    """What an oracle said no to."""

    kind: str
    why: str
    where: str
    case: Case


@dataclass(slots=True)
class Result:
    """What came of a target; cost is the worst work per byte, and costliest what took it."""

    name: str
    executions: int = 0
    seconds: float = 0.0
    corpus: int = 0
    branches: int = 0
    cost: float = 0.0
    costliest: Case | None = None
    faults: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


def fuzz(target: Target, executions: int, seed: int, gauge: Gauge) -> Result:
    """Feed so many inputs; return what came of it."""
    random, began, result = Random(f"{seed} {target.name}"), process_time(), Result(target.name)
    first = list(target.seeds())
    random.shuffle(first)
    once(target, first[0], gauge)
    gauge.forget()
    size = _resident()  # what was imported by now is no growth
    corpus = first[:_FIRST_SEEDS]
    for number in range(executions):
        case = first[number] if number < len(first) else None
        case = case or target.following(random.choice(corpus), random, corpus)
        _execute(target, case, gauge, result, corpus)
        result.executions += 1
    result.seconds, result.corpus = process_time() - began, len(corpus)
    if (grown := _resident() - size) > _GROWTH:
        _note(result, Finding(BOUND, f"{grown} KiB more than before", target.name, first[0]))
    return result


def _execute(target: Target, case: Case, gauge: Gauge, result: Result, corpus: list[Case]) -> None:
    finding, cost = once(target, case, gauge)
    result.branches += cost.branches
    if finding:
        _note(result, finding)
        return
    per_byte = cost.work / max(len(case.data), _LEAST)
    if cost.branches or per_byte > result.cost:
        if len(corpus) >= _KEPT:
            corpus.pop(len(corpus) // 2)
        corpus.append(case)
    if per_byte > result.cost:
        result.cost, result.costliest = per_byte, case


def once(target: Target, case: Case, gauge: Gauge) -> tuple[Finding | None, Cost]:
    """Feed one input; return what an oracle said no to, and what it cost."""
    asked[EXCEPTION] += 1
    asked[WORK] += 1
    limit = target.base + target.each * len(case.data)
    try:
        with gauge.measured(limit):
            verdict = target.run(case)
        cost = gauge.cost
        if verdict:
            verdict()
    except Fault as fault:
        return Finding(fault.kind, str(fault), fault.kind, case), gauge.cost
    except TooMuchWork:
        cost, where = gauge.cost, gauge.place(lambda: target.run(case), limit)
        return Finding(WORK, f"{limit} for {len(case.data)} bytes", where, case), cost
    except Exception as err:
        return Finding(EXCEPTION, repr(err), _where(err), case), gauge.cost
    return None, cost


def _note(result: Result, finding: Finding) -> None:
    result.faults[finding.kind] += 1
    known = {(each.kind, each.where) for each in result.findings}
    if len(known) < _FAULTS and (finding.kind, finding.where) not in known:
        result.findings.append(finding)


def _where(err: BaseException) -> str:
    """Return the last place in an exception that is ours."""
    frames = [each for each in extract_tb(err.__traceback__) if "gauge" not in each.filename]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _resident() -> int:
    """Return the most memory the process has had, KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def smallest(target: Target, finding: Finding, gauge: Gauge) -> Finding:
    """Return the shortest case with the same fault that leaving pieces out leads to."""
    best, tries, size = finding, 0, max(1, len(finding.case.data) // 2)
    while size and tries < _TRIES:
        at, shorter = 0, False
        while at < len(best.case.data) and tries < _TRIES:
            data = best.case.data[:at] + best.case.data[at + size :]
            found, _ = once(target, replace(best.case, data=data), gauge)
            tries += 1
            if found and (found.kind, found.where) == (best.kind, best.where):
                best, shorter = found, True
            else:
                at += size
        size = size // 2 if not shorter or size > 1 else 1 if shorter else 0
    return best
