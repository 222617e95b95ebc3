"""Where everything that a chain uses comes from: what is listed in the report, and what makes the chain unknown.

Rules, lemmas and conclusions are made again and compared, so that what was typed by hand, or changed after it was
made, is found out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import sympy as sp

from verify.prove.inequalities import rules
from verify.prove.inequalities.chain import Chain, Fact, Line, Made, replaced
from verify.prove.inequalities.format_quantity import spell, spell_matrix
from verify.prove.inequalities.lemma import Lemma, Premise, cite, define, hypothesis, quote
from verify.prove.inequalities.quantity import Columns, Diagonal, Letter, SumOf, size
from verify.prove.matrices.sampling import Equation

Item = Any  # Fact, Equation, SumOf, Columns or Diagonal


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """What a chain rests on and does not prove itself; `source` is a book, or the statement that is quoted."""

    kind: str
    text: str
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What a chain rests on, and what is wrong with that.

    `leaves` are all of them; `believes` the sources and `rests_on` the statements that it uses itself, not by way
    of a lemma. `items` is everything between them, to be tried, and `own` those that the chain uses itself.
    """

    leaves: tuple[Leaf, ...]
    believes: tuple[str, ...]
    rests_on: tuple[str, ...]
    doubts: tuple[str, ...]
    items: tuple[Item, ...]
    own: tuple[Item, ...]


def trust(chain: Chain) -> Trust:
    """Ask everything that the chain uses where it comes from."""
    found: dict[tuple[int, bool], tuple[Item, bool]] = {}
    doubts = dict.fromkeys(_visit(chain, True, found))
    items = list({id(item): item for item, _ in found.values()}.values())
    own = [item for item, itself in found.values() if itself]
    doubts |= dict.fromkeys([*filter(None, map(_flaw, items)), *_misdefined(items)])
    sources = (item.source for item in own if isinstance(item, Fact) and item.source)
    return Trust(
        leaves=tuple(dict.fromkeys(leaf for item in items if (leaf := _leaf(item)))),
        believes=tuple(dict.fromkeys(sources)),
        rests_on=tuple(dict.fromkeys(lemma.claim for item in own for lemma in _lemmas(item))),
        doubts=tuple(doubts),
        items=tuple(items),
        own=tuple(own),
    )


def _visit(chain: Chain, own: bool, found: dict[tuple[int, bool], tuple[Item, bool]]) -> Iterator[str]:
    """Collect everything that the chain uses; yields the lines that were made by hand."""
    before = chain.start
    for line in chain.lines:
        if line.lifts and not _lifted(before, line):
            yield f"the line {spell(line.expression)} was made by hand; make it with by(…) or to(…)"
        for fact in line.facts:
            yield from _gather(fact, own, found)
        before = line.expression


def _gather(item: Item, own: bool, found: dict[tuple[int, bool], tuple[Item, bool]]) -> Iterator[str]:
    if (id(item), own) in found:
        return
    found[id(item), own] = item, own
    for given in _within(_arguments(item), Fact):  # to a lemma: they are the quoting file's own
        yield from _gather(given, own, found)
    own = own and getattr(item, "lemma", None) is None
    parts: tuple[Item, ...] = getattr(item, "parts", ())
    for part in (*getattr(item, "needs", ()), *parts):
        yield from _gather(part, own, found)
    for chain in getattr(item, "because", ()):
        yield from _visit(chain, own, found)


def _arguments(item: Item) -> tuple[Any, ...]:
    """What a lemma was given where it was quoted."""
    made = item.made if getattr(item, "lemma", None) is not None else None
    return (*made.arguments[1:], *(value for _, value in made.options)) if isinstance(made, Made) else ()


def _lemmas(item: Item) -> Iterator[Lemma]:
    """The lemma that an item quotes, and those that were given to it."""
    if isinstance(getattr(item, "lemma", None), Lemma):
        yield item.lemma
        yield from _within(_arguments(item), Lemma)


