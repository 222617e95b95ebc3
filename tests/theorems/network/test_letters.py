"""The letters of the lemmas and the exact networks: definitions hold, and nothing differs from the laboratory."""

from dataclasses import replace
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy as sp

from numerics.instance import Instance
from numerics.loss import feature_noise
from theorems import lemma1
from theorems.network.exact import ExactNetwork, State
from theorems.network.instances import networks, small_networks
from theorems.network.letters import HERE, TARGET, THERE, Point, h, k
from theorems.network.points import FloatPoint
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K
from verify.certify import evaluate
from verify.prove.inequalities.lemma import quote
from verify.prove.inequalities.quantity import Index, SumOf
from verify.prove.inequalities.values import PRECISION, Values
from verify.prove.matrices.sampling import Equation

CASES = list(enumerate(networks()))


def value(expression: sp.MatrixExpr, values: Values, place: dict[Index, int]) -> flint.arb_mat:
    letters = {
        letter: values.matrices[letter.name](*(place[index] for index in letter.indices))
        for letter in expression.atoms(type(HERE.Q_h))
    }
    scalars = {s: values.numbers[str(s)] for s in expression.atoms(sp.Symbol) if str(s) in values.numbers}
    return evaluate(expression, {**values.sizes, **letters, **scalars})


def equal(left: flint.arb_mat, right: flint.arb_mat) -> bool:
    return all(entry.contains(0) and float(entry.rad()) < 1e-30 for entry in (left - right).entries())


@pytest.mark.parametrize("point", [HERE, THERE], ids=["ξ", "ξ′"])
@pytest.mark.parametrize("values", small_networks(), ids=range(len(CASES)))
def test_definitions_and_gradients_hold_on_exact_networks(values: Values, point: Point) -> None:
    equations: list[Equation] = [
        point.definition_b,
        point.definition_delta,
        point.definition_J,
        quote(lemma1.GRADIENT_WEIGHT, point),
        quote(lemma1.GRADIENT_WEIGHTS, point),
        TARGET,
    ]
    sums: list[SumOf] = [point.mixture, quote(lemma1.GRADIENT_QUERIES, point)]
    heads, tokens = values.sizes[H], values.sizes[K]
    with flint.ctx.workprec(PRECISION):
        for head in range(heads):
            for token in range(tokens):
                place = {h: head, k: token}
                for equation in equations:
                    assert equal(value(equation.left, values, place), value(equation.right, values, place)), equation
                for whole in sums:
                    parts = [
                        value(whole.part, values, {**place, whole.index: item})
                        for item in values.range(whole.index, {})
                    ]
                    assert equal(value(whole.whole, values, place), sum(parts[1:], parts[0])), whole.reason


def as_experiment(quick: Experiment, network: ExactNetwork) -> Experiment:
    """The same data in the laboratory."""
    data = Instance(
        tokens=np.array(network.tokens, dtype=float),
        features=np.array(network.features, dtype=float),
        prompt_length=network.prompt,
        noise=float(network.tau),
        source="exact",
    )
    return replace(quick, study=replace(quick.study, instance=data, noise=feature_noise(data.noise)))


@pytest.mark.parametrize(("case", "given"), CASES, ids=range(len(CASES)))
def test_the_exact_network_agrees_with_the_laboratory(
    case: int, given: tuple[ExactNetwork, tuple[State, State]], quick: Experiment
) -> None:
    network, (state, _) = given
    experiment = as_experiment(quick, network)
    point = FloatPoint(
        experiment=experiment,
        tokens=experiment.instance.tokens,
        queries=np.array(state.queries, dtype=float),
        alpha=np.array(state.alpha, dtype=float),
        gamma=float(network.gamma),
    )
    with flint.ctx.workprec(PRECISION):
        assert float(network.gap(state).mid()) == pytest.approx(point.gap, abs=2 * point.gap_error)
        by_queries, by_alpha = point.gradients
        for head, _ in enumerate(state.alpha):
            exact = np.array(network.gradient_queries(state, head).tolist(), dtype=float)
            assert np.linalg.norm(exact - by_queries[head]) <= 2 * point.gradient_errors[0][head] + 1e-300
            for token in range(len(network.tokens)):
                difference = float(network.gradient_alpha(state, head, token)[0, 0].mid()) - by_alpha[head, token]
                assert abs(difference) <= 2 * point.gradient_errors[1][head, token] + 1e-300
        least = float(network.least_eigenvalue(state).mid())
        assert point.least_eigenvalue <= least + 1e-12
        assert point.least_eigenvalue == pytest.approx(least, rel=1e-9, abs=1e-12)


def test_exact_descent_is_a_step_against_the_gradient() -> None:
    network, (state, _) = next(networks())
    after = network.descend(state, flint.arb(Fraction(1, 8).numerator) / 8)
    moved = float(after.alpha[0][0].mid()) - float(state.alpha[0][0])
    assert moved == pytest.approx(-float(network.gradient_alpha(state, 0, 0)[0, 0].mid()) / 8)
