"""Long run: the closed form against matrix powers and exact runs, its bound step by step, and when it stays open."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest
import sympy as sp

from theorems import long_run
from theorems.descent import certified_closed_form, closed_form, motion
from theorems.descent.astray import gamma_too_small, large_steps, weights_start_elsewhere
from theorems.descent.closed_form import ClosedForm
from theorems.descent.float_descent import float_problem
from theorems.descent.prescription import BITS
from theorems.descent.runs import literal_run, own_run
from theorems.descent.trajectory import DescentRun, descend
from theorems.long_run import (
    CLAIM,
    LongRun,
    certify_long_run,
    certify_motion,
    certify_neglect,
    certify_remainder,
    certify_steps,
)
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.certify import balls
from verify.certify.norms import frobenius_norm, sum_of_squares
from verify.claim import Verdict, worst
from verify.runner import run as run_claim

CHECKS = (certify_motion, certify_remainder, certify_neglect, certify_long_run, certify_steps)


@pytest.fixture
def run(quick: Experiment) -> DescentRun:
    return literal_run(quick, 120)


def in_closed_form(run: DescentRun) -> ClosedForm:
    found = LongRun(prepare(resolve("quick", {})), given=(run,)).closed(run)
    assert found is not None
    return found


def test_the_checks_pass_and_every_defect_is_rejected(quick: Experiment) -> None:
    outcome = run_claim(CLAIM, quick, quick)
    assert outcome.verdict is Verdict.PASS, outcome.reasons
    assert [control.name for control in outcome.controls if not control.rejected] == []


def test_matrix_powers_with_q_frozen_give_the_closed_form(quick: Experiment) -> None:
    """Oracle: numpy from the definitions."""
    own = own_run(quick)
    closed, data = in_closed_form(own), float_problem(own)
    N, K, _, _ = own.problem.sizes
    s = data.attention(own.problem.queries)
    step = float(own.prescription.step_weights.mid()) / K
    for t in (0, 1, 10, 1000, 50_000):
        total = 0.0
        for k in range(K):
            B = data.z_bar @ s[:, :, k].T
            power = np.linalg.matrix_power(np.eye(N) - step * B @ B.T, t)
            total += float(np.sum((power @ data.z_bar @ data.a_hat[:, k]) ** 2))
        with flint.ctx.workprec(BITS):
            assert float(closed.root(t).mid()) ** 2 == pytest.approx(total / (2 * K), rel=1e-9)


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_the_exact_run_stays_within_every_bound_of_the_induction(run: DescentRun, factor: float) -> None:
    turned = replace(run, gamma_factor=factor, forced=True)
    closed, exact = in_closed_form(turned), descend(turned)
    assert closed.movement is not None
    with flint.ctx.workprec(exact.bits):
        for moment in exact.moments[1:]:
            root, neglect = closed.at(moment.step)
            assert abs(moment.gap.sqrt() - root) <= neglect
            assert moment.gap.sqrt() <= closed.factor**moment.step * exact.moments[0].gap.sqrt()
        starts = run.problem.queries
        moved = [frobenius_norm(Q - balls(Q_0)) for Q, Q_0 in zip(exact.queries, starts, strict=True)]
        assert sum_of_squares(moved).sqrt() <= closed.movement.queries
        assert sum_of_squares(w for row in exact.weights for w in row).sqrt() <= closed.movement.weights


def test_twin_a_larger_gamma_divides_what_is_neglected_by_its_square(run: DescentRun) -> None:
    forms = [in_closed_form(replace(run, gamma_factor=factor, forced=True)) for factor in (16.0, 64.0)]
    losses = [float(form.movement.loss.mid()) for form in forms if form.movement is not None]
    assert losses[0] / losses[1] == pytest.approx(16, rel=0.02)


def test_the_bound_on_a_grid_covers_the_recursion_step_by_step(quick: Experiment) -> None:
    closed = in_closed_form(own_run(quick))
    assert closed.movement is not None
    with flint.ctx.workprec(BITS):
        n, epsilon = flint.arb(0), closed.step * closed.movement.loss
        for t in range(2000):
            assert n <= closed.at(t)[1] * (1 + flint.arb(2) ** -60)
            n = closed.factor * n + epsilon * closed.root(t)
        assert n <= closed.at(2000)[1] <= 1.2 * n


def test_eigenvectors_in_float64_are_enclosed_with_their_error() -> None:
    rng = np.random.default_rng(0)
    factor, vector = rng.standard_normal((5, 7)), rng.standard_normal((5, 1))
    with flint.ctx.workprec(BITS):
        gram = balls(factor) * balls(factor).transpose()
        values, coordinates, defect = closed_form._decomposed(gram, balls(vector))
        assert defect < 1e-13
        assert sum_of_squares(coordinates).overlaps(sum_of_squares(balls(vector).entries()))
        quadratic = sum((c * c * x for c, x in zip(coordinates, values, strict=True)), flint.arb(0))
        exact = (balls(vector).transpose() * gram * balls(vector))[0, 0]
        assert abs(quadratic - exact) <= defect * sum_of_squares(balls(vector).entries()) * 1.001
        assert not closed_form._decomposed(gram, flint.arb_mat(5, 1))[2] < 1e-17


def test_steps_are_enclosed_by_what_the_exact_run_needs(run: DescentRun) -> None:
    closed, exact = in_closed_form(run), descend(run)
    with flint.ctx.workprec(exact.bits):
        first = next(m.step for m in exact.moments if m.gap * 1000 <= exact.moments[0].gap)
        needed, enough = closed.steps_to(1e3)
        assert needed <= first <= enough
        assert closed.steps_to(1e300)[1] == float("inf")


@pytest.mark.parametrize("defect", [gamma_too_small, large_steps, weights_start_elsewhere])
def test_where_no_bound_closes_nothing_is_decided(quick: Experiment, defect: object) -> None:
    assert callable(defect)
    for check in CHECKS:
        found = list(check(LongRun(quick, given=(defect(quick),))))
        assert worst(finding.verdict for finding in found) is Verdict.UNDECIDED
        assert "motion" in {finding.name for finding in found}


def test_an_instance_without_rank_is_undecided() -> None:
    few = prepare(resolve("quick", {"H": 5}))
    for check in CHECKS:
        assert worst(finding.verdict for finding in check(LongRun(few))) is Verdict.UNDECIDED
    forced = prepare(resolve("quick", {"H": 5, "force": True}))
    assert worst(finding.verdict for finding in certify_long_run(LongRun(forced))) is Verdict.UNDECIDED


def test_a_guarantee_out_of_reach_is_called_vacuous(
    quick: Experiment, run: DescentRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = LongRun(quick, given=(run,))
    assert not any("vacuous" in finding.reading for finding in certify_steps(subject))
    monkeypatch.setattr(certified_closed_form, "VACUOUS", 200.0)  # 118 steps are guaranteed for 10³, 235 for 10⁶
    words = ["vacuous" in finding.reading for finding in certify_steps(subject)]
    assert words == [False, False, True, True]


def test_the_grid_ends_where_powers_would_lose_their_bits() -> None:
    assert closed_form._grid(3, 8.0) == (0, 1, 2, 3, 4, 5, 6, 8)
    assert closed_form._grid(0, float("inf"))[-1] == pytest.approx(1e30, rel=0.2)


@pytest.mark.parametrize("factor", ["1/20", "1/2", "9/10", "99/100"])
def test_a_smaller_kappa_is_refuted_by_numbers_at_which_it_is_attained(quick: Experiment, factor: str) -> None:
    smaller = LongRun(quick, loss=sp.Rational(factor))
    [found] = long_run.derive_remainder(smaller)
    assert found.status == "refuted"
    assert "‖B⁽⁰⁾‖ = " in str(found.witness)
    assert Verdict.FAIL in {found.verdict for found in long_run.derive_neglect(smaller)}


@pytest.mark.parametrize("term", [motion.b**2, 2 * motion.b * motion.B_norm, motion.defect])
def test_no_term_of_kappa_can_be_left_out(quick: Experiment, monkeypatch: pytest.MonkeyPatch, term: object) -> None:
    monkeypatch.setattr(long_run, "STATED_LOSS", long_run.STATED_LOSS - term)
    assert [found.status for found in long_run.derive_remainder(LongRun(quick))] == ["refuted"]


@pytest.mark.parametrize("name", ["STATED_LOSS", "STATED_QUERIES", "STATED_WEIGHTS"])
def test_the_closed_form_is_evaluated_with_the_formulas_that_are_proved(
    quick: Experiment, run: DescentRun, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A formula changed in the statement changes what the certificates say, and its proof fails."""
    before = in_closed_form(run).movement
    monkeypatch.setattr(long_run, name, getattr(long_run, name) * sp.Rational(1, 3))
    after = in_closed_form(run).movement
    assert before is not None
    assert after is not None
    assert after != before
    check = long_run.derive_remainder if name == "STATED_LOSS" else long_run.derive_fixed_point
    assert Verdict.FAIL in {found.verdict for found in check(LongRun(quick))}


def test_the_instances_of_the_sums_obey_their_recursions() -> None:
    """Oracle: fractions, from the definitions."""
    for values in motion.run_instances():
        assert values.knows(motion.queries_chain().start)
        with flint.ctx.workprec(200):
            known = {name: [values.matrices[name](k)[0, 0] for k in range(motion.STEPS)] for name in ("δ", "δ̄", "r")}
            shrink = 1 - values.numbers["η"] * values.numbers["ζ_0"]
            for k in range(motion.STEPS - 1):
                assert (known["δ"][k + 1] - shrink * known["δ"][k] - known["r"][k]).contains(0)
                assert (known["δ̄"][k + 1] - shrink * known["δ̄"][k]).contains(0)


def test_what_is_argued_says_so(quick: Experiment) -> None:
    assert all("argued" in found.reading for found in long_run.argue_every_step(LongRun(quick)))
