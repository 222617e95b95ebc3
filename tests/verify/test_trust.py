"""The trust base names what a verdict rests on and the run does not check."""

from __future__ import annotations

from verify.claim import Argument, Bound, Grade, Step
from verify.evidence import Evidence
from verify.prove.inequalities.scalar_identity import prove_scalars
from verify.trust import BEHIND, trust_base


def evidence(check: str, grade: Grade, *findings: object) -> Evidence:
    return Evidence(check=check, grade=grade, sentence="x", findings=findings, seconds=0.0)  # type: ignore[arg-type]


def test_every_grade_source_and_foundation_has_its_line() -> None:
    argument = Argument(name="a", steps=(Step(expression="x", rule="y"),), source="Somebody 1999, Lemma 1")
    found = [
        evidence("measure_x", Grade.NUMERIC, Bound(name="b", observed=0.0, bound=1.0, reason="r")),
        evidence("derive_x", Grade.SYMBOLIC, prove_scalars("i", 1, 1)),
        evidence("derive_y", Grade.SYMBOLIC, prove_scalars("j", 1, 1)),
        evidence("argue_x", Grade.ARGUED, argument),
    ]
    assert trust_base(found, ["Other 2000"], ["ridge", "limit"]) == [
        f"{BEHIND[Grade.SYMBOLIC]}: derive_x, derive_y",
        f"{BEHIND[Grade.NUMERIC]}: measure_x",
        f"{BEHIND[Grade.ARGUED]}: argue_x",
        "believed, from the literature: Other 2000",
        "believed, from the literature: Somebody 1999, Lemma 1",
        "the statements it rests on, of each its proof only; run them for the rest: ridge, limit",
    ]
    assert trust_base([], [], []) == []
    assert trust_base([], [], [], {"iteration": 400, "sha256": "0af"}) == [
        "what this run did not see: training up to step 400, from the checkpoint with sha256 0af"
    ]
    assert set(BEHIND) == set(Grade)
