"""Pictures of findings, as SVG: chosen by the kind of a finding, never by the claim.

Words that come from the record (axis labels, names) are set by the template in the text font; here
are drawn the axes, the numbers and a few fixed words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from verify.render import canvas
from verify.render.alone import drawing
from verify.render.canvas import BLUE, DASHES, GREY, INK, SHADE, VERMILION, Array
from verify.render.words import number

Finding = dict[str, Any]
Place = tuple[float, float, float, float]

HALF, FULL = 83.0, 170.0  # widths of one and two columns, in millimetres
SINGLE_HEIGHT, SINGLE = 38.0, (13.0, 8.0, 66.0, 25.0)  # a picture with one pair of axes, and where they are
HEIGHT, BOTTOM, SIDE = 43.0, 8.0, 30.0  # a picture with several, which are this high
BINS_PER_DECADE = 6
SMALLEST_SHARE = 1e-6  # shares of a tolerance below this are counted in the lowest bin
BESIDE = 20.0  # millimetres beside long heat maps: the colour bar and labels such as −1.5 × 10⁻¹⁵
CELL_PIXELS = 8  # an entry of a heat map is a block of pixels, so that no viewer blurs it


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One drawing, and what the template has to say around it."""

    svg: str
    wide: bool = False
    x_label: str = ""
    y_label: str = ""
    notes: tuple[str, ...] = ()


def has_picture(finding: Finding) -> bool:
    """Whether a finding holds arrays to draw; a bound whose entries all coincide would be a single dot."""
    array = {"trend": "y", "bound": "observed", "agreement": "observed"}.get(finding["kind"])
    if array is None or int(np.size(finding[array])) < 2:
        return False
    if finding["kind"] == "bound" and finding.get("x") is None:
        return len(set(zip(np.ravel(finding["observed"]), np.ravel(finding["bound"]), strict=True))) > 1
    return True


def picture(finding: Finding) -> Picture:
    """The picture of a finding that has one."""
    draw = {"trend": _trend, "bound": _bound, "agreement": _agreement}[finding["kind"]]
    with drawing(canvas.STYLE):
        return draw(finding)


def interval_strip(finding: Finding) -> Picture:
    """An estimate's confidence interval against the values that the statement allows."""
    low, high = _ends(finding["interval"])
    lowest, highest = _ends(finding["allowed"])
    lowest, highest = lowest - (finding["resolution"] or 0.0), highest + (finding["resolution"] or 0.0)
    shown = [end for end in (low, high, lowest, highest) if math.isfinite(end)] or [0.0]
    room = 0.08 * (max(shown) - min(shown)) or 0.1 * abs(shown[0]) or 1.0
    left, right = min(shown) - room, max(shown) + room
    with drawing(canvas.STYLE):
        figure = canvas.sheet(80, 10)
        axes = canvas.axes_at(figure, 3, 4, 74, 6)
        axes.set(xlim=(left, right), ylim=(0, 1), yticks=[])
        canvas.ticks(axes, "x", log=False)
        axes.spines["left"].set_visible(False)
        axes.axvspan(max(lowest, left), min(highest, right), color="#CFE3F1", linewidth=0)
        axes.vlines([end for end in (lowest, highest) if math.isfinite(end)], 0, 1, color=BLUE, linewidth=0.8)
        if finding["interval"][0] is not None and finding["interval"][1] is not None:
            colour = VERMILION if finding["verdict"] == "fail" else INK
            axes.plot([low, high], [0.5, 0.5], color=colour, linewidth=2, solid_capstyle="butt")
            axes.vlines([low, high], 0.25, 0.75, color=colour, linewidth=0.8)
        return Picture(svg=canvas.to_svg(figure))


def _ends(interval: list[float | None]) -> tuple[float, float]:
    """The ends of an interval; null stands for an infinite one."""
    return tuple(  # type: ignore[return-value]  # two in, two out
        infinite if end is None else end for end, infinite in zip(interval, (-math.inf, math.inf), strict=True)
    )


def _trend(finding: Finding) -> Picture:
    (x, y), notes = _finite(finding, "x", "y")
    figure = canvas.sheet(HALF, SINGLE_HEIGHT)
    axes = canvas.axes_at(figure, *SINGLE)
    axes.plot(x, y, color=BLUE, linewidth=1.1, marker="o", markersize=1.4)
    first, falls, factor = finding["y"][0], finding["expected"] == "falls", finding["factor"]
    required = None if first is None else first / factor if falls else first * factor
    shown = y if required is None else np.append(y, required)
    canvas.scale(axes, "y", shown, log=canvas.logarithmic(shown))
    canvas.scale(axes, "x", x, log=False)
    if required is not None:
        canvas.level(axes, required, f"must end {'below' if falls else 'above'} {number(required)}", below=falls)
    return Picture(svg=canvas.to_svg(figure), x_label=finding["x_label"], y_label=finding["y_label"], notes=notes)


