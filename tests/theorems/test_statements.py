"""What holds for every statement file: it passes quickly, its controls fail, and its defects are caught."""

import json

import pytest

from tests.theorems.conftest import ENTRIES, claim_of, for_each, quick_outcome
from tests.theorems.freeze import FROZEN, fingerprints
from tests.theorems.sentences import unnamed
from theorems.setting.experiment import Experiment
from verify.claim import Verdict, grade_of
from verify.discovery import foundations
from verify.finding import OnInstance

# What the paper asserts and is false, each with the claims that correct it. Nowhere else does anything know of this:
# such a claim's verdict is fail, and the exit status of a run with it 1.
REFUTED = {
    "best_as_stated": ("best", "best_slope", "best_isotropic"),
    "heads_tradeoff": ("heads_rate",),
    "remark_m_vs_n": ("risk_falls", "remark_choice"),
}


@for_each(*ENTRIES.keys() - REFUTED.keys())
def test_the_quick_run_passes_and_every_control_is_rejected(name: str) -> None:
    outcome = quick_outcome(name)
    assert [item.error for item in outcome.evidence if item.error] == []
    troubles = [
        f"{item.check}: {finding.name}: {finding.reading}"
        for item in outcome.evidence
        for finding in item.findings
        if finding.verdict is not Verdict.PASS
    ]
    assert troubles == []
    assert [control.name for control in outcome.controls if not control.rejected] == []
    assert outcome.verdict is Verdict.PASS


@for_each(*REFUTED)
def test_what_is_false_fails_with_a_witness_and_its_correction_is_a_claim(name: str) -> None:
    outcome = quick_outcome(name)
    assert outcome.verdict is Verdict.FAIL
    assert [item.error for item in outcome.evidence if item.error] == []
    assert [finding for item in outcome.evidence for finding in item.findings if getattr(finding, "witness", None)]
    assert [control.name for control in outcome.controls if not control.rejected] == []
    assert ENTRIES[name].mark.startswith("T"), "the paper says it"
    assert all(claim in ENTRIES and claim not in REFUTED for claim in REFUTED[name])


def test_nothing_rests_on_what_is_refuted() -> None:
    assert not [name for name in ENTRIES if {entry.id for entry in foundations("theorems", name)} & set(REFUTED)]


@for_each(*ENTRIES)
def test_some_comparison_is_on_the_instance_asked_for(name: str) -> None:
    """On the quick instance no claim lives by evidence from elsewhere."""
    assert not [text for _, text in quick_outcome(name).reasons if "nothing was compared on this instance" in text]


@for_each(*ENTRIES)
def test_every_number_in_a_sentence_is_named(name: str, quick: Experiment) -> None:
    """It is among the finding's own data or its named quantities; settings and constants of the method aside."""
    header = {**vars(quick.parameters), **quick.describe()}
    found = [
        f"{item.check}: {finding.name}: {', '.join(numbers)}"
        for item in quick_outcome(name).evidence
        for finding in item.findings
        if isinstance(finding, OnInstance) and (numbers := unnamed(finding, header))
    ]
    assert found == []


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_listing_tells_what_the_claim_holds(name: str) -> None:
    claim, entry = claim_of(name), ENTRIES[name]
    assert [part.name for part in entry.checks] == [check.__name__ for check in claim.checks]
    assert [part.grade for part in entry.checks] == [str(grade_of(check)) for check in claim.checks]
    assert [part.name for part in entry.controls] == list(claim.controls)
    assert all(part.sentence.endswith(".") for part in (*entry.checks, *entry.controls))
    assert len(claim.controls) >= 3, "a claim is planted with three defects or more"
    assert "Wrong if" in entry.text or "wrong if" in entry.text.lower()


def test_no_statement_has_drifted() -> None:
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    changed = {name for name, mark in fingerprints().items() if frozen.get(name) != mark} | (set(frozen) - set(ENTRIES))
    assert not changed, f"changed statements {sorted(changed)}: if meant, run python -m tests.theorems.freeze"


def test_every_foundation_exists_and_none_rests_on_itself() -> None:
    for name in ENTRIES:
        below = [entry.id for entry in foundations("theorems", name)]
        assert set(ENTRIES[name].builds_on) <= set(below)
        assert name not in below


HYPOTHESES = {
    "drift": ("w^((0)) = 0", 'for all " s < t', "eta_Q sigma <= 1", "gamma^2 >= 128"),
    "pl": ("-Lipschitz on the segment", "eta_Q <= 1 / L", ">= zeta_0 / 2"),
    "lemma7": ("abs(alpha_(h,k)) <= alpha", "norm(v_k) = 1"),
    "lemma8": ("abs(alpha'_(h,k)) <= alpha", "norm(v_k) = 1"),
    "lemma9": ("abs(alpha_(h,k)) <= alpha",),
    "lemma10": ("abs(alpha'_(h,k)) <= alpha", "norm(v_k) = 1"),
    "lemma5": ("independent", "tau I"),
    "proposition1": ("beta > 0", "v_1, dots, v_K != 0", "are distinct"),
    "theorem1": ("w^((0)) = 0", "Assumptions", "norm(v_k) = 1", "of Lemma 10 with"),
    "theorem1_sharp": ("w^((0)) = 0", "Assumptions", "norm(v_k) = 1"),
    "theorem2": ("norm(lambda) <= B", "Theorem 1's setting", "cal(N)(0, tau norm(lambda)^2 I_N)"),
    "limit_iff": ("if and only if rank",),
    "long_run": ("w^((0)) = 0", "norm(w^((t))) <= W", "Theorem 1's step sizes"),
    "sharp_rate": ("fixed", "w^((0)) = 0", "<= K", "the slowest mode takes part"),
    "lazy": ("fixed", "w^((0)) = 0", "observed"),
}


@pytest.mark.parametrize(("stated", "needed"), HYPOTHESES.items())
def test_the_typeset_statement_names_what_is_supposed(stated: str, needed: tuple[str, ...]) -> None:
    """The line at the head of the report says no more than the docstring beside it."""
    statement = claim_of(stated).statement
    assert [part for part in needed if part not in statement] == []
