"""Feed every reader of bytes with hostile input; see docs/reliability.md.

The last line is JSON: executions, executions a second, faults by kind, worst cost a byte.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
import json
from pathlib import Path
import sys
from time import process_time
from typing import Final

from .fuzzing.cases import Case
from .fuzzing.engine import Finding, Result, Target, fuzz, once, smallest
from .fuzzing.floods import TWICE, growths
from .fuzzing.gauge import Gauge
from .fuzzing.oracles import CHANCE, KINDS, WORK, asked
from .fuzzing.targets import TARGETS

_SHORT: Final = 40_000
FLOOD: Final = "floods"
_LONG: Final = 10_000_000
_ROUND: Final = 250_000  # executions over all targets, before each is fed anew
_FOLDER: Final = Path(__file__).parents[1] / ".fuzz"
_ROW: Final = "{:18} {:>10} {:>8} {:>7} {:>9} {:>10} {:>7}"
_HEADINGS: Final = ("target", "executions", "a second", "corpus", "branches", "cost/byte", "faults")


def main() -> int:
    """Feed all targets, or those named; 1 where an oracle said no."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"of {', '.join((*TARGETS, FLOOD))}"
    )
    parser.add_argument("--long", action="store_true", help=f"{_LONG:,} executions over all")
    parser.add_argument("--executions", type=int, metavar="N", help="so many over all targets")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another run of the dice")
    parser.add_argument("--repeat", metavar="FILE", type=Path, help="feed one failing input again")
    options = parser.parse_args()
    if unknown := [name for name in options.targets if name not in (*TARGETS, FLOOD)]:
        parser.error(f"no target is called {unknown[0]}")
    with Gauge() as gauge:
        if options.repeat:
            return repeat(options.repeat, gauge)
        chosen = [TARGETS[name] for name in options.targets or TARGETS if name != FLOOD]
        executions = options.executions or (_LONG if options.long else _SHORT)
        with_floods = not options.targets or FLOOD in options.targets
        return run(chosen, executions, options.seed, gauge, with_floods=with_floods)


def run(
    targets: Sequence[Target], executions: int, seed: int, gauge: Gauge, *, with_floods: bool
) -> int:
    """Feed targets in turn, each its share, and floods; print what came of it."""
    print(_ROW.format(*_HEADINGS), flush=True)
    shares, results = sum(target.share for target in targets), list[Result]()
    rounds = max(1, executions // _ROUND)
    for number in range(rounds):
        for target in targets:
            count = max(1, executions * target.share // shares // rounds)
            results.append(_feed(target, count, seed + number, gauge))
        print(f"round {number + 1} of {rounds}: {json.dumps(summary(results))}", flush=True)
    if with_floods:
        results.append(_flood(gauge))
    for kind, law in KINDS.items():
        found = sum(result.faults[kind] for result in results)
        print(f"{kind:10} asked {asked[kind]:>10,}  said no {found:>5}   {law}")
    print(f"{asked[CHANCE]} {CHANCE}")
    print(json.dumps(summary(results)))
    return int(any(result.faults for result in results))


def _feed(target: Target, executions: int, seed: int, gauge: Gauge) -> Result:
    result = fuzz(target, executions, seed, gauge)
    _print(result)
    for finding in result.findings:
        _tell(target, smallest(target, finding, gauge))
    return result


def _flood(gauge: Gauge) -> Result:
    """Measure what twice as much of the worst patterns costs."""
    result, began = Result(FLOOD), process_time()
    for growth in growths(gauge):
        result.executions += len(growth.costs)
        result.cost = max(result.cost, growth.per_byte)
        asked[WORK] += 1
        if growth.worst > TWICE:
            result.faults[WORK] += 1
            print(f"FAULT work: {growth.pattern} on {growth.link}: {growth.costs}")
    result.seconds = process_time() - began
    _print(result)
    return result


def _print(result: Result) -> None:
    print(
        _ROW.format(
            result.name,
            result.executions,
            f"{result.executions / max(result.seconds, 1e-9):.0f}",
            result.corpus,
            result.branches,
            f"{result.cost:.0f}",
            sum(result.faults.values()),
        ),
        flush=True,
    )


def _tell(target: Target, finding: Finding) -> None:
    """Print a fault, and keep what leads to it."""
    _FOLDER.mkdir(exist_ok=True)
    token = finding.case.token(target.name)
    path = (
        _FOLDER / f"{target.name.replace(':', '-')}-{finding.kind}-{hash(token) & 0xFFFF:04x}.json"
    )
    path.write_text(f"{token}\n")
    print(
        f"FAULT {finding.kind}: {finding.why}\n  at {finding.where}, seed {finding.case.seed.name}"
    )
    print(f"  {finding.case.data.hex()}")
    print(f"  again: scripts/fuzz --repeat {path.relative_to(_FOLDER.parent)}", flush=True)


def repeat(path: Path, gauge: Gauge) -> int:
    """Feed the input of a file again, and tell what it does."""
    token = path.read_text()
    target = TARGETS[json.loads(token)["target"]]
    _, case = Case.parse(token, [case.seed for case in target.seeds()])
    finding, cost = once(target, case, gauge)
    print(f"{cost.work} for {len(case.data)} bytes")
    print(f"FAULT {finding.kind}: {finding.why} at {finding.where}" if finding else "no fault")
    return int(finding is not None)


def summary(results: Sequence[Result]) -> dict[str, object]:
    """Return the figures of a run."""
    seconds = sum(result.seconds for result in results)
    executions = Counter[str]()
    for result in results:
        executions[result.name] += result.executions
    return {
        "executions": executions,
        "total": executions.total(),
        "per_second": round(executions.total() / max(seconds, 1e-9)),
        "faults": {kind: sum(result.faults[kind] for result in results) for kind in KINDS},
        "cost_per_byte": max(round(result.cost, 1) for result in results),
    }


if __name__ == "__main__":
    sys.exit(main())
