"""How long it takes until a meter is found: meters down, countries across.

A port and the wire are models; time is computed, not waited for.
"""

from pathlib import Path
from statistics import median
import sys

sys.path.insert(0, str(Path(__file__).parents[1] / "custom_components" / "obis_meter"))

from metering.attempts import Patience, Search
from metering.chances import chances
from simulator.pusher import Pusher, listen, pusher

METERS = (
    *("aidon", "kamstrup", "kaifa-se", "kaifa-at", "e450-ch", "am550-at"),
    *("p1", "p1-lu-ciphered", "p1-v2", "sml"),
)
COUNTRIES = (None, "NO", "SE", "NL", "DE", "AT", "CH")
PATIENCE = Patience()
MOMENTS = 12  # between a telegram and the third after it, at which the owner begins


def seconds(sent: Pusher, country: str | None) -> list[float]:
    """Return how long it took until a telegram was understood, from each moment."""
    taken = []
    for moment in range(2 * MOMENTS):
        since = (moment // 2) * 3 * sent.every / MOMENTS
        search = Search(chances(country), PATIENCE, since)
        listen(sent, search, since, PATIENCE.gap, eager=moment % 2 == 1)
        found = search.link is not None or search.locked is not None
        taken.append(search.understood - since if found else float("inf"))
    return taken


def main() -> None:
    """Print the table: the median, and the longest."""
    print("| Meter | " + " | ".join(country or "unknown" for country in COUNTRIES) + " |")
    print("|---" * (1 + len(COUNTRIES)) + "|")
    for name in METERS:
        sent = pusher(name)
        cells = []
        for country in COUNTRIES:
            taken = seconds(sent, country)
            cells.append(f"{median(taken):.0f} ({max(taken):.0f})")
        row = f"{name}, {sent.line}, every {sent.every:g} s"
        print(f"| {row} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
