"""Claim files written to cheat, in their proofs or in what they measure: none reaches PASS, and each is told why."""

from __future__ import annotations

import importlib
import sys

import pytest

from verify.claim import Verdict
from verify.runner import Outcome, run

HEAD = '''"""Lemma 1 [T]: a title.

Wrong if not.
"""
from dataclasses import replace

import flint
import sympy as sp

from cheats import honest
from verify.claim import Claim, Identity, defect_of_subject
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.chain import Chain, Fact, Lift, Line, Made, at_most
from verify.prove.inequalities.lemma import Lemma, Premise, cite, define, hypothesis, quote
from verify.prove.inequalities.quantity import Letter, length, norm, total
from verify.prove.inequalities.rules import NORMS, member, operator_norm, rule, square, triangle
from verify.prove.inequalities.values import Values

a, b, c = sp.symbols("a b c", nonnegative=True)
n = sp.Symbol("n", integer=True, positive=True)
x, y = Letter("x", n, 1), Letter("y", n, 1)


def column(*entries):
    return lambda: flint.arb_mat([[entry] for entry in entries])


def points():
    """a ≤ b ≤ c, and x and y that point in nearly the same direction."""
    for more in range(5):
        letters = {"x": column(3 + more, *[0] * (1 + more)), "y": column(4 + more, *[0] * (1 + more))}
        numbers = {"a": flint.arb(1), "b": flint.arb(2 + more), "c": flint.arb(3 + more)}
        yield Values(str(more), {n: 2 + more}, numbers, letters)


'''
TAIL = '''


def derive_it(subject):
    """It is proved."""
    proof, part = chain(subject), 1 if subject == 1 else sp.Rational(1, 100)
    yield conclude("it", proof.start, GOAL * part, proof, instances=POINTS)


@defect_of_subject
def smaller(subject):
    """A hundredth of it."""
    return 2


CLAIM = Claim(
    statement="a", checks=(derive_it,), controls=dict(smaller=smaller), builds_on=BUILDS, cites=CITES,
    catches={derive_it: ("smaller",)},
)
'''
HONEST = """
GOAL, POINTS, BUILDS, CITES = 2 * b, tuple(points()), (), ()


def chain(subject):
    return at_most(a + b).to(2 * b, hypothesis(a, b, "a is at most b"))


DOUBLE = Lemma(__name__, "the lemma", lambda p, q: at_most(p + q).to(2 * q, hypothesis(p, q, "p is at most q")))
"""


def body(
    expression: str, goal: str = "c", builds: str = "()", cites: str = "()", instances: str = "tuple(points())"
) -> str:
    head, _, last = expression.rpartition("\n")
    return (
        f"{head}\nGOAL, POINTS, BUILDS, CITES = {goal}, {instances}, {builds}, ()\n\n\n"
        f"def chain(subject):\n    return {last}\n"
    )


