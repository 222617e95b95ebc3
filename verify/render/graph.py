"""The picture of what a claim rests on: the claim on top, each statement above those that it builds on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from verify.render import canvas
from verify.render.alone import drawing
from verify.render.canvas import GREY, INK, VERMILION

WIDTH, ROW, BOX, GAP = 170.0, 15.0, (25.0, 8.5), 1.5  # millimetres: the sheet, a level, a statement's box, between two
LINE = 11.0  # millimetres from a statement to the next in the graph of the whole paper
LETTERS = 5.4  # points of type in which a letter, of about half its height, takes a millimetre

Graph = dict[str, tuple[str, ...]]


def foundation_graph(record: dict[str, Any]) -> str:
    """The graph as SVG."""
    below: Graph = {item["claim"]: tuple(item["builds_on"]) for item in record["foundations"]}
    below[record["claim"]] = tuple(record["builds_on"])
    verdicts = {item["claim"]: item["verdict"] for item in record["foundations"]}
    verdicts[record["claim"]] = record["verdict"]
    places = _places(below, record["claim"])
    height = ROW * (1 + max(level for _, level in places.values()))
    with drawing(canvas.STYLE):
        figure = canvas.sheet(WIDTH, height)
        axes = canvas.axes_at(figure, 0, 0, WIDTH, height)
        axes.set(xlim=(0, WIDTH), ylim=(-height + ROW / 2, ROW / 2))
        axes.set_axis_off()
        for upper, lowers in without_shortcuts(below).items():
            for lower in lowers:
                _line(axes, places[upper], places[lower])
        crowd = max(Counter(level for _, level in places.values()).values())
        width = min(BOX[0], WIDTH / crowd - GAP)
        for name, place in places.items():
            _box(axes, name, verdicts[name], place, width)
        return canvas.to_svg(figure)


def without_shortcuts(below: Graph) -> Graph:
    """The graph without the edges that a longer way implies (its transitive reduction)."""
    return {
        upper: tuple(
            lower for lower in lowers if not any(lower in _reach(below, other) for other in lowers if other != lower)
        )
        for upper, lowers in below.items()
    }


def _reach(below: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(below[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += below[name]
    return found


def _places(below: Graph, top: str) -> dict[str, tuple[float, int]]:
    """Each statement's middle across the sheet and its level: the longest way down from the top."""
    levels = {top: 0}
    waiting = [top]
    while waiting:
        upper = waiting.pop()
        for lower in below[upper]:
            if levels.get(lower, -1) < levels[upper] + 1:
                levels[lower] = levels[upper] + 1
                waiting.append(lower)
    rows: dict[int, list[str]] = {}
    for name in sorted(levels):
        rows.setdefault(levels[name], []).append(name)
    return {
        name: (WIDTH * (index + 0.5) / len(names), level)
        for level, names in rows.items()
        for index, name in enumerate(names)
    }


def _line(axes: Axes, upper: tuple[float, int], lower: tuple[float, int]) -> None:
    tops, bottoms = -upper[1] * ROW - BOX[1] / 2, -lower[1] * ROW + BOX[1] / 2
    axes.plot([upper[0], lower[0]], [tops, bottoms], color=GREY, linewidth=0.6, zorder=0)


def _box(axes: Axes, name: str, verdict: str, place: tuple[float, float], width: float) -> None:
    x, y = place[0], -place[1] * ROW
    edge = INK if verdict == "pass" else VERMILION
    corner = (x - width / 2, y - BOX[1] / 2)
    axes.add_patch(
        FancyBboxPatch(corner, width, BOX[1], boxstyle="round,pad=0,rounding_size=1", fc="white", ec=edge, lw=0.7)
    )
    axes.text(x, y + 1.4, name, ha="center", va="center", fontsize=min(8, LETTERS * width / len(name)))
    axes.text(x, y - 2.0, verdict, ha="center", va="center", fontsize=6.5, color=edge, style="italic")


def whole_graph(claims: Sequence[Mapping[str, Any]]) -> str | None:
    """What all claims of a paper rest on, as SVG: to the left what others rest on; None where nothing does."""
    known = {item["claim"] for item in claims}
    below: Graph = {item["claim"]: tuple(name for name in item["builds_on"] if name in known) for item in claims}
    linked = {name for upper, lowers in below.items() if lowers for name in (upper, *lowers)}
    below = {name: lowers for name, lowers in below.items() if name in linked}
    if not below:
        return None
    columns = _columns(below)
    verdicts = {item["claim"]: item["verdict"] for item in claims}
    height = LINE * max(map(len, columns))
    with drawing(canvas.STYLE):
        figure = canvas.sheet(WIDTH, height)
        axes = canvas.axes_at(figure, 0, 0, WIDTH, height)
        axes.set(xlim=(0, WIDTH), ylim=(-height, 0))
        axes.set_axis_off()
        width = min(BOX[0], WIDTH / len(columns) - 8)
        places = {
            name: ((width + 1) / 2 + column * (WIDTH - width - 1) / max(1, len(columns) - 1), height / len(names) * row)
            for column, names in enumerate(columns)
            for row, name in enumerate(names)
        }
        shift = {name: height / len(names) / 2 for names in columns for name in names}
        for upper, lowers in without_shortcuts(below).items():
            for lower in lowers:
                ends = [places[lower][0] + width / 2, places[upper][0] - width / 2]
                heights = [-places[lower][1] - shift[lower], -places[upper][1] - shift[upper]]
                axes.plot(ends, heights, color=GREY, linewidth=0.5, zorder=0)
        for name, (x, y) in places.items():
            _box(axes, name, verdicts[name], (x, (y + shift[name]) / ROW), width)
        return canvas.to_svg(figure)


def _columns(below: Graph) -> list[list[str]]:
    """The statements by level, the longest way down to one that rests on nothing; each near what it rests on."""
    levels: dict[str, int] = {}

    def level(name: str) -> int:
        if name not in levels:
            levels[name] = 1 + max(map(level, below[name]), default=-1)
        return levels[name]

    columns: list[list[str]] = [[] for _ in range(1 + max(map(level, below)))]
    for name in below:
        columns[levels[name]].append(name)
    heights = {name: (row + 0.5) / len(columns[0]) for row, name in enumerate(columns[0])}
    for names in columns[1:]:
        names.sort(key=lambda name: sum(heights[lower] for lower in below[name]) / len(below[name]))
        heights |= {name: (row + 0.5) / len(names) for row, name in enumerate(names)}
    return columns
