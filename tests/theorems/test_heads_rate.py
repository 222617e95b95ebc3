"""The guaranteed rate and the heads, against Theorem 1's constants in numpy; the paper's sentence, refuted."""

from dataclasses import replace
from fractions import Fraction

import flint
import numpy as np
import pytest

from theorems import heads_rate, heads_tradeoff
from theorems.descent.prescription import BITS
from theorems.heads_rate import GuaranteedRate, letters_of, rate_of
from theorems.setting.constants import zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Verdict
from verify.runner import run_checks

SYMBOLS = ("H", "zeta", "z_bar", "f_max", "a_norm", "a_frobenius", "K")


def rate(H: float, zeta: float, z_bar: float, f_max: float, a_norm: float, a_frobenius: float, K: int) -> float:
    """η_wζ_0/(2K) from the table of the paper's statements: theorem1, drift, lemma9 and lemma10 as they stand there."""
    gap = a_frobenius**2 / (2 * K)
    gamma = np.sqrt(128 * (2 + np.sqrt(2)) * K**1.5 * np.sqrt(H) * z_bar**2 * f_max * gap * zeta**-2.5)
    alpha = 4 * np.sqrt(2 * K) * z_bar * np.sqrt(gap) / (gamma * zeta)
    D = gamma * H * alpha * z_bar + a_norm
    lqq = gamma * f_max / K * (4 * alpha**2 * gamma * z_bar * H * K + 8 * alpha * D * K)
    lqa = gamma * f_max / K * (2 * D * np.sqrt(K) + 2 * alpha * gamma * z_bar * H * np.sqrt(K))
    laq = gamma * z_bar / K * (2 * alpha * gamma * z_bar * H * np.sqrt(K) + 2 * D * np.sqrt(K))
    smooth = np.linalg.norm([[lqq, lqa], [laq, gamma**2 * z_bar**2 * H / K]], 2)
    return float(gamma**2 / smooth * zeta / (2 * K))


def drawn(seed: int) -> dict[str, float]:
    """Norms as they can be: f̄_max ≤ ‖Z̄‖, ‖A‖₂ ≤ ‖A‖_F, and ζ_0 ≤ H‖Z̄‖²."""
    rng = np.random.default_rng(seed)
    heads, z_bar, a_norm = int(rng.integers(2, 100)), rng.uniform(0.1, 10), rng.uniform(0.1, 10)
    zeta = heads * z_bar**2 * 10 ** -rng.uniform(0.5, 6)
    f_max, a_frobenius, K = z_bar * rng.uniform(0.3, 1), a_norm * rng.uniform(1, 5), int(rng.integers(2, 200))
    return dict(zip(SYMBOLS, (heads, zeta, z_bar, f_max, a_norm, a_frobenius, K), strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_the_rate_depends_on_the_share_and_rises_with_it(seed: int) -> None:
    known = drawn(seed)
    one = rate(**known)  # type: ignore[arg-type]
    copied, slower, faster = (
        {**known, **change}
        for change in (
            {"H": 7 * known["H"], "zeta": 7 * known["zeta"]},
            {"H": 7 * known["H"]},
            {"zeta": 3 * known["zeta"]},
        )
    )
    assert rate(**copied) == pytest.approx(one, rel=1e-9)  # type: ignore[arg-type]
    assert rate(**slower) < one < rate(**faster)  # type: ignore[arg-type]


def test_oracle_the_rate_of_the_instance_in_numpy(quick: Experiment) -> None:
    theory = quick.theory
    with flint.ctx.workprec(BITS):
        problem = GuaranteedRate(quick).problem
        known, found = letters_of(problem), float(rate_of(problem).mid())
    target = theory.z_bar @ theory.a_hat
    norms = [np.linalg.norm(theory.z_bar, 2), np.linalg.norm(theory.z_bar, axis=0).max(), np.linalg.norm(target, 2)]
    values = (
        float(known[H]),
        float(known[zeta_0].mid()),
        *norms,
        np.linalg.norm(target),
        quick.instance.dictionary_size,
    )
    assert found == pytest.approx(rate(**dict(zip(SYMBOLS, values, strict=True))), rel=1e-6)  # type: ignore[arg-type]


def test_twin_heads_in_another_order_have_the_same_rate(quick: Experiment) -> None:
    problem = GuaranteedRate(quick).problem
    other = replace(problem, queries=problem.queries[::-1].copy(), weights=problem.weights[::-1].copy())
    with flint.ctx.workprec(BITS):
        assert rate_of(other).overlaps(rate_of(problem))


def test_with_fewer_heads_than_labels_there_is_no_rate() -> None:
    few = GuaranteedRate(prepare(resolve("quick", {"H": 3})))
    (found,) = heads_rate.certify_nested(few)
    assert found.verdict is Verdict.UNDECIDED
    assert list(heads_rate.certify_copies(few)) == []
    assert list(heads_tradeoff.certify_instance(heads_tradeoff.MoreHeads(few.experiment))) == []


def test_with_as_many_heads_as_labels_there_is_one_set_to_look_at() -> None:
    found = list(heads_rate.certify_nested(GuaranteedRate(prepare(resolve("quick", {"H": 6})))))
    assert [item.verdict for item in found] == [Verdict.PASS] * 2


def test_the_witness_is_a_network_and_its_rates_are_those_of_numpy(quick: Experiment) -> None:
    """Tokens e_1, −e_1, e_2 in the plane and Q_h with the first row (q, q): e^{2q} is the odds of the first token."""
    (found,) = heads_tradeoff.certify_witness(heads_tradeoff.MoreHeads(quick))
    assert found.verdict is Verdict.FAIL
    tokens, shares = np.array([[1, 0], [-1, 0], [0, 1]]), [float(Fraction(each)) for each in heads_tradeoff.HEADS]
    columns = []
    for share in shares:
        query = np.array([[1, 1], [0, 0]]) * np.log(share / (1 - share)) / 2
        numerators = np.exp(tokens[:2] @ query @ tokens.T)
        columns.append(numerators / numerators.sum(axis=0))
    attention = np.array(columns)  # H × N × K
    assert attention[:, 0, 0] == pytest.approx(shares)
    target = np.column_stack([np.sqrt(2) * np.eye(2), np.array([1, 0]) / np.sqrt(2)])
    rates = []
    for count in (2, 3):
        zeta = min(2 * np.linalg.eigvalsh(attention[:count, :, k].T @ attention[:count, :, k])[0] for k in range(3))
        norms = (np.sqrt(2), np.sqrt(2), np.linalg.norm(target, 2), np.linalg.norm(target))
        rates.append(rate(count, zeta, *norms, 3))
    assert [found.quantities["few"], found.quantities["many"]] == pytest.approx(rates, rel=1e-6)


def test_the_paper_s_reading_passes_where_its_sentence_fails(quick: Experiment) -> None:
    (right,) = run_checks([heads_rate.certify_copies], GuaranteedRate(quick))
    (wrong,) = run_checks([heads_tradeoff.certify_instance], heads_tradeoff.MoreHeads(quick))
    assert (right.verdict, wrong.verdict) == (Verdict.PASS, Verdict.FAIL)
