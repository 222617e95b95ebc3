"""What a chain may use besides the elementary rules: definitions, hypotheses, citations, and lemmas.

    define(symbol, expression, why)         a name for an expression
    hypothesis(left, right, name)           belongs to the statement; the report lists it
    cite(left, right, rule, source=…)       believed; the report lists it with its source
    quote(LEMMA, …)                         what a lemma of another file says, at given points

A lemma is an object of its statement file. It holds its chain (or the identities that prove it), so whoever
quotes it has it checked again, and its statement cannot be typed by hand.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, Literal

import sympy as sp

from verify.claim import Identity
from verify.prove.inequalities.chain import Chain, Fact, Made
from verify.prove.inequalities.format_quantity import spell
from verify.prove.inequalities.quantity import Norm, SumOf, norm
from verify.prove.inequalities.solver import discharge
from verify.prove.inequalities.system import Relation
from verify.prove.matrices.sampling import Equation

Expr = Any


@dataclass(frozen=True)
class Premise(Equation):
    """An equation between matrices, and where it comes from; `parts` are the equations of which it is a product."""

    kind: Literal["defined", "hypothesis", "quoted", "derived"] = "hypothesis"
    parts: tuple[Equation, ...] = ()
    made: Made | None = field(default=None, repr=False, compare=False)
    lemma: Lemma | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Special:
    """A chain about letters for any vectors and matrices, at particular ones: what stands for each letter, and why."""

    chain: Chain
    letters: tuple[tuple[Any, Any], ...]
    why: str

    def at(self, expression: Expr) -> Expr:
        """The expression with the particular matrices in place of the letters."""
        meant = dict(self.letters)

        def exchanged(matrix: Any) -> Any:
            if isinstance(matrix, (sp.MatAdd, sp.MatMul)):
                parts = [exchanged(part) if isinstance(part, sp.MatrixExpr) else part for part in matrix.args]
                return reduce(operator.add if isinstance(matrix, sp.MatAdd) else operator.mul, parts)
            return exchanged(matrix.arg).T if isinstance(matrix, sp.Transpose) else meant.get(matrix, matrix)

        norms = {each: norm(exchanged(each.matrix), each.kind) for each in expression.atoms(Norm)}
        return expression.xreplace(norms)


@dataclass(frozen=True, eq=False)
class Lemma:
    """What a statement file says to others.

    `states` makes, from the points and indices at which it is quoted, the chain that proves it; or, where the
    calculus of matrices, indices or expectations proves it, a Relation, an Equation or a SumOf, and `proofs` then
    yields the identities. `module` is the `__name__` of the file, in which the lemma must be found.
    """

    module: str
    name: str
    states: Callable[..., Any]
    proofs: Callable[[], Iterable[Identity]] | None = None
    _stated: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def claim(self) -> str:
        """The statement's id."""
        return self.module.rpartition(".")[2]

    def stated(self, *arguments: Any, **options: Any) -> Any:
        """What the lemma says there, made once."""
        key = arguments, tuple(sorted(options.items()))
        if key not in self._stated:
            self._stated[key] = self.states(*arguments, **options)
        return self._stated[key]

    @property
    def proved(self) -> tuple[Identity, ...]:
        """The identities that prove it, where there is no chain; found once for lemmas that share them."""
        return _found(self.proofs) if self.proofs is not None else ()

    def forget(self) -> None:
        """Make again what it says when it is asked next."""
        self._stated.clear()


_FOUND: dict[Callable[[], Iterable[Identity]], tuple[Identity, ...]] = {}  # a cache of which a part can be forgotten


def _found(proofs: Callable[[], Iterable[Identity]]) -> tuple[Identity, ...]:
    if proofs not in _FOUND:
        _FOUND[proofs] = tuple(proofs())
    return _FOUND[proofs]


def forget_proofs(proofs: Callable[[], Iterable[Identity]] | None) -> None:
    """Prove again what these proofs prove when it is asked next."""
    _FOUND.pop(proofs, None)  # type: ignore[arg-type]


