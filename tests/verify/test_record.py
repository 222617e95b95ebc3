"""The record: strict JSON that hides nothing, written whole or not at all."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify import UsageError, record
from verify.claim import Agreement, Assumption, Bound, Claim, Estimate, Finding, Trend, defect_of_subject
from verify.discovery import Entry
from verify.prove.inequalities.scalar_identity import prove_scalars
from verify.provenance import provenance
from verify.record import DIGITS, KEPT, SCHEMA, as_json, make_record, read_record
from verify.runner import run

NAN, INF = float("nan"), float("inf")


def every_finding(spoiled: bool) -> list[Finding]:
    bad = NAN if spoiled else 0.5
    return [
        prove_scalars("i", 1, 1),
        Agreement(name="a", predicted=[1.0, bad], observed=1.0, tolerance=1.0, reason="r"),
        Bound(name="b", observed=[0.0, bad], bound=2.0, reason="r", x=[1, 2], x_label="step"),
        Bound(name="nothing", observed=[], bound=[], rounding=[], reason="r"),
        Trend(name="t", x=[0, 1], y=[100.0, bad], expected="falls", factor=10, reason="r"),
        Estimate(name="e", allowed=(-INF, 1.0), interval=lambda rate: (bad, bad), reason="r"),
        Assumption(name="s", margin=INF if spoiled else 1.0, meaning="m"),
    ]


def measure_everything(subject: Subject) -> Iterator[Finding]:
    """Everything is measured."""
    yield from every_finding(subject.spoiled)


def measure_broken(subject: Subject) -> Iterator[Finding]:
    """This one breaks."""
    yield from every_finding(False)[:1]
    raise RuntimeError("broken")


@defect_of_subject
def spoil(subject: Subject) -> Subject:
    """Numbers are spoiled."""
    return Subject(spoiled=True)


class Subject:
    def __init__(self, spoiled: bool) -> None:
        self.spoiled = spoiled

    def describe(self) -> dict[str, Any]:
        return {"N": 3, "tau": 0.1, "source": "test", "flag": True, "nothing": None}

    def quantities(self) -> dict[str, float]:
        return {"loss": 1 / 3, "gap": NAN if self.spoiled else 0.0, "f_max": np.float64(2.0)}

    def provenance(self) -> dict[str, Any]:
        return {"device": "cpu", "seed": 0}


def a_record(spoiled: bool = False) -> dict[str, Any]:
    claim = Claim(
        statement="\n x = 0 \n",
        checks=(measure_everything, measure_broken),
        controls=dict(spoil=spoil),
        assumptions=("s",),
    )
    entry = Entry(
        id="zero",
        place="Lemma 1",
        mark="T",
        title="zero",
        text="words",
        assumptions=("s",),
    )
    small = Subject(spoiled=False)
    outcome = run(claim, Subject(spoiled=spoiled), small)
    return make_record(entry, claim, outcome, Subject(spoiled=spoiled), small, command="replay me", wall=1.234567)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_record_survives_writing_and_reading(tmp_path: Path, spoiled: bool) -> None:
    made, path = a_record(spoiled), tmp_path / "zero.json"
    path.write_bytes(as_json(made))
    assert json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse) == made
    assert read_record(path) == made
    assert all(isinstance(leaf, str | int | float | bool | None) for leaf in leaves(made))
    assert all(math.isfinite(leaf) for leaf in leaves(made) if isinstance(leaf, float))


def test_the_stable_keys_are_there() -> None:
    made = a_record()
    assert {"schema", "claim", "verdict", "instance", "quantities", "evidence", "controls", "provenance"} <= set(made)
    assert (made["schema"], made["claim"], made["verdict"], made["statement"]) == (SCHEMA, "zero", "error", "x = 0")
    assert set(made["evidence"][0]) >= {"check", "grade", "sentence", "verdict", "seconds", "findings"}
    assert made["controls"][0] | {"caught_by": []} == {
        "name": "spoil",
        "sentence": "Numbers are spoiled. (not planted: no check is meant to catch it)",
        "verdict": "not rejected (error)",
        "caught_by": [],
        "missed_by": [],
    }
    assert made["instance"] == {"N": 3, "tau": 0.1, "source": "test", "flag": True, "nothing": None}
    assert made["quantities"] == {"loss": 1 / 3, "gap": 0.0, "f_max": 2.0}


def test_nan_and_inf_become_null_and_the_reading_says_so() -> None:
    made = a_record(spoiled=True)
    assert made["quantities"]["gap"] is None
    _, agreement, bound, _, trend, estimate, assumption = made["evidence"][0]["findings"]
    assert agreement["predicted"] == [1.0, None]
    assert "nan" in agreement["reading"]
    assert (bound["observed"], bound["verdict"]) == ([0.0, None], "undecided")
    assert bound["reading"].startswith("not a number")
    assert (trend["y"], trend["verdict"]) == ([100.0, None], "undecided")
    assert (estimate["interval"], estimate["allowed"], estimate["verdict"]) == ([None, None], [None, 1.0], "undecided")
    assert (assumption["margin"], assumption["verdict"]) == (None, "undecided")


def test_every_kind_of_finding_keeps_its_details() -> None:
    identity, agreement, bound, nothing, trend, estimate, assumption = a_record()["evidence"][0]["findings"]
    assert identity["derivation"][1] == {"expression": "= 1", "rule": "as stated"}
    assert (identity["kind"], identity["status"], identity["witness"]) == ("identity", "proved", None)
    assert agreement["predicted"] == [1.0, 0.5]
    assert agreement["observed"] == agreement["tolerance"] == [1.0, 1.0]  # broadcast to one shape
    assert (agreement["shape"], agreement["thinned"]) == ([2], False)
    assert (bound["x"], bound["bound"], bound["slack"]) == ([1.0, 2.0], [2.0, 2.0], 4.0)
    assert (nothing["verdict"], nothing["observed"], nothing["rounding"]) == ("undecided", [], 0.0)
    assert (trend["expected"], trend["factor"]) == ("falls", 10)
    assert estimate["interval"] == [0.5, 0.5]
    assert assumption["margin"] == 1.0


def test_an_error_is_recorded_with_what_came_before() -> None:
    broken = a_record()["evidence"][1]
    assert broken["verdict"] == "error"
    assert broken["error"].startswith("RuntimeError: broken")
    assert [finding["name"] for finding in broken["findings"]] == ["i"]


def thinned(finding: Finding) -> dict[str, Any]:
    details: dict[str, Any] = record.plain(record.finding_record(finding))
    return details


@pytest.mark.parametrize("size", [KEPT, KEPT + 1, 5 * KEPT + 3])
@given(data=st.data())
def test_thinning_keeps_the_worst_entry(size: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, size - 1))
    observed = np.zeros(size)
    observed[at] = data.draw(st.sampled_from([7.0, NAN, INF]))
    kept = thinned(Agreement(name="a", predicted=0.0, observed=observed, tolerance=1.0, reason="r"))
    assert len(kept["observed"]) == len(kept["predicted"]) <= KEPT + 1
    assert any(value is None or value == 7 for value in kept["observed"])
    assert (kept["shape"], kept["thinned"]) == ([size], size > KEPT)
    limits = np.ones(size)
    bound = thinned(Bound(name="b", observed=observed, bound=limits, reason="r", x=np.arange(size)))
    assert float(f"{at:.{DIGITS}g}") in bound["x"]


def test_thinning_is_even_and_keeps_rows_together() -> None:
    square = np.arange(200.0 * 100).reshape(200, 100)
    kept = thinned(Agreement(name="a", predicted=square, observed=square, tolerance=1.0, reason="r"))
    assert kept["shape"] == [200, 100]
    assert kept["predicted"] == kept["observed"] == list(np.arange(0, 20_000, 4.0))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_arrays_are_rounded_and_single_numbers_are_not(value: float) -> None:
    rounded = record.plain({"array": np.array([value]), "single": value})
    assert rounded["single"] == value
    # DIGITS significant digits: half a unit of the last one, relative to a leading digit of at least 1;
    # subnormal numbers are spaced more widely than that
    assert abs(rounded["array"][0] - value) <= 0.5 * 10.0 ** (1 - DIGITS) * abs(value) * (1 + 1e-9) + 5e-324


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(trees)
def test_the_layout_does_not_change_the_content(tree: Any) -> None:
    assert json.loads(record._dump(tree), parse_constant=refuse) == tree


def test_arrays_of_numbers_stay_on_one_line() -> None:
    assert record._dump({"y": [1.0, 2.0], "s": ["a"]}) == '{\n  "y": [1.0, 2.0],\n  "s": [\n    "a"\n  ]\n}'


def test_what_is_not_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        as_json({"gap": NAN})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not a JSON record; run the claim again"),
        (b"\xff\xfe", "is not a JSON record; run the claim again"),
        (b"[1, 2]", f"is not a record of schema {SCHEMA}; run the claim again"),
        (b"{}", f"is not a record of schema {SCHEMA}; run the claim again"),
        (b'{"schema": 0}', f"is not a record of schema {SCHEMA}; run the claim again"),
    ],
)
def test_an_unreadable_record_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "zero.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(f"{path} {message}")):
        read_record(path)


def test_a_missing_record_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere.json does not exist; run the claim first"):
        read_record(tmp_path / "nowhere.json")
    with pytest.raises(UsageError, match="is not a JSON record; run the claim again"):
        read_record(tmp_path)


def test_provenance_says_how_and_where() -> None:
    found = provenance("python -m verify zero", 1.234567)
    assert found["command"] == "python -m verify zero"
    assert found["wall_seconds"] == 1.23
    assert found["versions"]["numpy"] == np.__version__
    assert found["time"].endswith("+00:00")
    assert a_record()["provenance"]["device"] == "cpu"  # the subject adds its own


def test_without_git_or_a_package_provenance_says_null(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*arguments: Any, **options: Any) -> Any:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", absent)
    monkeypatch.setattr("verify.provenance.PACKAGES", ("no-such-package",))
    found = provenance("c", 0.0)
    assert (found["git_commit"], found["git_clean"], found["versions"]["no-such-package"]) == (None, None, None)
