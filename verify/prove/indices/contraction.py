"""The normal form of expressions with indices: sums of products, deltas contracted, summed indices renamed.

A term is a product of factors, each a name with labels; a bound label is summed over. Terms that
differ by the names of bound labels are one term, because the least of all renamings is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, permutations, product
from math import factorial, prod
from typing import Any, NamedTuple

import sympy

DELTA = "="  # the name of Kronecker's delta, which is shown as [i = j]
MOST_RENAMINGS = 5040  # of the bound labels of one term that look alike


class Label(NamedTuple):
    """An index in a term, free or bound. In one term names tell labels apart, so sizes are never compared."""

    bound: bool
    name: str
    size: Any


class Factor(NamedTuple):
    """A tensor, letter or delta with its labels."""

    name: str
    labels: tuple[Label, ...]

    def renamed(self, names: Mapping[Label, Label]) -> Factor:
        return Factor(self.name, tuple(names.get(label, label) for label in self.labels))


Term = tuple[Factor, ...]
Form = dict[Term, Any]  # terms in normal form, with their nonzero sympy coefficients
Pairs = Iterable[tuple[Sequence[Factor], Any]]


def bound_labels(factors: Iterable[Factor]) -> list[Label]:
    """The labels summed over, in the order of their appearance."""
    return list(dict.fromkeys(label for factor in factors for label in factor.labels if label.bound))


def canonical(factors: Sequence[Factor]) -> Term:
    """The same product with bound labels called 0, 1, …: the least over all ways that keep their roles.

    Raises:
        ValueError: too many labels play the same role.
    """
    bound = bound_labels(factors)
    roles = _roles(factors, bound)
    ordered = sorted(bound, key=lambda label: roles[label])
    groups = [list(group) for _, group in groupby(ordered, key=lambda label: roles[label])]
    if prod(factorial(len(group)) for group in groups) > MOST_RENAMINGS:
        raise ValueError(f"{len(bound)} summed indices look too much alike: split the expression into letters")

    def named(order: Iterable[Sequence[Label]]) -> Term:
        flat = [label for group in order for label in group]
        names = {label: Label(True, f"{place:02}", label.size) for place, label in enumerate(flat)}
        return tuple(sorted(factor.renamed(names) for factor in factors))

    return min(named(order) for order in product(*(permutations(group) for group in groups)))


def _roles(factors: Sequence[Factor], bound: Sequence[Label]) -> dict[Label, int]:
    """A number for each bound label that tells where it stands, the same under every renaming."""
    roles = _ranked({label: str(label.size) for label in bound})
    for _ in bound:
        places: dict[Label, list[Any]] = {label: [] for label in bound}
        for factor in factors:
            seen = tuple((1, roles[label], "") if label.bound else (0, 0, label.name) for label in factor.labels)
            for place, label in enumerate(factor.labels):
                if label.bound:
                    places[label].append((factor.name, place, seen))
        roles = _ranked({label: (roles[label], sorted(found)) for label, found in places.items()})
    return roles


def _ranked(keys: Mapping[Label, Any]) -> dict[Label, int]:
    ranks = [key for key, _ in groupby(sorted(keys.values()))]
    return {label: ranks.index(key) for label, key in keys.items()}


def collect(pairs: Pairs) -> Form:
    """Like terms together, each in normal form."""
    form: Form = {}
    for factors, coefficient in pairs:
        rest, count = contracted(factors)
        term = canonical(rest)
        form[term] = sympy.cancel(form[term] + count * coefficient) if term in form else count * coefficient
    return {term: value for term, value in form.items() if value != 0}


def contracted(factors: Sequence[Factor]) -> tuple[list[Factor], Any]:
    """The product without deltas except between free indices, and the number of values of the indices that vanished.

    δ_ij f_i = δ_ij f_j, so the delta of a bound index goes with the index; that of free ones makes them alike.
    """
    rest = list(factors)
    vanished = set(bound_labels(factors))
    kept: set[Factor] = set()
    while found := next((factor for factor in rest if factor.name == DELTA), None):
        rest.remove(found)
        first, second = sorted(found.labels)  # free labels come first
        if first == second:
            continue
        names = {second: first}
        rest = [factor.renamed(names) for factor in rest]
        vanished.discard(second)
        if not second.bound:
            kept = {factor.renamed(names) for factor in kept} | {Factor(DELTA, (first, second))}
    whole = [*rest, *sorted(kept)]
    return whole, prod(label.size for label in vanished - set(bound_labels(whole)))


def add(left: Form, right: Form) -> Form:
    return collect([*left.items(), *right.items()])


def scale(form: Form, value: Any) -> Form:
    return {} if value == 0 else {term: sympy.cancel(value * factor) for term, factor in form.items()}


def subtract(left: Form, right: Form) -> Form:
    return add(left, scale(right, -1))


def multiply(left: Form, right: Form) -> Form:
    """The product; the bound labels of one side are kept apart from those of the other."""
    return collect(
        ([*term, *_apart(other, "'")], value * factor)
        for term, value in left.items()
        for other, factor in right.items()
    )


def _apart(term: Iterable[Factor], mark: str) -> list[Factor]:
    known = list(term)
    names = {label: label._replace(name=label.name + mark) for label in bound_labels(known)}
    return [factor.renamed(names) for factor in known]


def relabel(form: Form, names: Mapping[Label, Label]) -> Form:
    """Labels exchanged, all at once."""
    return collect(([factor.renamed(names) for factor in term], value) for term, value in form.items())


def bind(form: Form, index: Label) -> Form:
    """The sum over a free label; a term without it is multiplied by the number of its values."""
    bound = Label(True, f"{index.name}*", index.size)
    spread = Factor(DELTA, (bound, bound))  # so that the label occurs
    return collect(([spread, *(f.renamed({index: bound}) for f in term)], value) for term, value in form.items())
