"""The figures of scripts/load as tables in docs/performance.md, between marks."""

from typing import Any

_MARK = "<!-- load: {} -->\n"
_END = "<!-- end -->\n"
_ONE = (
    "Span between writes",
    "Reader",
    "best µs",
    "median µs",
    "entities",
    "state writes",
    "changes",
    "ratio",
)
_MANY = (
    *("Meters", "CPU ms", "lag p99", "busy p99", "longest", "missed", "RSS kB"),
    *("start s", "restart s", "fleet ms"),
)


def written(text: str, told: dict[str, Any]) -> str:
    """Return a document with its tables anew."""
    return _put(_put(text, "one", _one(told["versus"])), "many", _many(told["crowds"]))


def _put(text: str, name: str, table: str) -> str:
    head, _, rest = text.partition(_MARK.format(name))
    _, _, tail = rest.partition(_END)
    return head + _MARK.format(name) + table + _END + tail


def _one(versus: dict[str, Any]) -> str:
    rows = [_ONE, ("---",) * 2 + ("---:",) * (len(_ONE) - 2)]
    for setting, spans in versus.items():
        for span, both in spans.items():
            for who, name in (("ours", "obis_meter"), ("dsmr", "dsmr"), ("floor", "bytes, check")):
                row = both[who]
                ratio = f"{both['ratio']:.2f}" if who == "ours" else ""
                what = span if setting == "states" else f"{span}, recorder"
                numbers = (
                    f"{row['entities']:.0f}",
                    f"{row['writes']:.2f}",
                    f"{row['changes']:.2f}",
                )
                rows.append((what, name, str(row["best"]), f"{row['us']:.0f}", *numbers, ratio))
    return _table(rows)


def _many(crowds: list[dict[str, Any]]) -> str:
    rows = [_MANY, ("---:",) * len(_MANY)]
    for row in crowds:
        lags = (f"{row[name]:.1f}" for name in ("lag_p99", "busy_p99", "busy_max"))
        missed, fleet = f"{max(row['missed'], 0):.1f} %", f"{row['fleet_ms']:.2f}"
        starts = (f"{row[name]:.1f}" for name in ("start_s", "again_s"))
        kilobytes = f"{row['rss_kb']:.0f}"
        cpu = f"{row['cpu_ms']:.2f}"
        rows.append((str(row["meters"]), cpu, *lags, missed, kilobytes, *starts, fleet))
    return _table(rows)


def _table(rows: list[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