def _bound(finding: Finding) -> Picture:
    return _bound_scatter(finding) if finding.get("x") is None else _bound_curve(finding)


def _bound_curve(finding: Finding) -> Picture:
    """Observed and bound against x; where they have no logarithm, the margin between them if it has one."""
    (x, observed, bound, margin), notes = _finite(finding, "x", "observed", "bound", "margin")
    figure = canvas.sheet(HALF, SINGLE_HEIGHT)
    axes = canvas.axes_at(figure, *SINGLE)
    log = canvas.logarithmic(observed, bound)
    if not log and canvas.logarithmic(margin):
        title = "margin: bound minus observed"
        axes.plot(x, margin, color=BLUE, linewidth=1.1, marker="o", markersize=1.4)
        rounding = finding["rounding"] or None
        canvas.scale(axes, "y", margin if rounding is None else np.append(margin, rounding), log=True)
        if rounding is not None:
            canvas.level(axes, rounding, "rounding error of the comparison", below=True)
    else:
        title = "observed (solid line) and bound (dashed line)"
        axes.plot(x, bound, color=VERMILION, linewidth=1.1, linestyle=DASHES)
        axes.plot(x, observed, color=BLUE, linewidth=1.1)
        _mark(axes, finding, x, observed, observed > bound)
        canvas.scale(axes, "y", np.concatenate([observed, bound]), log=log)
    canvas.scale(axes, "x", x, log=False)
    axes.set_title(title, loc="left")
    return Picture(svg=canvas.to_svg(figure), x_label=finding["x_label"], notes=notes)


def _bound_scatter(finding: Finding) -> Picture:
    """Each entry's bound against its observed value; above the diagonal the bound holds."""
    (observed, bound), notes = _finite(finding, "observed", "bound")
    figure = canvas.sheet(HALF, SINGLE_HEIGHT)
    axes = canvas.axes_at(figure, *SINGLE)
    both = np.concatenate([observed, bound])
    log = bool(both.size and both.min() > 0)
    canvas.scale(axes, "x", observed, log=log)
    canvas.scale(axes, "y", both, log=log)
    canvas.line_of_equality(axes)
    ends, floor = np.array(axes.get_xlim()), axes.get_ylim()[0]
    axes.fill_between(ends, np.maximum(ends, floor), floor, color=SHADE, linewidth=0, zorder=0)
    axes.text(0.98, 0.04, "violated below the line", transform=axes.transAxes, ha="right", style="italic", color=GREY)
    canvas.dots(axes, observed, bound)
    _mark(axes, finding, observed, bound, observed > bound)
    if log and finding["slack"]:
        tight = int(np.argmin(bound / observed))
        canvas.ring(axes, observed[tight], bound[tight])
        axes.set_title(f"ringed: the tightest, slack {number(finding['slack'])}", loc="right")
    axes.set_title("bound", loc="left")
    axes.set_xlabel("observed")
    return Picture(svg=canvas.to_svg(figure), notes=notes)


def _agreement(finding: Finding) -> Picture:
    """Observed against predicted, the share of the tolerance that is used, and heat maps of matrices."""
    names = ("predicted", "observed", "difference")
    (predicted, observed, difference, tolerance), notes = _finite(finding, *names, "tolerance")
    panels = {name: np.asarray(finding[name], dtype=float) for name in names}
    mapped = panels["predicted"].ndim == 2 and min(panels["predicted"].shape) > 2 and not finding["thinned"]
    figure = canvas.sheet(FULL if mapped else HALF, HEIGHT)
    axes = canvas.axes_at(figure, 10, BOTTOM, SIDE, SIDE)
    both = np.concatenate([predicted, observed])
    canvas.scale(axes, "x", both, log=False)
    canvas.scale(axes, "y", both, log=False)
    canvas.line_of_equality(axes)
    canvas.dots(axes, predicted, observed)
    _mark(axes, finding, predicted, observed, np.abs(difference) > tolerance)
    axes.set_title("observed", loc="left")
    axes.set_xlabel("predicted")
    if predicted.size:
        share = np.abs(difference) / np.maximum(tolerance, np.finfo(float).tiny)
        if finding["verdict"] == "pass":  # known from full precision; the record's digits may blur it
            share = np.minimum(share, np.nextafter(1, 0))
        _shares(canvas.axes_at(figure, 52, BOTTOM, 28, SIDE), share)
    if mapped:
        _heat_maps(figure, panels, left=94.0)
    return Picture(svg=canvas.to_svg(figure), wide=mapped, notes=notes)


