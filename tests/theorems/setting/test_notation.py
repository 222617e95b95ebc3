"""The table of notation and the statement files know the same letters.

What counts as a letter of a statement:

- in its mathematics, the Typst string without its quoted words: every name of one letter, and every Greek one, with the
  accent that is put on it;
- in its words, that is its docstring and the sentences of its checks and controls: a Greek letter, or a Latin one that
  has an accent or stands alone. The article "a", the s after an apostrophe and the mark in the heading are none;
- every symbol that its file imports from `notation`, `constants` or `network.letters`, by its Python name.

Indices and exponents are left out, and so is what belongs to mathematics itself (`COMMON`). A row is about the first
letter of its first column: a row may say more of it, such as an index, and a letter that means two things has two rows.
"""

from __future__ import annotations

import ast
import importlib
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

import theorems
from theorems.network import letters
from theorems.setting import constants, notation
from theorems.setting.limit import Limit
from theorems.setting.notation import LETTERS, Letter
from verify.discovery import Entry, entries

ENTRIES = entries("theorems")
FOLDER = Path(theorems.__file__).parent
STATEMENTS = {entry.id for entry in ENTRIES}
SHARED = {module.__name__: module for module in (notation, constants, letters)}

COMMON = {"I", "Σ", "χ"}  # the identity, a sum, and the law χ²
ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "overline": "\u0304"}
MARK = f"[{''.join(ACCENTS.values())}]"
GREEK = {unicodedata.name(c).rsplit(" ", 1)[1].lower(): c for c in "αβγδεζηθκλμξρσστχω"} | {"lambda": "λ", "ell": "ℓ"}
GREEK |= {name.capitalize(): c.upper() for name, c in GREEK.items() if name != "ell"}
ARTICLE_OR_POSSESSIVE = re.compile(r"\b[aA]\b(?![_(⁰-₟])|(?<=['’])s\b")
HEADING = re.compile(r"\[[TRB][^\]]*\]")
BELOW_OR_ABOVE = re.compile(r"[_^](?:\{[^}]*\}|\([^)]*\)|[a-zα-ω0-9]+|[A-Z∞])")


def in_words(text: str) -> set[str]:
    """The letters in prose."""
    plain = text.replace("e.g.", " ").replace("i.i.d.", " ")
    return in_formula(HEADING.sub(" ", ARTICLE_OR_POSSESSIVE.sub(" ", plain)))


def in_formula(text: str) -> set[str]:
    """The letters where no words stand between them."""
    plain = BELOW_OR_ABOVE.sub(" ", unicodedata.normalize("NFD", text))
    found: set[str] = set()
    for run in re.findall(rf"(?:[A-Za-zÀ-ÖØ-öø-ɏℓ]{MARK}*[\u0300-\u036f]*)+|[α-ωΑ-Ω]{MARK}*", plain):
        single = re.findall(rf".{MARK}*", run)
        if len(single) == 1 or re.search(MARK, run):
            found |= {unicodedata.normalize("NFC", letter) for letter in single}
    return found - COMMON


def in_mathematics(text: str) -> set[str]:
    """The letters in Typst mathematics."""
    plain = BELOW_OR_ABOVE.sub(" ", re.sub(r'"[^"]*"', " ", text))
    found: set[str] = set()
    for accent, name in re.findall(r"(?:\b(hat|tilde|overline)\()?\b([A-Za-z]+)\b", plain):
        if len(name) == 1 or name in GREEK:
            found.add(unicodedata.normalize("NFC", GREEK.get(name, name) + ACCENTS.get(accent, "")))
    return found - COMMON


def of_statement(entry: Entry) -> set[str]:
    """The letters of a statement's words and mathematics."""
    words = (entry.text, *(part.sentence for part in (*entry.checks, *entry.controls)))
    return in_mathematics(entry.statement or "").union(*map(in_words, words))


KNOWN = set[str]().union(*(in_formula(letter.paper) for letter in LETTERS))


def imported(entry: Entry) -> set[str]:
    """The Python names of the shared letters that a statement's file imports."""
    tree = ast.parse((FOLDER / f"{entry.id}.py").read_text(encoding="utf-8"))
    taken = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module in SHARED]
    names = {(str(node.module), alias.name) for node in taken for alias in node.names}
    return {name for module, name in names if isinstance(getattr(SHARED[module], name), sp.Symbol | sp.MatrixSymbol)}


def owner(letter: Letter) -> Any:
    """The file or class in which a row's Python name is found."""
    where, dot, _ = letter.name.rpartition(".")
    if not dot:
        return next((module for module in SHARED.values() if hasattr(module, letter.name)), None)
    if where in ("Limit", "Point"):
        return {"Limit": Limit, "Point": letters.Point}[where]
    return importlib.import_module(f"theorems.{where}" if where in STATEMENTS else f"theorems.setting.{where}")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_letter_of_a_statement_is_in_the_table(entry: Entry) -> None:
    assert of_statement(entry) - KNOWN == set(), "give it a row in theorems/setting/notation.py"
    assert imported(entry) - {letter.name for letter in LETTERS} == set()


def test_every_row_is_used() -> None:
    seen = set[str]().union(*map(of_statement, ENTRIES))
    taken = set[str]().union(*map(imported, ENTRIES))
    unused = [row for row in LETTERS if row.name not in taken and not in_formula(row.paper) & seen]
    assert [row.paper for row in unused] == []


@pytest.mark.parametrize("letter", [letter for letter in LETTERS if letter.name], ids=lambda letter: letter.name)
def test_a_python_name_leads_to_the_letter(letter: Letter) -> None:
    assert hasattr(owner(letter), letter.name.rpartition(".")[2])


def test_rows_are_different() -> None:
    names = [letter.name for letter in LETTERS if letter.name]
    assert len(set(names)) == len(names)
    assert len({(letter.paper, letter.place) for letter in LETTERS}) == len(LETTERS)
    assert all(letter.paper and letter.meaning and letter.place for letter in LETTERS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Lemma 4 [T]: a mean of A’s, e.g. every token's", set()),
        ("Z̄C_k and Â = (ZᵀZ)†ZᵀZ̃", {"Z̄", "C", "Â", "Z", "Z̃"}),
        ("‖w_{h,k}‖ ≤ 2√2 γα f̄_max K^{3/2} in R^N", {"w", "γ", "α", "f̄", "K", "R"}),
        ("mτI, l of Łojasiewicz, Müller", {"m", "τ", "l"}),
    ],
)
def test_letters_in_words(text: str, found: set[str]) -> None:
    assert in_words(text) == found


def test_letters_in_mathematics() -> None:
    text = (
        r'"rank" Z = m quad hat(lambda) := arg min_w norm(overline(Z) tilde(a)_(k+1))^2 + Delta^((t)) ell "for all" K'
    )
    assert in_mathematics(text) == {"Z", "m", "λ̂", "Z̄", "ã", "Δ", "ℓ", "K"}


def test_a_letter_without_a_row_is_missed() -> None:
    """The rule sees what nobody has written down: ψ in words, omega in mathematics."""
    assert in_words("at most ψ_k") - KNOWN == {"ψ"}
    assert in_mathematics("omega <= 1") - KNOWN == {"ω"}
