"""Reading expressions with indices into their normal form: letters expanded, derivatives taken, reciprocals cancelled.

The rules of differentiation are those of sums and products, ∂T_ij/∂T_pq = [i = p] [j = q] for tensors,
∂exp(u) = exp(u) ∂u and ∂(1/D) = −(1/D)² ∂D. The only equation used besides is r Σ_i e_i = 1, for a
reciprocal r whose body is a sum of one letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import sympy

from verify.prove.indices import tensors
from verify.prove.indices.contraction import (
    DELTA,
    Factor,
    Form,
    Label,
    Term,
    add,
    bind,
    bound_labels,
    collect,
    multiply,
    relabel,
    scale,
)
from verify.prove.indices.tensors import Expression, Index, Letter, Tensor
from verify.prove.matrices.format_polynomial import show_scalar, superscript

OPENED, AT = "°", "∂"  # marks of labels that no index can have


@dataclass
class Calculus:
    """What the expressions of one proof are made of, and the rules that were used on them."""

    named: Mapping[str, Tensor | Letter]
    hints: Mapping[Any, Sequence[str]]
    slopes: dict[tuple[str, str], Form] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    @classmethod
    def of(cls, expressions: Iterable[Expression]) -> Calculus:
        """The calculus of these expressions.

        Raises:
            ValueError: one name means two tensors or letters, or is an index of two ranges, or is marked.
        """
        named: dict[str, Tensor | Letter] = {}
        sizes: dict[str, Any] = {}
        for part in (part for expression in expressions for part in expression.walk()):
            if isinstance(part, tensors.Entry):
                _enter(named, part.of)
            for index in tensors.mentioned(part):
                if sizes.setdefault(index.name, index.size) != index.size or index.name[0] in OPENED + AT:
                    raise ValueError(f"the index {index.name} has two ranges, or a name that is reserved: rename it")
        hints: dict[Any, list[str]] = {}
        for name, size in sizes.items():
            hints.setdefault(size, []).append(name)
        return cls(named, hints)

    def used(self) -> tuple[str, ...]:
        """The rules used since the last call."""
        notes, self.notes = tuple(self.notes), {}
        return notes

    def read(self, expression: Expression) -> Form:
        """The normal form."""
        match expression:
            case tensors.Scalar(value):
                return {(): value} if value != 0 else {}
            case tensors.Sum(terms):
                return collect(pair for term in terms for pair in self.read(term).items())
            case tensors.Product(factors):
                form: Form = {(): sympy.Integer(1)}
                for factor in factors:
                    form = multiply(form, self.read(factor))
                return form
            case tensors.Total(body, index):
                return bind(self.read(body), _label(index))
            case tensors.Delta(first, second):
                return collect([([Factor(DELTA, (_label(first), _label(second)))], sympy.Integer(1))])
            case tensors.Entry(of, indices):
                return self._entry(of, tuple(map(_label, indices)))
            case tensors.Derivative(body, by):
                return self._differentiated(self.read(body), by.of.name, tuple(map(_label, by.indices)))
        raise ValueError(f"outside the calculus: {expression!r}")

    def _entry(self, of: Tensor | Letter, labels: tuple[Label, ...]) -> Form:
        best = self.named[of.name]
        if isinstance(best, Letter) and best.kind == "shorthand" and not best.kept:
            return relabel(self.read(best.body), dict(zip(map(_label, best.slots), labels, strict=True)))
        return collect([([Factor(of.name, labels)], sympy.Integer(1))])

    def _differentiated(self, form: Form, by: str, at: tuple[Label, ...]) -> Form:
        """The derivative by the entry `at` of the tensor `by`: the product rule, bound indices opened meanwhile."""
        whole: Form = {}
        for term, value in form.items():
            bound = bound_labels(term)
            names = {label: Label(False, OPENED + label.name, label.size) for label in bound}
            factors = [factor.renamed(names) for factor in term]
            summed: Form = {}
            for place, factor in enumerate(factors):
                others = collect([([*factors[:place], *factors[place + 1 :]], value)])
                summed = add(summed, multiply(others, self._slope(factor, by, at)))
            for label in names.values():
                summed = bind(summed, label)
            whole = add(whole, summed)
        return whole

    def _slope(self, factor: Factor, by: str, at: tuple[Label, ...]) -> Form:
        if factor.name == DELTA:
            return {}
        of = self.named[factor.name]
        if isinstance(of, Tensor):
            if of.name != by:
                return {}
            if of.sizes:
                self.notes[f"∂{of.name}/∂{of.name}: a delta for each index"] = None
            deltas = [Factor(DELTA, pair) for pair in zip(factor.labels, at, strict=True)]
            return collect([(deltas, sympy.Integer(1))])
        slots = [_label(slot) for slot in of.slots]
        generic = tuple(Label(False, f"{AT}{place}", label.size) for place, label in enumerate(at))
        if (of.name, by) not in self.slopes:
            self.slopes[of.name, by] = self._slope_of_letter(of, by, generic)
        names = dict(zip([*slots, *generic], [*factor.labels, *at], strict=True))
        return relabel(self.slopes[of.name, by], names)

    def _slope_of_letter(self, of: Letter, by: str, at: tuple[Label, ...]) -> Form:
        for known in of.known:
            if known.by.of.name == by:
                self.notes[f"∂{of.name}/∂{by} by {known.name}"] = None
                return relabel(self.read(known.value), dict(zip(map(_label, known.by.indices), at, strict=True)))
        inner = self._differentiated(self.read(of.body), by, at)
        own: Form = {(Factor(of.name, tuple(map(_label, of.slots))),): sympy.Integer(1)}
        if inner and of.kind == "exponential":
            self.notes["∂ exp(u) = exp(u) ∂u"] = None
            return multiply(own, inner)
        if inner and of.kind == "reciprocal":
            self.notes["∂ 1/D = −(1/D)² ∂D"] = None
            return scale(multiply(multiply(own, own), inner), sympy.Integer(-1))
        return inner

    def definitions(self) -> Iterator[str]:
        """The letters that derivations show by name, each with what it stands for."""
        for of in self.named.values():
            if isinstance(of, Letter) and of.kept:
                frame = {"exponential": "exp({})", "reciprocal": "1/({})", "shorthand": "{}"}[of.kind]
                own = _shown_factor(Factor(of.name, tuple(map(_label, of.slots))))
                yield f"{own} = {frame.format(self.show(self.read(of.body)))}"

    def cancel(self, form: Form) -> tuple[Form, tuple[str, ...]]:
        """The form without reciprocals that stand beside what they divide by, and the rules used."""
        rules: dict[str, None] = {}
        patterns = dict(self._patterns())
        while True:
            pairs = [self._cancelled(term, value, patterns, rules) for term, value in form.items()]
            reduced = collect(pairs)
            if reduced == form:
                return form, tuple(rules)
            form = reduced

    def _patterns(self) -> Iterator[tuple[str, tuple[Letter, Factor, Any]]]:
        for of in self.named.values():
            if isinstance(of, Letter) and of.kind == "reciprocal":
                body = self.read(of.body)
                if len(body) == 1 and len(term := next(iter(body))) == 1 and term[0].name != DELTA:
                    yield of.name, (of, term[0], body[term])

    def _cancelled(
        self, term: Term, value: Any, patterns: Mapping[str, tuple[Letter, Factor, Any]], rules: dict[str, None]
    ) -> tuple[Term, Any]:
        counts = Counter(label for factor in term for label in factor.labels)
        for below in (factor for factor in term if factor.name in patterns):
            of, pattern, coefficient = patterns[below.name]
            slots = dict(zip(map(_label, of.slots), below.labels, strict=True))
            for above in (factor for factor in term if factor.name == pattern.name):
                if _is_summed(pattern, above, slots, counts):
                    own = _shown_factor(Factor(of.name, tuple(map(_label, of.slots))))
                    rules[f"{own} {self.show(self.read(of.body))} = 1"] = None
                    rest = list(term)
                    rest.remove(below)
                    rest.remove(above)
                    # Sums over labels that stood in the reciprocal alone, or in both, are left without a body.
                    gone = set(bound_labels([below])) - set(bound_labels(rest))
                    return tuple(rest), value / coefficient * prod(label.size for label in gone)
        return term, value

    def write(self, form: Form) -> Expression:
        """The expression of a form."""
        whole = tensors.lift(0)
        for term, value in form.items():
            known = [label for factor in term for label in factor.labels]
            taken = {label.name for label in known if not label.bound}
            names = {
                label: Index(_apart(label.name, taken) if label.bound else label.name, label.size) for label in known
            }
            product = tensors.lift(value)
            for factor in term:
                indices = tuple(names[label] for label in factor.labels)
                product *= tensors.delta(*indices) if factor.name == DELTA else self.named[factor.name][indices]
            whole += tensors.total(product, *(index for label, index in names.items() if label.bound))
        return whole

    def show(self, form: Form) -> str:
        """The form as text: γ/K Σ_ki δ_ki b_ki − …"""
        signed: dict[bool, list[str]] = {False: [], True: []}
        for term, value in sorted(form.items(), key=lambda item: str(item[0])):
            coefficient = sympy.factor(value)
            negative = bool(coefficient.could_extract_minus_sign())
            signed[negative].append(self._shown_term(-coefficient if negative else coefficient, term))
        if not signed[False]:
            return "−" + " − ".join(signed[True]) if signed[True] else "0"
        return " − ".join([" + ".join(signed[False]), *signed[True]])

    def _shown_term(self, coefficient: Any, term: Term) -> str:
        taken = {label.name for factor in term for label in factor.labels if not label.bound}
        names: dict[Label, Label] = {}
        for label in bound_labels(term):
            name = next(name for name in self._names(label.size) if name not in taken)
            taken.add(name)
            names[label] = label._replace(name=name)
        powers = Counter(_shown_factor(factor.renamed(names)) for factor in term)
        factors = [text + (superscript(count) if count > 1 else "") for text, count in powers.items()]
        number = show_scalar(coefficient)
        before = [] if coefficient == 1 and factors else [f"({number})" if coefficient.is_Add else number]
        sums = ["Σ_" + _joined(label.name for label in names.values())] if names else []
        return " ".join([*before, *sums, *factors])

    def _names(self, size: Any) -> Iterator[str]:
        known = self.hints.get(size, ["n"])
        primes = ""
        while True:
            yield from (name + primes for name in known)
            primes += "′"


def _is_summed(pattern: Factor, above: Factor, slots: Mapping[Label, Label], counts: Mapping[Label, int]) -> bool:
    """Whether `above`, with the sums over its labels that occur nowhere else, is the pattern at these slots.

    A label that the pattern sums over stands for one label of `above`, everywhere that it occurs, and for no other.
    """
    found: dict[Label, Label] = {}
    for p, a in zip(pattern.labels, above.labels, strict=True):
        if not p.bound and slots[p] != a:
            return False
        if p.bound and found.setdefault(p, a) != a:
            return False
    places = Counter(above.labels)
    alone = all(a.bound and counts[a] == places[a] == pattern.labels.count(p) for p, a in found.items())
    return alone and len(set(found.values())) == len(found)


def _apart(name: str, taken: set[str]) -> str:
    """The name, primed until no free index has it: one of the same range would be captured by the sum."""
    return _apart(name + "′", taken) if name in taken else name


def _label(index: Index) -> Label:
    return Label(False, index.name, index.size)


def _shown_factor(factor: Factor) -> str:
    if factor.name == DELTA:
        return f"[{factor.labels[0].name} = {factor.labels[1].name}]"
    return f"{factor.name}_{_joined(label.name for label in factor.labels)}" if factor.labels else factor.name


def _joined(names: Iterable[str]) -> str:
    known = list(names)
    return ("" if all(len(name) == 1 for name in known) else ",").join(known)


def _enter(named: dict[str, Tensor | Letter], of: Tensor | Letter) -> None:
    """Enter a tensor or letter by its name; of several versions of a letter keep the one that knows most."""
    before = named.setdefault(of.name, of)
    if before != of:
        raise ValueError(f"two different things are called {of.name}: rename one of them")
    if isinstance(before, Letter) and isinstance(of, Letter) and len(of.known) > len(before.known):
        named[of.name] = of
