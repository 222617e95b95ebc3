"""Theorem 1, wider, along a certified run: how far α and Q have gone is paid for by the gap, at every step."""

from __future__ import annotations

from collections.abc import Iterator

import flint
import numpy as np

from theorems.descent.path import PathConstants
from theorems.descent.prescription import enclosed_norms
from theorems.descent.runs import bound_on, violated
from theorems.descent.trajectory import DescentRun, descend
from theorems.network.enclosed import enclose
from theorems.setting.constants import gamma, zeta_0
from verify.certify import evaluate
from verify.certify.balls import NotPositiveDefiniteError
from verify.claim import Assumption, Bound


def path_paid(run: DescentRun, constants: PathConstants) -> Iterator[Assumption | Bound]:
    """‖α⁽ᵗ⁾‖_F and ‖Q⁽ᵗ⁾ − Q⁽⁰⁾‖_F are at most their bounds times 1 − √Δ⁽ᵗ⁾/√Δ⁽⁰⁾, from step 1 on (at 0 both are 0)."""
    broken = violated(run)
    yield from broken
    if broken and not run.forced:
        return
    try:
        trajectory, prescription = descend(run), run.prescription
    except NotPositiveDefiniteError:  # there are no step sizes; the hypotheses above say so
        return
    problem = run.prescribed_for or run.problem
    if len(trajectory.moments) < 2:
        return
    with flint.ctx.workprec(trajectory.bits):
        known = enclosed_norms(problem, enclose(problem))
        known |= {gamma: flint.arb(prescription.gamma), zeta_0: prescription.zeta_0}
        first, *later = trajectory.moments
        walked = [1 - (moment.gap / first.gap).sqrt() for moment in later]
        weights, turned = [moment.weights / known[gamma] for moment in later], [moment.turned for moment in later]
        for name, stated, now in (
            ("‖α⁽ᵗ⁾‖_F", constants.alpha, weights),
            ("‖Q⁽ᵗ⁾ − Q⁽⁰⁾‖_F", constants.queries, turned),
        ):
            whole = evaluate(stated, known)
            yield bound_on(
                run,
                f"{name} ≤ {whole.str(4, radius=False)} (1 − √Δ⁽ᵗ⁾/√Δ⁽⁰⁾)",
                now,
                [whole * share for share in walked],
                "the gap pays for the path",
                steps=np.arange(1, len(later) + 1),
                quantities={"whole": float(whole.mid())},
            )
