"""Lines for a terminal: no wider than it, wrapped once, nothing lost, and nothing in them is an instruction."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from verify.render.layout import NARROWEST, PLAIN_WIDTH, WIDEST, Page
from verify.render.visible import escaped, unicode_only, visible

WORDS = "the trained transformer performs ridge regression 漢字漢字 " + "x" * 300 + " ‖Ã − Â‖_F² [/red] [bold] :smile: "
ANYTHING = st.text(st.characters(categories=["L", "M", "N", "P", "S", "Z", "C"]), max_size=60)


def page(width: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Page, io.StringIO]:
    monkeypatch.setenv("COLUMNS", width)
    stream = io.StringIO()
    return Page(stream), stream


@pytest.mark.parametrize(
    ("columns", "width"),
    [
        ("1", NARROWEST),
        ("20", 20),
        ("80", 80),
        ("10000", WIDEST),
        ("0", PLAIN_WIDTH),
        ("", PLAIN_WIDTH),
        ("-5", PLAIN_WIDTH),
        ("wide", PLAIN_WIDTH),
        ("9" * 5000, PLAIN_WIDTH),
        ("²", PLAIN_WIDTH),
    ],
)
def test_width(columns: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert page(columns, monkeypatch)[0].width == width


@pytest.mark.parametrize("columns", ["1", "20", "41", "80", "10000"])
def test_lines_fit_and_lose_nothing(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out, stream = page(columns, monkeypatch)
    out.hanging(WORDS, label="label", first=2, indent=9)
    out.hanging(WORDS, indent=4)
    out.row((5, 4, out.width - 13), WORDS, "a", WORDS)
    lines = stream.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= out.width
    assert not any(line != line.rstrip() for line in lines)
    letters = "".join("".join(lines).split())
    assert letters.count("x") == 4 * 300 + 4 * WORDS.replace("x" * 300, "").count("x")
    assert "".join(WORDS.split()) in letters


def test_what_is_to_be_copied_is_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    out, stream = page("20", monkeypatch)
    out.line("  wrote " + "deep/" * 30)
    assert stream.getvalue() == "  wrote " + "deep/" * 30 + "\n"


@given(ANYTHING)
def test_nothing_that_is_printed_is_an_instruction(text: str) -> None:
    stream = io.StringIO()
    Page(stream).line(text)
    printed = stream.getvalue()
    assert printed == visible(text) + "\n"
    assert all(char in "\u200c\u200d" or unicodedata.category(char)[0] != "C" for char in printed[:-1])
    printed.encode()


@pytest.mark.parametrize(
    ("char", "shown"),
    [
        ("\x1b", "\\x1b"),
        ("\n", "\\n"),
        ("\x7f", "\\x7f"),
        ("\x9b", "\\x9b"),
        ("\u202e", "\\u202e"),
        ("\u2028", "\\u2028"),
        ("\udcff", "\\xff"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("a", "a"),
        ("漢", "漢"),
        ("Ã", "Ã"),
        ("λ̂", "λ̂"),
        ("\u200d", "\u200d"),
        ("\U0001f600", "\U0001f600"),
    ],
)
def test_visible(char: str, shown: str) -> None:
    assert visible(f"é{char}b") == f"é{shown}b"


def test_some_may_be_kept_and_escapes_are_text() -> None:
    assert visible("é\n\x1b", keep="\n") == "é\n\\x1b"
    assert escaped("\x7f") == "\\x7f"
    assert unicode_only("a\udcffb\x1b") == "a\\xffb\x1b"
