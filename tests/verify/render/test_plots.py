"""Pictures: one for each kind of finding with arrays, drawn from the finding alone, whatever its numbers."""

from __future__ import annotations

import re
from typing import Any

import matplotlib
import pytest

from tests.verify.render import samples
from tests.verify.render.samples import agreement, bound, estimate, identity, matrix, trend
from verify.render.plots import has_picture, interval_strip, picture

FALLING = [10.0 ** (1 - step / 4) for step in range(40)]


def words_in(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_findings_without_arrays_have_no_picture() -> None:
    scalars = [identity(), bound(0.1, 0.2), agreement(1.0, 1.0, 0.1), samples.assumption(1.0), trend([1.0])]
    assert not any(has_picture(finding) for finding in [*scalars, estimate([0, 1], [0, 1])])
    assert all(has_picture(finding) for finding in [trend(), bound([1.0, 2.0], [2.0, 3.0])])


def test_trend_is_logarithmic_over_a_wide_range_and_shows_the_level_required() -> None:
    wide, narrow = picture(trend()), picture(trend([3.0, 2.0, 1.0], factor=2.0))
    assert {"10⁻⁷", "0.1", "must end below 10⁻⁵"} <= set(words_in(wide.svg))
    assert {"1", "2", "3", "must end below 1.5"} <= set(words_in(narrow.svg))
    assert (wide.x_label, wide.y_label) == ("training step", "gap Δ")


def test_bound_without_logarithm_shows_its_margin() -> None:
    drawn = picture(bound([-1.0, -0.1, -0.001], [0.0, 0.0, 0.0], x=[0, 1, 2]))
    assert {"margin: bound minus observed", "rounding error of the comparison"} <= set(words_in(drawn.svg))


def test_bound_against_x_shows_both_curves() -> None:
    drawn = picture(bound(FALLING, [2 * value for value in FALLING], x=list(range(40))))
    assert "observed (solid line) and bound (dashed line)" in words_in(drawn.svg)


def test_bound_of_many_entries_rings_the_tightest() -> None:
    drawn = picture(bound([1.0, 2.0], [3.0, 4.0], slack=2.0))
    assert {"ringed: the tightest, slack 2", "violated below the line"} <= set(words_in(drawn.svg))


def test_matrices_are_wide_and_have_heat_maps_with_their_difference() -> None:
    drawn = picture(agreement(matrix(4, 20), matrix(4, 20, 0.01), 0.1))
    assert drawn.wide
    assert drawn.svg.count("<image") >= 3
    assert "observed − predicted" in words_in(drawn.svg)
    assert not picture(agreement([1.0, 2.0], [1.0, 2.0], 0.1)).wide
    assert not picture(agreement(matrix(2, 20), matrix(2, 20), 0.1)).wide


def test_heat_maps_of_tall_matrices_are_turned() -> None:
    wide, tall = (picture(agreement(matrix(*shape), matrix(*shape, 0.01), 0.1)) for shape in ((4, 20), (20, 4)))
    assert [word for word in words_in(wide.svg) if word in ("row", "column")] == ["row", "column"]
    assert [word for word in words_in(tall.svg) if word in ("row", "column")] == ["column", "row"]


def test_differences_far_below_the_kept_digits_are_drawn_from_the_record() -> None:
    finding = agreement(matrix(5, 5), matrix(5, 5), 1e-13) | {"difference": matrix(5, 5, -2.0)}
    tiny = [[1e-15 * value for value in row] for row in finding["difference"]]
    drawn = picture(finding | {"difference": tiny})
    assert "|difference| / tolerance" in words_in(drawn.svg)
    assert "observed − predicted" in words_in(drawn.svg)
    assert drawn.notes == ()


@pytest.mark.parametrize(
    ("finding", "note"),
    [
        (trend([1.0, None, 0.1]), "1 of 3 points are not numbers"),
        (trend([None, None]), "2 of 2 points are not numbers"),
        (bound([1.0, None], [None, 2.0]), "2 of 2 points"),
        (bound([1.0, None], [2.0, 2.0], x=[0, 1]), "1 of 2 points"),
        (agreement(matrix(3, 3), [[None] * 3] * 3, 0.1), "9 of 9 points"),
        (agreement([1.0, None, 3.0], [1.0, 2.0, 3.0], 0.1), "1 of 3 points"),
    ],
)
def test_entries_that_are_not_numbers_are_left_out_and_counted(finding: dict[str, Any], note: str) -> None:
    drawn = picture(finding)
    assert any(note in said for said in drawn.notes)
    assert "nan" not in drawn.svg.lower().replace("dominant", "")


def test_thinned_arrays_are_said_to_be_thinned() -> None:
    drawn = picture(agreement([1.0, 2.0], [1.0, 2.0], 0.1, thinned=True, shape=[200, 170]))
    assert "keeps 2 of 34\u202f000 entries" in drawn.notes[0]


def test_only_failed_findings_mark_entries() -> None:
    """The digits of the record may put an entry of a passed finding on the wrong side."""
    passed, failed = (picture(bound([1.0, 3.0], [2.0, 2.0], verdict=verdict)) for verdict in ("pass", "fail"))
    assert "#c44e00" not in passed.svg.lower()
    assert "#c44e00" in failed.svg.lower()


@pytest.mark.parametrize(
    ("interval", "allowed"),
    [
        ([0.1, 0.2], [0.0, 0.05]),
        ([None, None], [0.0, 1.0]),
        ([1.0, 1.0], [1.0, 1.0]),
        ([0.0, 1.0], [0.5, None]),
        ([None, None], [None, None]),
    ],
)
def test_estimates_are_strips(interval: list[float | None], allowed: list[float | None]) -> None:
    assert "<svg" in interval_strip(estimate(interval, allowed)).svg


def test_many_points_stay_small() -> None:
    values = [index / 6000 for index in range(6000)]
    drawn = picture(agreement(values, values, 0.1))
    assert len(drawn.svg) < 60_000


def test_nothing_of_matplotlib_is_changed() -> None:
    before = dict(matplotlib.rcParams)
    picture(trend())
    assert dict(matplotlib.rcParams) == before


def test_a_bound_whose_entries_coincide_is_not_drawn() -> None:
    assert not has_picture(bound([6.0, 6.0, 6.0], [6.0, 6.0, 6.0]))
    assert has_picture(bound([6.0, 6.0, 5.0], [6.0, 6.0, 6.0]))
    assert has_picture(bound([6.0, 6.0], [6.0, 6.0], x=[0, 1]))
