"""Read notifications that another package encoded, and compare what they say."""

from collections import Counter
import json
from pathlib import Path
import sys
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "custom_components" / "obis_meter"))

from metering.keys import Keys
from metering.links import LINKS
from metering.model import Telegram
from metering.security import Security
from metering.session import Session

LENGTH = 0x7FF  # of an HDLC frame, in its format field


def read(row: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return what the telegrams of a row say."""
    keys = Keys.parse(row["key"], row.get("auth_key")) if "key" in row else None
    session = Session(LINKS[row["link"]], Security(keys))
    chunks = map(bytes.fromhex, row["frames"])
    events = [event for chunk in chunks for event in session.feed(chunk)]
    telegrams = [event for event in [*events, *session.idle()] if isinstance(event, Telegram)]
    return {
        str(reading.id): (f"{reading.value:f}", reading.unit)
        for telegram in telegrams
        for reading in telegram.readings
    }


def is_malformed(row: dict[str, Any]) -> bool:
    """Tell whether an HDLC frame does not have the length that it says."""
    frames = [bytes.fromhex(text) for text in row["frames"]] if row["link"] == "hdlc" else []
    return any(int.from_bytes(frame[1:3], "big") & LENGTH != len(frame) - 2 for frame in frames)


def same(said: dict[str, tuple[str, str | None]], row: dict[str, Any]) -> bool:
    """Tell whether exactly what was encoded was read; numbers compare by value."""
    wanted = {name: (float(value), unit) for name, (value, unit) in row["expected"].items()}
    return {name: (float(value), unit) for name, (value, unit) in said.items()} == wanted


def main() -> int:
    """Print how many rows were read; fail where one was read otherwise."""
    counted = Counter[str]()
    for line in sys.stdin:
        row = json.loads(line)
        outcome = (
            "equal" if same(read(row), row) else "malformed" if is_malformed(row) else "unlike"
        )
        counted[outcome] += 1
        if outcome == "unlike":
            print("unlike:", {name: row[name] for name in ("link", "security", "suite", "blocks")})
    print(f"{counted.total()} notifications encoded by gurux_dlms: {counted['equal']} read equal,")
    print(f"{counted['malformed']} whose HDLC frame has another length than it says,")
    print(f"{counted['unlike']} unlike")
    return int(counted["unlike"] > 0 or not counted["equal"])


if __name__ == "__main__":
    sys.exit(main())