def _shares(axes: Axes, share: Array) -> None:
    """How many entries use which share of their tolerance; those beyond 1 break it."""
    typical = max(float(np.quantile(share, 0.02)), SMALLEST_SHARE)
    lowest, highest = min(-1, math.floor(math.log10(typical))), math.log10(max(3.0, 1.5 * float(share.max())))
    edges = 10.0 ** np.arange(lowest, highest + 1 / BINS_PER_DECADE, 1 / BINS_PER_DECADE)
    edges[np.argmin(np.abs(edges - 1))] = 1.0  # no bin straddles the tolerance
    counts, _ = np.histogram(np.maximum(share, edges[0]), edges)
    axes.set_xscale("log")
    axes.axvspan(1, edges[-1], color=SHADE, linewidth=0, zorder=0)
    axes.stairs(counts, edges, fill=True, color=BLUE)
    axes.axvline(1, color=VERMILION, linewidth=0.8, linestyle=DASHES)
    axes.set(xlim=edges[[0, -1]], ylim=(0, 1.1 * max(1, counts.max())))
    canvas.ticks(axes, "x", log=True)
    canvas.ticks(axes, "y", log=False)
    axes.set_title("number of entries", loc="left")
    axes.set_xlabel("|difference| / tolerance")


def _heat_maps(figure: Figure, panels: dict[str, Array], *, left: float) -> None:
    """Predicted, observed and their difference; the long side runs across."""
    shape = panels["predicted"].shape
    turned = shape[0] > shape[1]
    rows, columns = sorted(shape)
    shared = canvas.colour_range(np.concatenate([panels[name].ravel() for name in ("predicted", "observed")]))
    stacked = columns > 3 * rows
    places, bars = (_stacked if stacked else _side_by_side)(left, len(panels))
    for index, (name, matrix) in enumerate(panels.items()):
        colours = shared if index < 2 else canvas.colour_range(matrix.ravel(), difference=True)
        axes = canvas.axes_at(figure, *places[index])
        cells = np.ma.masked_invalid(matrix.T if turned else matrix)
        image = axes.imshow(
            np.repeat(np.repeat(cells, CELL_PIXELS, 0), CELL_PIXELS, 1),
            aspect="auto",
            interpolation="none",
            extent=(0.5, columns + 0.5, rows + 0.5, 0.5),
            **colours,
        )
        axes.set_title("observed − predicted" if name == "difference" else name, loc="left")
        lowest = places[index][1] == min(place[1] for place in places)
        axes.set(xticks=[1, columns] if lowest else [], yticks=[1, rows] if places[index][0] == left else [])
        axes.set_xlabel(("row" if turned else "column") if lowest else "", labelpad=-6.5)
        axes.set_ylabel(("column" if turned else "row") if index == 0 else "", labelpad=1 if stacked else -5)
        if index >= 1:
            canvas.colour_bar(figure, image, bars[index - 1])


def _stacked(left: float, count: int) -> tuple[list[Place], list[Place]]:
    """Long maps above one another: the first two share the colour bar that runs beside both."""
    width, height, pitch = FULL - left - BESIDE, 8.0, 11.5
    bottoms = [38.5 - height - pitch * index for index in range(count)]
    bars = [(left + width + 2, bottoms[1], 2.0, height + pitch), (left + width + 2, bottoms[-1], 2.0, height)]
    return [(left, bottom, width, height) for bottom in bottoms], bars


def _side_by_side(left: float, count: int) -> tuple[list[Place], list[Place]]:
    """Squarish maps in a row, the colour bars below: one for the first two, one for the difference."""
    size, pitch = 22.5, 25.5
    bars = [(left, 5.5, size + pitch, 2.0), (left + 2 * pitch, 5.5, size, 2.0)]
    return [(left + pitch * index, 15.5, size, size) for index in range(count)], bars


def _mark(axes: Axes, finding: Finding, x: Array, y: Array, broken: Any) -> None:
    """Crosses on the entries that broke a failed finding; a passed one has none, whatever the record's rounding."""
    if finding["verdict"] == "fail":
        canvas.crosses(axes, x[broken], y[broken])


def _finite(finding: Finding, *names: str) -> tuple[list[Array], tuple[str, ...]]:
    """The named arrays of a finding, flat, without the entries where one is not a number; and notes on the rest."""
    arrays = np.broadcast_arrays(*(np.asarray(finding[name], dtype=float) for name in names))
    flat = np.stack([array.ravel() for array in arrays])
    kept = np.all(np.isfinite(flat), axis=0)
    notes: tuple[str, ...] = ()
    if finding.get("thinned"):
        total = math.prod(finding["shape"])
        notes += (f"The record keeps {kept.size} of {number(total)} entries, evenly spread, with the worst one.",)
    if not np.all(kept):
        notes += (f"{np.count_nonzero(~kept)} of {kept.size} points are not numbers and are left out.",)
    return list(flat[:, kept]), notes
