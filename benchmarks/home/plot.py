"""A plot of crowds as SVG, by hand: CPU of one core, and what the loop is busy at a stretch."""

from typing import Any, Final

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 560, 320, 60, 50, 40
_COLOURS: Final = ("#1565c0", "#c62828")
_GOAL: Final = 20.0  # ms


def draw(crowds: list[dict[str, Any]]) -> str:
    """Return the picture."""
    cpu = [(row["meters"], row["cpu_ms"] * row["meters"] / 10) for row in crowds]
    busy = [(row["meters"], row["busy_p99"]) for row in crowds]
    most = max(meters for meters, _ in cpu)
    highest = max(_GOAL, *(y for _, y in cpu + busy)) * 1.1
    parts = [*_frame(most, highest, [meters for meters, _ in cpu])]
    for number, (name, points) in enumerate(
        {"CPU of one core, %": cpu, "busy at a stretch, p99, ms": busy}.items()
    ):
        parts += _line(name, points, most, highest, number)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _at(x: float, y: float, most: float, highest: float) -> tuple[float, float]:
    wide, high = _WIDTH - _LEFT - 20, _HEIGHT - _BOTTOM - _TOP
    return round(_LEFT + wide * x / most, 1), round(_HEIGHT - _BOTTOM - high * y / highest, 1)


def _frame(most: float, highest: float, ticks: list[int]) -> list[str]:
    left, bottom = _at(0, 0, most, highest)
    right, top = _at(most, highest, most, highest)
    parts = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="black"/>',
        f'<text x="{right}" y="{bottom + 36}" text-anchor="end">meters at 1 Hz</text>',
    ]
    for tick in ticks:
        x, _ = _at(tick, 0, most, highest)
        parts.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{tick}</text>')
    for step in range(5):
        value = highest * step / 4
        _, y = _at(0, value, most, highest)
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{value:.0f}</text>')
    return parts


def _line(
    name: str, points: list[tuple[int, float]], most: float, highest: float, number: int
) -> list[str]:
    colour = _COLOURS[number]
    path = " ".join(f"{x},{y}" for x, y in (_at(*point, most, highest) for point in points))
    legend = f'x="{_LEFT + 20}" y="{_TOP - 16 + 16 * number}"'
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        f'<text {legend} fill="{colour}">{name}</text>',
    ]