CHEATS = {
    # name: (the proof, what the report says)
    "made_by_hand": (body("at_most(a).by(Fact(left=a, right=c, rule='Lemma 99'))"), "comes from nowhere"),
    "called_a_rule": (body("at_most(a).by(Fact(left=a, right=c, rule='a rule', kind='rule'))"), "was made by hand"),
    "called_quoted": (body("at_most(a).by(Fact(left=a, right=c, rule='Lemma 99', kind='quoted'))"), "use quote"),
    "called_derived": (
        body("at_most(a).by(Fact(left=a, right=c, rule='above', kind='derived'))"),
        "what its chain concludes",
    ),
    "unrelated_chain": (
        body("at_most(a).by(Fact(left=a, right=c, rule='above', kind='derived', because=(at_most(b).to(b + c),)))"),
        "is not what its chain concludes",
    ),
    "own_rule": (
        body("mine = rule(lambda: Fact(left=a, right=c, rule='mine'))\nat_most(a).by(mine())"),
        "was made by hand",
    ),
    "changed_rule": (
        body("at_most(norm(x + y)).by(replace(triangle(x, y), right=norm(x) + norm(y) - norm(x)))", "norm(y)"),
        "was made by hand",
    ),
    "renamed_rule": (
        body("at_most(norm(x + y)).by(replace(triangle(x, y), rule='Lemma 3', source=''))", "norm(x) + norm(y)"),
        "was made by hand",
    ),
    "made_by_another": (
        body("at_most(a).by(Fact(left=a, right=c, rule='r', kind='rule', made=Made(lambda: None, ())))"),
        "was made by hand",
    ),
    "false_lemma_at_home": (
        body("MINE = Lemma(__name__, 'Lemma 99', lambda: at_most(a).to(c))\nat_most(a).by(quote(MINE))"),
        "no certificate",
    ),
    "false_lemma_from_elsewhere": (
        body(
            "MINE = Lemma('cheats.honest', 'Lemma 9', lambda: at_most(a).to(c, hypothesis(a, c, 'h')))\n"
            "at_most(a).by(quote(MINE))"
        ),
        "which is no statement that holds it",
    ),
    "lemma_without_proof": (
        body(
            "from verify.prove.inequalities.system import Relation\n"
            "MINE = Lemma(__name__, 'Lemma 99', lambda: Relation(a, c), lambda: iter(()))\nat_most(a).by(quote(MINE))"
        ),
        "nothing proves it",
    ),
    "false_quote": (
        body("at_most(a + b).by(replace(quote(honest.DOUBLE, a, b), right=b))", "b", "('honest',)"),
        "is not what a lemma says",
    ),
    "quote_not_declared": (
        body("at_most(a + b).by(quote(honest.DOUBLE, a, b))", "2 * b"),
        "which builds_on does not name",
    ),
    "source_not_declared": (
        body("at_most(norm(x + y)).by(triangle(x, y))", "norm(x) + norm(y)"),
        "what cites does not name",
    ),
    "cited_without_source": (body("at_most(a).by(cite(a, c, 'well known', source=' '))"), "needs a source"),
    "no_instances": (body("at_most(a + b).to(2 * b, hypothesis(a, b, 'h'))", "2 * b", instances="()"), "tried on none"),
    "instances_of_something_else": (
        body("at_most(a).to(b, hypothesis(a, b, 'h'))", "b", instances="[Values('', {}, {'z': flint.arb(1)})] * 9"),
        "not tried",
    ),
    "contradiction": (body("at_most(b).to(a, hypothesis(b, a, 'h'), hypothesis(a + 1, b, 'h'))", "a"), "tried on none"),
    "contradiction_untried": (
        body("z = sp.Symbol('z', real=True)\nat_most(b).to(0, hypothesis(z, 0, 'h'), hypothesis(1, z, 'h'))", "0 * a"),
        "is false at",
    ),
    "circular_definition": (
        body("at_most(a).to(0, define(b, c + a + 1, 'b'), define(c, b, 'c'))", "0 * a"),
        "is defined by itself",
    ),
    "two_definitions": (
        body("at_most(a).to(0, define(b, a, 'b'), define(b, a + 1, 'again'))", "0 * a"),
        "is defined twice",
    ),
    "sign_by_definition": (
        body("d = sp.Symbol('d', nonnegative=True)\nat_most(b).to(a, define(d, a - b, 'd'))", "a"),
        "not known to be",
    ),
    "own_definition": (body("at_most(a).to(0, define(a, a + 1, 'a'))", "0 * a"), "occurs in its own definition"),
    "hidden_in_a_line": (
        body(
            "hidden = Fact(left=sp.Integer(2), right=sp.Integer(1), rule='2 ≤ 1')\n"
            "at_most(b).to(b / 2, hidden, rule='arithmetic')",
            "b / 2",
        ),
        "comes from nowhere",
    ),
    "hidden_as_a_hypothesis": (
        body("at_most(b).to(b / 2, hypothesis(2, 1, '2 ≤ 1'), rule='arithmetic')", "b / 2"),
        "tried on none",
    ),
    "forged_line": (
        body("Chain(a, (Line(c, (hypothesis(a, b, 'h'),), 'by', lifts=(Lift(a, c, (), (a, c)),)),))"),
        "was made by hand",
    ),
    "wrong_arithmetic": (body("at_most(a + b).to(b)", "b"), "no certificate"),
    "reversed_inequality": (
        body("at_most(norm(x) + norm(y)).by(triangle(x, y).reversed())", "norm(x + y)"),
        "read from right to left",
    ),
    "float": (
        body("at_most(a + sp.Float(1e16)).to(a + sp.Float(1e16) - 1)", "a + sp.Float(1e16) - 1"),
        "exact numbers",
    ),
    "imaginary": (body("at_most(0 * a).to(sp.Symbol('i', imaginary=True) ** 2)", "-a"), "exact numbers"),
}

