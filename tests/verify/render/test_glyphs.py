"""Whatever a record's texts hold, they are in its report: a glyph or an escape, within the page, and never markup."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pypdf
import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.render import samples
from tests.verify.render.test_pdf import letters, text_of
from verify.render.glyphs import shown
from verify.render.pdf import compile_arguments, render_pdf
from verify.render.words import rich

TITLES = [
    "漢字 and 😀.npz",
    "שלום עולם",
    "مرحبا",
    "a\u202eb\u2066c",
    "new\nline\ttab\r",
    "\x00\x1b[31mred\x7f\x9b",
    "#panic(1) $x$ *b* _i_ <label> @ref \\ // /* ` ``` [c] {d} ~ -- ... = - + 1. https://example.org",
    "\udcff\udc80byte",
    "x" * 180,
    "é" * 180 + ".npz",
    "\u0338\u0303combining",
    "\ue000\ufffe\U0010ffff",
    "\u2028\u2029\u200b\u00ad",
    "a" + "\u0301" * 60,
    "1e999 -2e-8 x_{y}^{z} _ ^ ",
    "",
]


def with_text(text: str, place: str = "") -> dict[str, Any]:
    """A small record with the text at one place, or at every place that holds words of others."""
    estimate = samples.estimate([0.9, 1.1], [1.0, 1.0])
    proof = samples.identity(hypotheses=[text], believes=[text], rests_on=[text], witness=text, status="refuted")
    trend = samples.trend([3.0, 2.0, 1.0], x_label=text, y_label=text)
    known = samples.assumption(0.5, meaning=text)
    named = [item | {"name": text, "reading": text} for item in (estimate, proof, trend, known)]
    check = samples.check("measure_it", text, *named, error=text, summary=text, verdict="error")
    provenance = samples.record()["provenance"] | {
        "command": f"verify {text}",
        "platform": text,
        "parameters": {"t": text},
    }
    everything = {
        "title": text,
        "place": text,
        "mark": text,
        "text": f"Lemma 7 [B]: a title.\n\n{text}\n\nWrong if {text}",
        "trust": [text],
        "cites": [text],
        "instance": {"source": text, "sha256": "ab" * 32, "N": 3},
        "evidence": [check],
        "controls": [samples.control(text)],
        "provenance": provenance,
        "reasons": [{"verdict": "fail", "text": text}],
        "quantities": {text or "q": 1.0},
        "verdict": "fail",
        "ground": [{"name": text, "area": "laws", "against": "x", "seconds": 0.1, "trouble": text}],
        "foundations": [{"claim": text or "c", "place": text, "builds_on": [], "verdict": "pass"}],
        "builds_on": [text or "c"],
    }
    return samples.record(**{key: value for key, value in everything.items() if place in ("", key)})


def compiled(record: dict[str, Any]) -> bytes:
    """The report under the archival standard, which refuses a glyph that no font has."""
    report, warnings = typst.compile_with_warnings(**compile_arguments(record), pdf_standards="a-3a")
    assert not warnings
    return bytes(report)


@pytest.mark.parametrize("text", TITLES, ids=[ascii(title)[:30] for title in TITLES])
def test_every_text_can_be_anywhere(text: str) -> None:
    record = with_text(text)
    report = compiled(record)
    seen = letters("".join(body for _, body in rich(shown(record)["title"])))
    extracted_otherwise = re.search("[\u0590-\u06ff]|^\u0338", text)  # right to left; marks without a letter
    assert extracted_otherwise or seen.replace("\xad", "") in text_of(report).replace("\xad", "")
    (attached,) = pypdf.PdfReader(io.BytesIO(render_pdf(record))).attachments["lemma7.json"]
    assert json.loads(attached)["verdict"] == "fail"


@settings(max_examples=15)
@given(st.text(st.characters(codec=None), max_size=40))
def test_random_text_is_neither_markup_nor_lost(text: str) -> None:
    compiled(with_text(text))


@settings(max_examples=10)
@given(st.text(st.sampled_from("#$@<>\\*_`'\"[]{}()~^/=-+|&%!:;,.?\n e1\u0303λ"), min_size=8, max_size=60))
def test_random_markup_is_text(text: str) -> None:
    compiled(with_text(text))


@pytest.mark.parametrize("text", ["x" * 180, "W" * 300, "漢" * 60, "ab/" * 70, "M_" * 80], ids=lambda text: text[:3])
def test_nothing_runs_past_the_edge_of_the_page(text: str) -> None:
    pages = pypdf.PdfReader(io.BytesIO(render_pdf(with_text(text)))).pages
    ends: list[float] = []

    def visit(body: str, _: Any, matrix: list[float], font: Any, size: float) -> None:
        if body.strip() and font is not None:
            ends.append(matrix[4])

    for page in pages:
        page.extract_text(visitor_text=visit)
    assert max(ends) < float(pages[0].mediabox.width) - 20 / 25.4 * 72  # no line begins beyond the right margin


def test_a_record_keeps_what_is_no_text_of_others() -> None:
    record = samples.record(statement="漢 + 1")
    assert shown(record)["statement"] == "漢 + 1"
    assert shown(samples.record()) == json.loads(json.dumps(samples.record()))
    assert shown({"text": "é\nb\x1b", "title": "é\nb"}) == {"text": "é\nb\\x1b", "title": "é\\nb"}