def quote(lemma: Lemma, *arguments: Any, **options: Any) -> Any:
    """What the lemma says: a Fact, or an Equation or SumOf between matrices.

    Raises:
        TypeError: it states something else, or neither a chain nor identities prove it.
    """
    stated = lemma.stated(*arguments, **options)
    made = Made(quote, (lemma, *arguments), tuple(sorted(options.items())))
    if isinstance(stated, (Chain, Special)):
        chain, about = (stated, "") if isinstance(stated, Chain) else (stated.chain, stated.why)
        sides = (chain.conclusion.left, chain.conclusion.right)
        left, right = sides if isinstance(stated, Chain) else map(stated.at, sides)
        return Fact(
            left=left,
            right=right,
            rule=lemma.name,
            about=about,
            kind="quoted",
            because=(chain,),
            made=made,
            lemma=lemma,
        )
    if lemma.proofs is None:
        raise TypeError(f"{lemma.name} states {type(stated).__name__} without a chain; give identities that prove it")
    if isinstance(stated, Relation):
        return Fact(**vars(stated), rule=lemma.name, kind="quoted", made=made, lemma=lemma)
    if isinstance(stated, SumOf):
        return replace(stated, reason=lemma.name, kind="quoted", made=made, lemma=lemma)
    if isinstance(stated, Equation):
        return Premise(stated.left, stated.right, f"{stated.name}, {lemma.name}", "quoted", made=made, lemma=lemma)
    raise TypeError(f"{lemma.name} states {type(stated).__name__}; give a Chain, a Relation, an Equation or a SumOf")


def define(symbol: Any, expression: Any, why: str, *because: Fact) -> Any:
    """`symbol` names `expression`. A Fact, expression = symbol; for matrices a premise symbol = expression.

    What the symbol's declaration says of its sign must be known of the expression, or follow from the facts
    `because`; that an expression known to be nonnegative is not 0 becomes a hypothesis.

    Raises:
        ValueError: `symbol` is no symbol, occurs in the expression, or has a sign that the expression may lack.
    """
    symbol, expression = sp.sympify(symbol), sp.sympify(expression)
    made = Made(define, (symbol, expression, why, *because))
    if not isinstance(symbol, (sp.Symbol, sp.Indexed, sp.MatrixSymbol)):
        raise ValueError(f"{why}: {symbol} is no symbol, so nothing can be defined by it; define a new symbol")
    if symbol in expression.atoms(type(symbol)):
        raise ValueError(f"{why}: {symbol} occurs in its own definition")
    if isinstance(symbol, sp.MatrixSymbol):
        return Premise(symbol, expression, why, "defined", made=made)
    needs = (*because, *_signed(symbol, expression, why, because))
    return Fact(left=expression, right=symbol, rule=why, equal=True, kind="defined", needs=needs, made=made)


def _signed(symbol: Any, expression: Any, why: str, because: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """What must be added to the statement for the symbol's declared sign.

    Raises:
        ValueError: the declared sign is not known of the expression.
    """
    if symbol.is_integer and not expression.is_integer:
        raise ValueError(f"{why}: {symbol} is declared an integer, and {expression} is not known to be one")
    if symbol.is_nonnegative is None or (symbol.is_positive and expression.is_positive):
        return ()
    goal = Relation(sp.Integer(0), expression)
    if not expression.is_nonnegative and not discharge([fact.relation for fact in because], goal).proved:
        raise ValueError(f"{why}: {symbol} is declared nonnegative, and {expression} is not known to be")
    if not symbol.is_positive:
        return ()
    return (hypothesis(0, expression, f"{spell(expression)} is not 0"),)


def hypothesis(left: Any, right: Any, name: str, *, equal: bool = False) -> Any:
    """What the statement supposes, listed in its report: a Fact, or between matrices an equation."""
    made = Made(hypothesis, (left, right, name), (("equal", equal),))
    left, right = sp.sympify(left), sp.sympify(right)
    if isinstance(left, sp.MatrixExpr):
        return Premise(left, right, name, "hypothesis", made=made)
    return Fact(left=left, right=right, rule=name, equal=equal, kind="hypothesis", made=made)


def cite(left: Any, right: Any, rule: str, *, source: str, equal: bool = False, needs: tuple[Fact, ...] = ()) -> Fact:
    """What is believed, with its source; `needs` are its own premises.

    Raises:
        ValueError: no source is given.
    """
    if not source.strip():
        raise ValueError(f"{rule}: what is cited needs a source; name the book or paper and the place in it")
    return Fact(
        left=sp.sympify(left), right=sp.sympify(right), rule=rule, equal=equal, source=source, kind="cited", needs=needs
    )
