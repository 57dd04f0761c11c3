"""Compare decoders and print a table; the last line is JSON: see scripts/bench."""

import argparse
import json
from pathlib import Path
import platform
import sys

from .comparisons import COMPARISONS, Comparison
from .environments import python, version
from .jobs import Job
from .streams import TELEGRAMS, Stream
from .timing import Speed, Worker, measure, one_core

_QUICK = (5, 0.05)  # rounds, and seconds in which each of them reads
_THOROUGH = (15, 0.3)
_ROW = "{:15} {:22} {:>10} {:>10} {:>9} {:>9} {:>7} {:>7}"
_HEADINGS = ("stream", "reader", "best/s", "median/s", "µs each", "readings", "ratio", "goal")
_OURS, _FLOOR = "obis_meter", "floor"


def _worker(path: Path, stream: Stream, module: str, way: str = "") -> Worker:
    said = tuple(telegram.hex() for telegram in stream.telegrams)
    return Worker(path, Job(module, way, stream.link, said, stream.key, stream.auth_key))


def compare(comparison: Comparison, rounds: int, seconds: float) -> dict[str, Speed]:
    """Return the speed of each by its name."""
    stream, own = comparison.stream(), Path(sys.executable)
    workers = {
        _OURS: _worker(own, stream, "ours"),
        **{
            str(peer): _worker(python(peer.package), stream, peer.module, peer.way)
            for peer in comparison.peers
        },
        _FLOOR: _worker(own, stream, "floor"),
    }
    return dict(zip(workers, measure(list(workers.values()), rounds, seconds), strict=True))


def ratios(comparison: Comparison, speeds: dict[str, Speed]) -> dict[str, float]:
    """Return how many telegrams we read in the time in which each peer reads one."""
    ours = speeds[_OURS]
    return {name: round(ours.over(speed), 2) for name, speed in speeds.items() if name != _OURS}


def show(comparison: Comparison, speeds: dict[str, Speed]) -> None:
    """Print a row for each reader; a ratio is ours to theirs, that of the floor too."""
    goals = {str(goal.peer): f"{goal.wanted:g}" for goal in comparison.goals}
    found = ratios(comparison, speeds)
    for name, speed in speeds.items():
        print(
            _ROW.format(
                comparison.name,
                name,
                f"{speed.best:.0f}",
                f"{speed.median:.0f}",
                f"{1e6 / speed.median:.1f}",
                f"{speed.readings:.1f}",
                found.get(name, ""),
                goals.get(name, ""),
            ).rstrip()
        )


def main() -> None:
    """Compare all, or those whose names hold a word."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--update", action="store_true", help="take the newest releases")
    parser.add_argument("--only", default="", metavar="WORD", help="streams with this in the name")
    options = parser.parse_args()
    chosen = [each for each in COMPARISONS if options.only.lower() in each.name.lower()]
    packages = dict.fromkeys(peer.package for each in chosen for peer in each.peers)
    for package in packages:
        python(package, update=options.update)
    releases = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {platform.machine()}; {releases}")
    print(f"{TELEGRAMS} telegrams a stream; telegrams per second of CPU time")
    print(_ROW.format(*_HEADINGS))
    one_core()
    told: dict[str, float] = {}
    for comparison in chosen:
        speeds = compare(comparison, *(_QUICK if options.quick else _THOROUGH))
        show(comparison, speeds)
        found = ratios(comparison, speeds)
        told |= {goal.ratio: found[str(goal.peer)] for goal in comparison.goals}
    print(json.dumps({"ratios": told}))


if __name__ == "__main__":
    main()
