"""What one meter and many cost Home Assistant, beside core's dsmr: see scripts/load.

Prints tables, with --update writes them and the plot into docs/ too, and ends with a line of JSON.
"""

import argparse
import json
import os
from pathlib import Path
from statistics import median
import subprocess
import sys
from typing import Any

from ..environments import ROOT, made
from .plot import draw
from .tables import written

_WITH_DSMR = (
    "pytest-homeassistant-custom-component==0.13.375",
    "serialx==1.11.0",
    "aiousbwatcher==1.1.2",
    "dsmr-parser==1.11.1",  # the pin of core's dsmr
)
_CROWDS, _FEW = (10, 100, 500), (10, 50)
_SECONDS, _TRACED = 30, 60  # how long a crowd is looked at; meters whose memory is traced
_ROUNDS = 3
_ROW = "{:28} {:6} {:>9} {:>10} {:>8} {:>13} {:>14} {:>6}"
_HEADINGS = (
    *("span", "reader", "best µs", "median µs", "entities"),
    *("state writes", "state changes", "ratio"),
)
_CROWD_ROW = "{:>7} {:>9}" + 3 * " {:>9}" + 2 * " {:>10}" + " {:>8}" + 2 * " {:>9}" + 3 * " {:>8}"
_CROWD_HEADINGS = (
    *("meters", "cpu ms", "lag p50", "lag p99", "lag max", "busy p99", "busy max"),
    *("RSS kB", "start s", "again s", "missed %", "fleet ms", "late ms"),
)
_CROWD_FIGURES = (
    *("lag_p50", "lag_p99", "lag_max", "busy_p99", "busy_max"),
    *("rss_kb", "start_s", "again_s", "missed", "fleet_ms", "fleet_late"),
)
type Found = dict[str, Any]


def _run(python: Path, module: str, *arguments: str) -> Found:
    command = [str(python), "-m", f"benchmarks.home.{module}", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True, text=True)
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def _versus(rounds: int, recorder: bool) -> Found:
    """Return figures of ours and core's dsmr for each span between writes, and their ratios."""
    taken = _run(
        made("dsmr", *_WITH_DSMR), "versus", str(rounds), *(["recorder"] if recorder else [])
    )
    result: Found = {}
    for span, both in taken.items():
        ours, theirs = both["ours"], both["dsmr"]
        pairs = zip(ours, theirs, strict=True)
        result[span] = {
            **{who: _summary(rounds) for who, rounds in both.items()},
            "ratio": round(median(a["us"] / b["us"] for a, b in pairs), 2),
        }
    return result


def _summary(rounds: list[Found]) -> Found:
    return {
        "best": round(min(each["us"] for each in rounds)),
        **{name: round(median(each[name] for each in rounds), 2) for name in rounds[0]},
    }


def _show_versus(found: Found, recorder: bool) -> None:
    print(f"\none DSMR 5 meter, recorder {'on' if recorder else 'off'}; per telegram")
    print(_ROW.format(*_HEADINGS))
    for span, both in found.items():
        for who in ("ours", "dsmr", "floor"):
            row = both[who]
            ratio = both["ratio"] if who == "ours" else ""
            numbers = (row["best"], round(row["us"]), round(row["entities"]))
            print(_ROW.format(span, who, *numbers, row["writes"], row["changes"], ratio))


def _show_crowd(row: Found) -> None:
    numbers = [f"{row[name]:.1f}" for name in _CROWD_FIGURES]
    print(_CROWD_ROW.format(row["meters"], f"{row['cpu_ms']:.2f}", *numbers), flush=True)


def _update(told: Found) -> None:
    docs = ROOT / "docs"
    (docs / "images" / "load.svg").write_text(draw(told["crowds"]))
    text = (docs / "performance.md").read_text()
    (docs / "performance.md").write_text(written(text, told))


def main() -> None:
    """Measure one meter beside core's dsmr, then crowds, then memory."""
    parser = argparse.ArgumentParser(prog="scripts/load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller crowds")
    parser.add_argument("--update", action="store_true", help="write tables and plot into docs/")
    options = parser.parse_args()
    rounds, crowds = (2, _FEW) if options.quick else (_ROUNDS, _CROWDS)
    told: Found = {"versus": {}, "crowds": []}
    for recorder in (False,) if options.quick else (False, True):
        found = told["versus"]["recorder" if recorder else "states"] = _versus(rounds, recorder)
        _show_versus(found, recorder)
    print("\nDSMR 5 meters at 1 Hz; CPU per meter and second, lags and CPU at a stretch in ms,")
    print("RSS per meter beyond the first, CPU s to set all up: first, and after a restart")
    print(_CROWD_ROW.format(*_CROWD_HEADINGS))
    for count in crowds:
        told["crowds"].append(_run(Path(sys.executable), "crowd", str(count), str(_SECONDS)))
        _show_crowd(told["crowds"][-1])
    told["memory"] = _run(Path(sys.executable), "crowd", str(_TRACED), "0", "traced")["of_whom"]
    print(f"\ntraced memory per meter, kB: {told['memory']}")
    if options.update:
        _update(told)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