MEASURED = '''"""Lemma 2 [T]: a title.

Wrong if not.
"""
import numpy as np

from verify.claim import Agreement, Bound, Claim, Estimate, defect_of_subject


def seen(subject):
    return np.array([1.0, 2.0]) * subject


PROMISED = np.array([1.0, 2.0])


def measure_it(subject):
    """It is what was promised."""
    yield {finding}


@defect_of_subject
def defect(subject):
    """Half as much again."""
    return {defect}


CLAIM = Claim(
    statement="a", checks=(measure_it,), controls=dict({controls}), catches={{measure_it: {caught}}},
)
'''
HONEST_FINDING = "Agreement(name='it', predicted=PROMISED, observed=seen(subject), tolerance=1e-12, reason='rounding')"


def measured(
    finding: str = HONEST_FINDING,
    defect: str = "1.5 * subject",
    controls: str = "defect=defect",
    caught: str = "('defect',)",
) -> str:
    return MEASURED.format(finding=finding, defect=defect, controls=controls, caught=caught)


MEASUREMENTS = {
    # name: (the claim, what the report says)
    "tolerance_of_its_own": (
        measured(HONEST_FINDING.replace("1e-12", "np.abs(seen(subject) - PROMISED).max() + 1e-12")),
        "a planted defect went unnoticed",
    ),
    "bound_of_its_own": (
        measured("Bound(name='it', observed=seen(subject), bound=2 * seen(subject).max(), reason='measured')"),
        "a planted defect went unnoticed",
    ),
    "compared_with_itself": (
        measured(HONEST_FINDING.replace("PROMISED", "seen(subject)")),
        "a planted defect went unnoticed",
    ),
    "promise_from_what_was_seen": (
        measured(HONEST_FINDING.replace("predicted=PROMISED", "predicted=PROMISED * seen(subject)[0]")),
        "a planted defect went unnoticed",
    ),
    "interval_of_anything": (
        measured("Estimate(name='it', allowed=(0, 2), interval=lambda rate: (0.9, 1.1), reason='sampled')"),
        "the checks that are meant to catch it see no difference",
    ),
    "defect_that_is_none": (measured(defect="subject"), "see no difference"),
    "defect_that_breaks": (measured(defect="float('nan')"), "a planted defect went unnoticed"),
    "no_defect": (measured(controls="", caught="()"), "no defect was planted"),
    "tolerance_without_end": (measured(HONEST_FINDING.replace("1e-12", "np.inf")), "tolerance"),
    "nothing_to_compare": (
        measured(HONEST_FINDING.replace("PROMISED", "PROMISED[:0]").replace("seen(subject)", "seen(subject)[:0]")),
        "planted defect",
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All of them, run as the runner does, in a package beside an honest statement."""
    folder = tmp_path_factory.mktemp("paper")
    package = folder / "cheats"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "honest.py").write_text(HEAD.replace("from cheats import honest\n", "") + HONEST + TAIL)
    for name, (text, _) in CHEATS.items():
        (package / f"{name}.py").write_text(HEAD + text + TAIL)
    (package / "measured.py").write_text(measured())
    for name, (text, _) in MEASUREMENTS.items():
        (package / f"{name}.py").write_text(text)
    sys.path.insert(0, str(folder))
    try:
        return {name: outcome(name) for name in ["honest", "measured", *CHEATS, *MEASUREMENTS]}
    finally:
        sys.path.remove(str(folder))


def outcome(name: str) -> Outcome:
    claim = importlib.import_module(f"cheats.{name}").CLAIM
    return run(claim, 1, 1)


def test_the_same_file_passes_without_a_cheat(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["honest"].reasons == ()
    assert outcomes["honest"].verdict is outcomes["measured"].verdict is Verdict.PASS
    (identity,) = outcomes["honest"].evidence[0].findings
    assert identity.hypotheses == ("a ≤ b (a is at most b)",)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", sorted(CHEATS | MEASUREMENTS))
def test_no_cheat_passes(outcomes: dict[str, Outcome], name: str) -> None:
    found = outcomes[name]
    assert found.verdict is not Verdict.PASS
    words = [text for _, text in found.reasons]
    words += [getattr(finding, "residual", "") for item in found.evidence for finding in item.findings]
    assert any((CHEATS | MEASUREMENTS)[name][1] in text for text in words), words
