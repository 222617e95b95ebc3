"""Paper, axes and ink: what every picture is drawn with. Lengths are in millimetres on paper.

The SVG keeps text as text under the name of the template's font, so the report has one typeface and
stays searchable; the fonts that come with matplotlib only measure it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from verify.render.words import number, power_of_ten

Array = NDArray[np.float64]

FONT = "Libertinus Serif"  # the template's text font
BLUE, VERMILION, INK, GREY, SHADE = "#0072B2", "#C44E00", "#222222", "#6B6B6B", "#F5E6DC"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "verify",
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "font.size": 7.5,
    "path.simplify": False,
    "axes.linewidth": 0.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.titlesize": 7.5,
    "axes.titlepad": 3,
    "axes.labelpad": 1.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "text.parse_math": False,
}

LOG_RANGE = 30  # positive values that span more than this are drawn on a logarithmic axis
DOT_GRID = 500  # dots closer than 1/500 of an axis coincide in print and are drawn once
MANY_DECADES = 3  # beyond these the ticks between the powers of ten are left out
ROOM_FOR_WORDS = 0.15  # the share of the height of an axis that a line of words takes
DASHES = (0, (4, 2))
MILLIMETRES_PER_INCH = 25.4


def sheet(width: float, height: float) -> Figure:
    """An empty sheet of this size."""
    return Figure(figsize=(width / MILLIMETRES_PER_INCH, height / MILLIMETRES_PER_INCH))


def axes_at(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at this place of the sheet."""
    across, up = figure.get_size_inches() * MILLIMETRES_PER_INCH
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def to_svg(figure: Figure) -> str:
    """The sheet as SVG, the same bytes every time."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue().replace("STIXGeneral", FONT)


def logarithmic(*arrays: Array) -> bool:
    """Whether the values are positive and span so much that only a logarithmic axis shows them."""
    values = np.concatenate([np.ravel(array) for array in arrays])
    return bool(values.size and values.min() > 0 and values.max() > LOG_RANGE * values.min())


def scale(axes: Axes, which: Literal["x", "y"], values: Array, *, log: bool) -> None:
    """Limits with a little room around the values, and ticks that read as numbers."""
    if not values.size:
        values = np.array([0.1, 1.0])
        if which == "y":
            axes.text(0.5, 0.5, "no numbers to draw", transform=axes.transAxes, ha="center", style="italic")
    low, high = float(values.min()), float(values.max())
    if log:
        room = max((high / low) ** 0.06, 1.1)
        limits = (low / room, high * room)
    else:
        room = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
        limits = (low - room, high + room)
    setter: Callable[..., Any] = axes.set_xlim if which == "x" else axes.set_ylim
    if log:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    setter(*limits)
    ticks(axes, which, log=log)


def ticks(axes: Axes, which: Literal["x", "y"], *, log: bool) -> None:
    """Few ticks, labelled 0.1, 20 or 10⁻⁶."""
    axis, limits = (axes.xaxis, axes.get_xlim()) if which == "x" else (axes.yaxis, axes.get_ylim())
    if log:
        decades = math.log10(limits[1] / limits[0])
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 1.5 else (1.0,), numticks=6))
        axis.set_minor_formatter(NullFormatter())
        if decades > MANY_DECADES:
            axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: _decade(value)))
    else:
        axis.set_major_locator(MaxNLocator(5, min_n_ticks=3, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 4)))


def _decade(value: float) -> str:
    exponent = math.floor(math.log10(value) + 1e-9)
    return number(value) if -3 < exponent < 3 else power_of_ten(f"{value / 10.0**exponent:.0f}", exponent)


def line_of_equality(axes: Axes) -> None:
    """The line y = x across the axes."""
    axes.autoscale(False)
    ends = [min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])]
    axes.plot(ends, ends, color=GREY, linewidth=0.6, zorder=1)


def dots(axes: Axes, x: Array, y: Array, colour: str = BLUE) -> None:
    """One round dot per point, all in one path; points that coincide in print are drawn once.

    The limits of the axes must be final: the dots are placed as fractions of them.
    """
    place = axes.transAxes.inverted().transform(axes.transData.transform(np.column_stack([x, y])))
    place = np.unique(np.round(place[np.all(np.isfinite(place), axis=1)] * DOT_GRID), axis=0) / DOT_GRID
    if not len(place):
        return
    ends = np.repeat(place, 2, axis=0)
    ends[1::2, 0] += 1e-4  # a stroke of no length would leave no round cap in some viewers
    path = Path(ends, np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(place)))
    size = 2.2 if len(x) <= 400 else 1.4
    axes.add_patch(
        PathPatch(path, transform=axes.transAxes, fill=False, capstyle="round", edgecolor=colour, linewidth=size)
    )


def crosses(axes: Axes, x: Array, y: Array) -> None:
    """Vermilion crosses on the points that break their bound."""
    axes.plot(x, y, linestyle="", marker="x", markersize=3.5, markeredgewidth=0.8, color=VERMILION, zorder=5)


def ring(axes: Axes, x: float, y: float) -> None:
    """A ring around one point."""
    axes.plot([x], [y], marker="o", markersize=5.5, markeredgewidth=0.8, color=INK, fillstyle="none", zorder=6)


def level(axes: Axes, value: float, words: str, *, below: bool) -> None:
    """A dashed horizontal line with words at its left end, below or above it as far as there is room."""
    axes.axhline(value, color=VERMILION, linewidth=0.8, linestyle=DASHES)
    height = axes.transAxes.inverted().transform(axes.transData.transform((axes.get_xlim()[0], value)))[1]
    below = height > 1 - ROOM_FOR_WORDS or (below and height > ROOM_FOR_WORDS)
    axes.annotate(
        words,
        (0, value),
        xycoords=("axes fraction", "data"),
        xytext=(3, -2 if below else 1.5),
        textcoords="offset points",
        va="top" if below else "bottom",
        color=VERMILION,
        style="italic",
    )


def colour_range(values: Array, *, difference: bool = False) -> dict[str, Any]:
    """A colour-blind safe scale, symmetric around zero for differences and values of both signs; nan is grey."""
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if difference or low < 0 < high:
        most = max(-low, high) or 1.0
        return {"cmap": _palette("PuOr" if difference else "RdBu_r"), "vmin": -most, "vmax": most}
    return {"cmap": _palette("cividis"), "vmin": low, "vmax": high if high > low else low + (abs(low) or 1.0)}


def _palette(name: str) -> Colormap:
    return colormaps[name].with_extremes(bad="#BBBBBB")


SHORT_BAR = 30.0  # millimetres; on a shorter bar labels such as −2.5 × 10⁻⁷ have room at its two ends alone
NEAR_END = 0.25  # of a lying bar: labels of ticks so near to an end are set inwards, for beyond it they are cut off


def colour_bar(figure: Figure, image: ScalarMappable, place: tuple[float, float, float, float]) -> None:
    """The scale of a heat map, upright or lying according to the shape of its place."""
    axes = axes_at(figure, *place)
    upright = place[3] > place[2]
    short = place[3] < 10 if upright else place[2] < SHORT_BAR
    bar = figure.colorbar(image, cax=axes, orientation="vertical" if upright else "horizontal")
    bar.outline.set_linewidth(0.4)
    low, high = image.get_clim()
    ticks = [tick for tick in MaxNLocator(2 if short else 4).tick_values(low, high) if low <= tick <= high]
    ticks = [ticks[0], ticks[-1]] if short and len(ticks) > 2 else ticks
    bar.set_ticks(ticks, labels=[number(tick, 2) for tick in ticks])
    for tick, label in () if upright else zip(ticks, axes.get_xticklabels(), strict=True):
        share = (tick - low) / (high - low)
        label.set_horizontalalignment("left" if share < NEAR_END else "right" if share > 1 - NEAR_END else "center")
