"""Words and numbers for print say what the record says."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.render import words
from verify.render.words import number, rich, split_text


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.2, "0.2"),
        (0.01625, "0.0163"),
        (2.8e-8, "2.8\u00a0×\u00a010⁻⁸"),
        (-3.5e9, "−3.5\u00a0×\u00a010⁹"),
        (1e-5, "10⁻⁵"),
        (-1e6, "−10⁶"),
        (1275, "1275"),
        (20_000, "20\u202f000"),
        (1234.5, "1234"),
        (0.0, "0"),
        (True, "yes"),
        (False, "no"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "not a number"),
        (None, "not a number"),
    ],
)
def test_number(value: Any, printed: str) -> None:
    assert number(value) == printed


@given(st.floats(-1e300, 1e300), st.integers(2, 9))
def test_printed_number_is_the_number_to_its_digits(value: float, digits: int) -> None:
    printed = number(value, digits).replace("−", "-").replace("\u00a0", "")
    mantissa, power = re.fullmatch(r"(-?[\d.]*?)×?(?:10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", printed).groups()  # type: ignore[union-attr]
    exponent = int((power or "⁰").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
    read = float(f"{mantissa + '1' if mantissa in ('', '-') else mantissa}e{exponent}")
    assert math.isclose(read, value, rel_tol=10.0 ** (1 - digits))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ŷ*_k", [("text", "ŷ*"), ("sub", "k")]),
        ("‖A‖_F²", [("text", "‖A‖"), ("sub", "F"), ("text", "²")]),
        ("|xᵀ u| ≤ ‖x‖₁ ‖u‖_∞", [("text", "|xᵀ u| ≤ ‖x‖₁ ‖u‖"), ("sub", "∞")]),
        ("W_h^V x", [("text", "W"), ("sub", "h"), ("sup", "V"), ("text", " x")]),
        ("λ_min(Z)", [("text", "λ"), ("sub", "min"), ("text", "(Z)")]),
        ("min_k b_{k,h}", [("text", "min"), ("sub", "k"), ("text", " b"), ("sub", "k,h")]),
        ("10^6", [("text", "10"), ("sup", "6")]),
        ("measure_training", [("text", "measure_training")]),
        ("_x and a_", [("text", "_x and a_")]),
        ("Z_tildeᵀ", [("text", "Z̃ᵀ")]),
        ("the paper's -2.50e-08", [("text", "the paper’s −2.50\u00a0×\u00a010⁻⁸")]),
        ("A\u0303", [("text", "Ã")]),
        ("sha 1e5a, 2e-3x", [("text", "sha 1e5a, 2e-3x")]),
        ("", []),
    ],
)
def test_rich(text: str, pieces: words.Rich) -> None:
    assert rich(text) == pieces


def test_split_text_takes_the_sentence_out_of_its_paragraph() -> None:
    paragraphs, wrong = split_text("Title.\n\nOne\ntwo.\n\nThree. Wrong if four\nor five.\n\nSix.")
    assert paragraphs == ["One two.", "Three.", "Six."]
    assert wrong == "Wrong if four or five."


def test_split_text_without_such_a_sentence() -> None:
    assert split_text("Title.\n\nNot wrong if said so.") == (["Not wrong if said so."], None)
    assert split_text("Title.") == ([], None)


def test_breakable_leaves_ordinary_text_alone() -> None:
    assert words.breakable("short words") == "short words"
    broken = words.breakable("x" * 200)
    assert broken.replace("\u200b", "") == "x" * 200
    assert max(map(len, broken.split("\u200b"))) <= 30


def test_a_word_breaks_after_its_signs_and_a_digest_never() -> None:
    assert words.breakable("Dvoretzky–Kiefer–Wolfowitz–Massart").split("\u200b") == [
        "Dvoretzky–",
        "Kiefer–",
        "Wolfowitz–",
        "Massart",
    ]
    assert words.breakable("sha256 " + "0a" * 32) == "sha256 " + "0a" * 32
    assert ("text", "\u200b") in rich("M_" * 40)


def test_clipped_cuts_at_a_word_where_there_is_one() -> None:
    assert words.clipped("short", 10) == "short"
    assert words.clipped("alpha beta gamma", 12) == "alpha beta …"
    assert words.clipped("a " + "x" * 20, 12) == "a xxxxxxxxxx …"


def test_worst() -> None:
    assert words.worst_name(["pass", "undecided"]) == "undecided"
    assert words.worst_name(["pass", "something new"]) == "error"
    assert words.worst_name([]) == "undecided"
