"""The mutant exam: what is changed, how a mutant is judged, and that a small sample of the paper's is settled."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sympy as sp

from verify import UsageError, discovery
from verify.claim import Assumption, Bound, Claim, Identity, defect_of_subject
from verify.mutants.command import take_exam
from verify.mutants.exam import mutants_of
from verify.mutants.paper import HEADING, document, document_rows, kept_rows
from verify.mutants.report import Result, counts_of, figures, told_of, write_results
from verify.mutants.seats import answers
from verify.mutants.sitting import Exam, sit
from verify.mutants.variations import variations
from verify.prove import prove
from verify.prove.inequalities.system import Relation
from verify.prove.matrices.sampling import Equation

pytestmark = pytest.mark.whole

x, y = sp.symbols("x y", positive=True)
n, m = sp.symbols("n m", integer=True, positive=True)
X, S = sp.MatrixSymbol("X", m, n), sp.MatrixSymbol("S", n, n)
SOURCES = "0123456789abcdef"
DOCUMENT = Path(__file__).parents[2] / "docs" / "mutants.md"


def kinds(value: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for variation in variations(value):
        found.setdefault(variation.kind, []).append(variation.value)
    return found


def test_of_a_scalar_every_constant_exponent_and_sign_is_changed() -> None:
    found = kinds(3 * x**2 - sp.sqrt(y))
    assert {3 * x**2 * f - sp.sqrt(y) for f in map(sp.Rational, ("1/2", "2", "9/10", "11/10"))} <= {
        v for kind, values in found.items() if kind.startswith("constant") for v in values
    }
    assert {3 * x ** sp.Rational(5, 2) - sp.sqrt(y), 3 * x**2 - 1, 3 * x**2 - y} <= set(found["exponent"])
    assert {3 * x**2 + sp.sqrt(y), -3 * x**2 - sp.sqrt(y)} <= set(found["sign"])
    assert set(found["term dropped"]) == {3 * x**2, -sp.sqrt(y)}


def test_of_an_inequality_the_right_side_is_changed_and_the_sign_is_turned() -> None:
    found = kinds(Relation(x, 2 * y))
    assert found["≤ reversed"] == [Relation(2 * y, x)]
    assert Relation(x, y) in found["constant × 1/2"]
    assert "≤ reversed" not in kinds(Relation(x, 2 * y, equal=True))


def test_of_a_matrix_transposes_inverses_and_terms_are_changed_where_shapes_fit() -> None:
    found = kinds((X.T * X + S).I)
    assert (X.T * X + S.T).I in found["transpose"]
    assert found["inverse dropped"] == [X.T * X + S]
    assert {S.I, (X.T * X).I} == set(found["term dropped"])
    assert len(found["transpose"]) == 1  # X and Xᵀ do not fit in each other's place
    assert "transpose" not in kinds(2 * X)  # a matrix of another shape states nothing


def test_of_tables_and_premises_one_at_a_time_is_changed() -> None:
    premises = (Equation(X.T * X, S, "one"), Equation(S, S.T, "two"))
    assert kinds(premises) == {"hypothesis dropped": [(premises[1],), (premises[0],)]}
    assert sp.ImmutableMatrix([[x, 0], [2, y]]) in kinds(sp.Matrix([[x, 2], [0, y]]))["transpose"]
    assert (1, Fraction(9, 5)) in kinds((1, 2))["constant × 9/10"]
    assert kinds(0.5)["sign"] == [-0.5]


def test_a_version_that_reads_like_the_original_is_no_mutant() -> None:
    assert all(variation.value != 0 for variation in variations(0))
    assert not variations(0)


def test_what_cannot_be_varied_is_said() -> None:
    for value in ("text", True, object()):
        with pytest.raises(TypeError, match="no wrong versions are known"):
            variations(value)


# A toy claim in a module of its own: 1 ≤ STATED is what it says.
def toy(monkeypatch: pytest.MonkeyPatch, *checks: Callable[[ModuleType, Any], Iterator[Any]]) -> ModuleType:
    module = ModuleType("toys.toy")
    module.STATED = 2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toys", ModuleType("toys"))
    monkeypatch.setitem(sys.modules, "toys.toy", module)

    def bound(check: Callable[[ModuleType, Any], Iterator[Any]]) -> Any:
        def run(subject: Any) -> Iterator[Any]:
            """A check."""
            yield from check(module, subject)

        run.__name__ = check.__name__
        return run

    module.CLAIM = Claim(  # type: ignore[attr-defined]
        statement="", checks=tuple(map(bound, checks)), controls={}, stated=("STATED",)
    )
    return module


def measure_it(module: ModuleType, subject: Any) -> Iterator[Bound]:
    yield Bound(name="x", observed=1.0, bound=float(module.STATED), reason="toy")


def derive_it(module: ModuleType, subject: Any) -> Iterator[Identity]:
    name = "1 ≤ STATED"
    if module.STATED >= 2:  # toy reasoning, and a prover's seal on what it says
        yield prove(name, S * module.STATED, module.STATED * S)
    else:
        yield Identity(name=name, residual="1")


def examined(seconds: float = 60.0) -> dict[str, tuple[str, str]]:
    """What became of each mutant of the toy claim, by its kind."""
    first, *others = sit(Exam(package="toys", prepare=lambda: None, seconds=seconds), ["toy"])
    assert {row.result for row in first[1]} == {"open"}  # none was examined yet
    rows = [row for _, rows in others for row in rows]
    assert sorted(row.name for row in rows) == sorted(row.name for row in first[1])
    return {row.kind: (row.result, row.why) for row in rows}


def test_rejected_true_as_well_and_open_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    module = toy(monkeypatch, derive_it, measure_it)
    results = examined()
    assert results["constant × 2"] == ("true as well", "proved: 1 ≤ STATED")
    assert results["constant × 9/10"] == ("open", "1 ≤ STATED: not proved; what remains: 1")
    assert results["sign"][0] == "rejected"
    assert "violated" in results["sign"][1]
    assert module.STATED == 2  # each was planted in a process of its own


def test_what_every_check_passes_and_no_proof_speaks_of_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure_nothing(module: ModuleType, subject: Any) -> Iterator[Bound]:
        yield Bound(name="x", observed=1.0, bound=2.0, reason="toy")

    toy(monkeypatch, measure_nothing)
    assert {result for result, _ in examined().values()} == {"silent"}
    toy(monkeypatch, measure_it)
    assert examined()["constant × 2"][0] == "silent"


def test_time_errors_deaths_and_nan_leave_a_mutant_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure_badly(module: ModuleType, subject: Any) -> Iterator[Bound]:
        if module.STATED == 4:
            time.sleep(60)
        if module.STATED == 1:
            raise ValueError("no luck")
        if module.STATED == -2:
            os._exit(9)
        value = 1.0 if module.STATED == 2 else float("nan")
        yield Bound(name="x", observed=value, bound=2.0, reason="toy")

    toy(monkeypatch, measure_badly)
    results = examined(seconds=5.0)
    assert {result for result, _ in results.values()} == {"open"}
    assert results["constant × 2"][1] == "out of time after 5 s"
    assert results["constant × 1/2"][1].startswith("ValueError: no luck")
    assert "status 9" in results["sign"][1]
    assert "not a number" in results["constant × 9/10"][1]


def test_the_engines_counterexample_to_a_line_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    class UnsoundStepError(Exception):
        pass

    def derive_badly(module: ModuleType, subject: Any) -> Iterator[Identity]:
        if module.STATED != 2:
            raise UnsoundStepError("1 ≤ 0 is false at n = 2")
        yield prove("x", S, S)

    toy(monkeypatch, derive_badly)
    result, why = examined()["sign"]
    assert (result, "is false at n = 2" in why) == ("rejected", True)


def test_without_a_passing_original_every_mutant_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure_false(module: ModuleType, subject: Any) -> Iterator[Bound | Assumption]:
        yield Bound(name="x", observed=3.0, bound=float(module.STATED), reason="toy")

    toy(monkeypatch, measure_false)
    results = examined()
    assert {result for result, _ in results.values()} == {"open"}
    assert "it is fail" in results["sign"][1]


def test_a_mutant_that_cannot_be_planted_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    module = toy(monkeypatch, measure_it)

    @defect_of_subject
    def broken(subject: Any) -> Any:
        """A defect."""
        raise ValueError("no such subject")

    module.CLAIM = replace(module.CLAIM, stated=(), controls=dict(broken=broken), drops=("broken",))  # type: ignore[attr-defined]
    assert examined() == {"hypothesis dropped": ("open", "not planted: ValueError: no such subject")}


def test_an_original_that_takes_too_long_or_dies_leaves_its_mutants_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measure_for_ever(module: ModuleType, subject: Any) -> Iterator[Bound]:
        time.sleep(60)
        yield Bound(name="x", observed=1.0, bound=2.0, reason="toy")

    toy(monkeypatch, measure_for_ever)
    assert set(examined(seconds=0.1).values()) == {("open", "out of time after 0.5 s")}

    def measure_death(module: ModuleType, subject: Any) -> Iterator[Bound]:
        os._exit(9)
        yield

    toy(monkeypatch, measure_death)
    assert {why for _, why in examined().values()} == {"its process ended with status 9 before it had answered"}


def test_answers_come_from_two_processes_at_a_time() -> None:
    began = time.monotonic()
    found = dict(answers([lambda: (time.sleep(0.5), os.getpid())[1] for _ in range(2)], 30.0))
    assert time.monotonic() - began < 5
    assert len({*found.values(), os.getpid()}) == 3


def row(result: str = "open", **changed: Any) -> Result:
    given = {"claim": "toy", "constant": "C", "kind": "sign", "change": "−x", "mutant": "-x", "by": "derive_x"}
    return Result(**(given | {"result": result, "why": "too hard", "seconds": 0.1} | changed))


def test_a_report_tells_of_a_complete_exam_of_the_same_sources_only(tmp_path: Path) -> None:
    write_results(tmp_path, "abc", [row("rejected"), row("open", claim="other")], {"toy": 1, "other": 2})
    assert told_of(tmp_path, "abc", "toy") == "mutants rejected 1/1"
    assert told_of(tmp_path, "abc", "other") is None  # one of two was examined
    assert told_of(tmp_path, "abc", "third") is None
    assert told_of(tmp_path, "xyz", "toy") is None


def test_the_sentence_and_the_document_hold_the_figures() -> None:
    rows = [row("rejected"), row("true as well"), row()]
    assert figures(counts_of(rows)) == "mutants rejected 1/3, true as well 1, open 1"
    text = document(document_rows(rows, SOURCES), SOURCES)
    assert text.startswith(HEADING)
    assert "66.7 % rejected or true as well" in text
    assert f"| toy | 3 | 1 | 1 | 1 | 0 | {SOURCES[:12]} |" in text
    assert "- `toy` C, sign: `−x`: open (derive_x): too hard" in text
    text = document(document_rows([row("rejected")], SOURCES, {"toy": ["STATED_D"]}), SOURCES)
    assert "why\n\nNone.\n\n## Stated and not examined\n\n- `toy` STATED_D: not examined" in text
    assert document(kept_rows(text), SOURCES) == text
    assert document(document_rows([row("rejected")], SOURCES), SOURCES).endswith("None.\n")


def test_a_document_is_written_in_pieces_and_marks_what_was_measured_with_other_sources() -> None:
    first = document(document_rows([row(), row(claim="other")], SOURCES), SOURCES)
    assert document(kept_rows(first), SOURCES) == first
    second = document([*kept_rows(first), *document_rows([row("rejected")], "fedcba987654321")], "fedcba987654321")
    assert "| toy | 1 | 1 | 0 | 0 | 0 | fedcba987654 |" in second
    assert f"| other | 1 | 0 | 0 | 1 | 0 | {SOURCES[:12]}* |" in second
    assert "- `toy`" not in second
    assert "- `other` C, sign" in second
    assert document(kept_rows(second), "fedcba987654321") == second


def test_a_claim_without_mutants_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.mutants.command.sit", lambda exam, names: iter([(names[0], [])]))
    with pytest.raises(UsageError, match="has no mutants: its file names no stated results"):
        take_exam("theorems", ["assumption3"], tmp_path, None)


def test_a_claim_of_the_paper_is_examined_and_the_rest_is_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "verify", "mutants", "lemma9", "--output", str(tmp_path)]
    root = Path(__file__).parents[2]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False, timeout=120)

    first, second = run(), run()
    assert first.returncode == 0, first.stderr
    assert "about" in first.stderr  # progress with what is left
    results = json.loads((tmp_path / "mutants.json").read_text())["mutants"]
    assert len(results) > len(mutants_of("theorems", "lemma9")) >= 30
    assert {item["kind"] for item in results} >= {"hypothesis dropped", "quantifier widened", "exponent", "≤ reversed"}
    assert {item["result"] for item in results} <= {"rejected", "true as well"}
    assert all(item["by"] and item["why"] for item in results)
    assert f"{len(results)} of {len(results)} were examined before, with these sources" in second.stderr
    command[3:4] = []
    told = subprocess.run(
        [*command, "--preset", "quick", "--no-pdf", "--quiet"], capture_output=True, text=True, cwd=root, check=False
    )
    rejected = sum(item["result"] == "rejected" for item in results)
    assert f"mutants rejected {rejected}/{len(results)}, true as well {len(results) - rejected}" in told.stdout


def test_the_list_of_open_mutants_is_as_the_command_writes_it() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.startswith(HEADING)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    figures = {name: [int(number) for number in numbers] for name, *numbers, _ in rows[2:]}
    assert set(figures) <= {entry.id for entry in discovery.entries("theorems")}
    assert all(total == sum(parts) for total, *parts in figures.values())
    total, rejected, true, unsettled, silent = (sum(column) for column in zip(*figures.values(), strict=True))
    assert total >= 300
    assert silent == 0
    assert rejected + true >= 0.95 * total
    assert f"{total} mutants: mutants rejected {rejected}/{total}" in text
    listed = text.partition("## Open, and why")[2].partition("## Stated and not examined")[0]
    assert sum(line.startswith("- `") for line in listed.splitlines()) == unsettled
