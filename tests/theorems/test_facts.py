"""What the proofs rest on: declared foundations are those that the chains quote, and a false constant is no proof."""

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from theorems.descent.induction import Induction
from theorems.setting.experiment import Experiment
from theorems.theorem1 import derive_induction, stated_constants
from verify.claim import Identity
from verify.discovery import entries, load

# What a claim builds on beside the lemmas that its chains quote, and why.
BESIDE = {
    "drift": {"lemma6"},  # gradient descent on w with η_w = γ²η_Q is descent on α
    "theorem1": {"lemma5", "lemma6"},  # L* is a lower bound of the loss; as in drift
    "theorem1_sharp": {"theorem1"},  # its checks and constants
    "long_run": {"lemma5"},  # the closed form is about ‖δ‖
}
CHAINS = ("lemma7", "lemma8", "lemma9", "pl", "drift")


@pytest.mark.parametrize("name", CHAINS)
def test_the_declared_foundations_and_sources_are_those_of_the_chains(name: str, quick: Experiment) -> None:
    entry = next(entry for entry in entries("theorems") if entry.id == name)
    claim: Any = load("theorems", name)
    derivations = [check for check in claim.checks if check.__name__.startswith("derive")]
    found = [finding for check in derivations for finding in check(claim.about(quick))]
    proofs = [finding for finding in found if isinstance(finding, Identity)]
    assert {proof.status for proof in proofs} == {"proved"}
    quoted = {lemma for proof in proofs for lemma in proof.rests_on} - {name}
    assert set(entry.builds_on) == quoted | BESIDE.get(name, set())
    assert set(entry.cites) == {source for proof in proofs for source in proof.believes}


def test_without_three_of_lemma_10s_constants_theorem_1_has_no_proof() -> None:
    stated = stated_constants()
    wrong = replace(stated, matrix=sp.ImmutableMatrix([[0, 0], [0, stated.matrix[1, 1]]]))
    (found,) = derive_induction(Induction(stated=lambda: wrong))
    assert found.status == "unknown"
    assert "no certificate" in found.residual