def _within(value: Any, kind: type) -> Iterator[Any]:
    """The things of a kind in a value, through tuples and records."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _within(part, kind)
    elif is_dataclass(value) and not isinstance(value, (Fact, Chain, Lemma, Made)):
        for each in fields(value):
            yield from _within(getattr(value, each.name), kind)


def _lifted(before: Any, line: Line) -> bool:
    """Whether replacing one side of the line's fact by the other gives the line with its lifts."""
    sides = [(fact.left, fact.right) for fact in line.facts] if len(line.facts) == 1 else []
    return any(
        replaced(before, *pair) == (line.expression, line.lifts) for side in sides for pair in (side, side[::-1])
    )


def _flaw(item: Item) -> str | None:
    """What is wrong with where the item comes from."""
    if isinstance(item, Fact):
        return _flaw_of_fact(item)
    if isinstance(item, Columns):
        named = isinstance(_bare(item.matrix), (Letter, sp.Identity)) and isinstance(item.vector, Letter)
        letters = bool(item.parts) or named
        fits = (item.matrix.cols, item.vector.shape, item.index.lower) == (size(item.index), (item.matrix.rows, 1), 0)
        return None if letters and fits and _subtracted(item) else f"{text_of(item)} is no name for the columns"
    if isinstance(item, Diagonal):
        letters = bool(item.parts) or (isinstance(item.matrix, Letter) and isinstance(item.entries, Letter))
        fits = item.matrix.shape == (item.entries.rows, item.entries.rows) and item.entries.cols == 1
        return None if letters and fits and _subtracted(item) else f"{text_of(item)} is no name for a diagonal matrix"
    if getattr(item, "lemma", None) is not None or getattr(item, "kind", "") == "quoted":
        return _misquoted(item)
    if isinstance(item, SumOf) and item.kind != "hypothesis":
        return None if _subtracted(item) or _remade(item) else f"{text_of(item)} was made by hand"
    return f"{text_of(item)} was made by hand" if isinstance(item, Premise) and not _remade(item) else None


def _flaw_of_fact(fact: Fact) -> str | None:
    if fact.kind == "quoted":
        return _misquoted(fact)
    if fact.kind == "derived":
        relations = [chain.conclusion for chain in fact.because]
        fits = len(relations) == 1 and (relations[0].left, relations[0].right) == (fact.left, fact.right)
        return None if fits and not fact.equal else f"{text_of(fact)} is not what its chain concludes"
    if fact.kind == "cited":
        return None if fact.source.strip() else f"{text_of(fact)} is cited without a source"
    if fact.kind in ("rule", "defined", "hypothesis"):
        return None if _remade(fact) else f"{text_of(fact)} was made by hand, not by {fact.kind}"
    return f"{text_of(fact)} comes from nowhere; use a rule, define, hypothesis, cite or quote"


def _remade(item: Item) -> bool:
    """Whether the toolkit's own function makes the item again from its arguments."""
    made = item.made
    if not isinstance(made, Made):
        return False
    name = getattr(made.by, "__name__", "")
    trusted = {"defined": define, "hypothesis": hypothesis, "cited": cite, "quoted": quote}
    if made.by is not trusted.get(item.kind, vars(rules).get(name) if hasattr(made.by, "__wrapped__") else None):
        return False
    try:
        again = made.again()
    except ValueError:
        return False
    if again == item:
        return True
    return bool(isinstance(item, Fact) and item.equal and again.equal and again.reversed() == item)


def _subtracted(item: Any) -> bool:
    """Whether an item with parts is their difference."""
    if not item.parts:
        return not isinstance(item, SumOf)
    return (
        len(item.parts) == 2
        and all(type(part) is type(item) for part in item.parts)
        and (item.parts[0] - item.parts[1] == item)
    )


def _misquoted(item: Any) -> str | None:
    """A lemma is found under its own name in the file of a statement, says what was quoted, and is proved."""
    lemma = item.lemma
    if not isinstance(lemma, Lemma) or item.kind != "quoted" or not _remade(item):
        return f"{text_of(item)} is not what a lemma says; use quote"
    home = vars(sys.modules.get(lemma.module, sp.S.__class__))
    if "CLAIM" not in home or all(value is not lemma for value in home.values()):
        return f"{lemma.name} is quoted from {lemma.module}, which is no statement that holds it"
    open_ = [found.name for found in lemma.proved if found.status != "proved"]
    if lemma.proofs is not None and (open_ or not lemma.proved):
        return f"{lemma.name} is not proved: {', '.join(open_) or 'nothing proves it'}"
    return None


def _misdefined(items: list[Item]) -> Iterator[str]:
    """Symbols that are defined twice, or by themselves."""
    known: dict[Any, tuple[str, Any]] = {}
    for item in items:
        for symbol, meaning, parts in _definitions(item):
            if known.setdefault(symbol, (meaning, parts))[0] != meaning:
                yield f"{symbol} is defined twice: {known[symbol][0]} and {meaning}"
    for symbol in known:
        if symbol in _reached(symbol, known):
            yield f"{symbol} is defined by itself"


def _definitions(item: Item) -> Iterator[tuple[Any, str, frozenset[Any]]]:
    """The symbol, what it means, and the symbols and letters that this mentions."""
    if isinstance(item, (Columns, Diagonal)) and not item.parts:
        inside = item.vector if isinstance(item, Columns) else item.entries
        yield _bare(item.matrix), text_of(item), _atoms(inside)
    elif getattr(item, "kind", "") == "defined" and item.made is not None:
        symbol, expression = item.made.arguments[:2]
        yield symbol, f"{symbol} := {expression}", _atoms(expression)


def _reached(symbol: Any, known: dict[Any, tuple[str, Any]]) -> set[Any]:
    reached: set[Any] = set()
    waiting = set(known[symbol][1])
    while waiting:
        each = waiting.pop()
        if each not in reached:
            reached.add(each)
            waiting |= set(known[each][1]) if each in known else set()
    return reached


def _atoms(expression: Any) -> frozenset[Any]:
    return frozenset(expression.atoms(sp.Symbol, sp.Indexed, sp.MatrixSymbol))


def _bare(matrix: Any) -> Any:
    return matrix.arg if isinstance(matrix, sp.Transpose) else matrix


def _leaf(item: Item) -> Leaf | None:
    """How the item is listed, unless a rule or a chain of this report gives it."""
    kind = getattr(item, "kind", "hypothesis" if isinstance(item, Equation) else "defined")
    if kind in ("rule", "derived", "unfounded") or (hasattr(item, "parts") and item.parts):
        return None
    lemma = getattr(item, "lemma", None)
    source = lemma.claim if isinstance(lemma, Lemma) else getattr(item, "source", "")
    return Leaf(kind=kind, text=text_of(item), source=source)


def text_of(item: Item) -> str:
    """The item as a line of its own."""
    if isinstance(item, Fact):
        left, right = (item.right, item.left) if item.kind == "defined" else (item.left, item.right)
        sign = ":=" if item.kind == "defined" else "=" if item.equal else "≤"
        return f"{spell(left)} {sign} {spell(right)} ({item.rule})"
    if isinstance(item, Columns):
        return f"{spell_matrix(item.matrix)} has the columns {spell_matrix(item.vector)}"
    if isinstance(item, Diagonal):
        return f"{spell_matrix(item.matrix)} := diag({spell_matrix(item.entries)})"
    if isinstance(item, SumOf):
        return f"{spell_matrix(item.whole)} = Σ_{item.index} {spell_matrix(item.part)} ({item.reason})"
    sign = ":=" if getattr(item, "kind", "") == "defined" else "="
    return f"{spell_matrix(item.left)} {sign} {spell_matrix(item.right)} ({item.name})"
