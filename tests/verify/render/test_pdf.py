"""The report: what a reader finds in it, that it depends on the record alone, and that no record breaks it."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from functools import cache

import pypdf
import pytest
import typst

from tests.verify.render import samples
from tests.verify.render.samples import Json
from verify.render.pdf import compile_arguments, render_pdf

RECORDS = {"passing": samples.record, "hostile": samples.hostile}


@cache
def rendered(name: str) -> bytes:
    return render_pdf(RECORDS[name]())


def reader(name: str) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(rendered(name)))


def letters(text: str) -> str:
    """The text without what typesetting changes: spaces, line ends, and the marks of sub- and superscripts."""
    return re.sub(r"[\s\u200b_^{}]", "", unicodedata.normalize("NFC", text.replace("’", "'")))


def text_of(report: bytes) -> str:
    return letters("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(report)).pages))


def strings(record: Json) -> list[str]:
    """What a reader must find: every sentence, name and verdict, and the command that replays the run."""
    evidence, controls = record["evidence"], record["controls"]
    findings = [finding for item in evidence for finding in item["findings"]]
    return [
        record["verdict"].upper(),
        record["place"],
        record["title"][1:],
        record["provenance"]["command"],
        record["instance"]["sha256"],
        *(item["sentence"] for item in [*evidence, *controls]),
        *(item["verdict"] for item in [*evidence, *controls]),
        *(finding["name"] for finding in findings),
        f"rejected {sum(item['verdict'] == 'rejected' for item in controls)}/{len(controls)}",
    ]


@pytest.mark.parametrize("name", RECORDS)
def test_a_reader_finds_everything_that_the_record_says(name: str) -> None:
    text = text_of(rendered(name))
    assert [string for string in strings(RECORDS[name]()) if letters(string) not in text] == []


def test_statement_in_words_and_what_would_make_it_wrong_are_told_apart() -> None:
    text = text_of(rendered("passing"))
    assert letters("at most the gap Δ, and ŷ*_k = y_k on the prompt.") in text
    assert letters("What would have made it fail. Wrong if one prompt breaks the inequality") in text
    assert letters("T is read in the paper's text; R is re-derived here") in text
    assert letters("The proof is one line. Wrong if") not in text


@pytest.mark.parametrize("name", RECORDS)
def test_fonts_are_embedded(name: str) -> None:
    embedded: set[str] = set()
    missing: set[str] = set()
    for page in reader(name).pages:
        fonts = page["/Resources"]["/Font"]  # type: ignore[index]
        for font in (fonts[key].get_object() for key in fonts):
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            held = {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)
            (embedded if held else missing).add(font["/BaseFont"])
    assert embedded
    assert not missing


@pytest.mark.parametrize("name", RECORDS)
def test_no_glyph_is_missing_and_pictures_have_words_for_those_who_cannot_see_them(name: str) -> None:
    """The archival standard PDF/A-3a refuses both."""
    _, warnings = typst.compile_with_warnings(**compile_arguments(RECORDS[name]()), pdf_standards="a-3a")
    assert not warnings


@pytest.mark.parametrize("name", RECORDS)
def test_record_travels_with_the_report(name: str) -> None:
    record = RECORDS[name]()
    (attached,) = reader(name).attachments["lemma7.json"]
    assert json.loads(attached) == record


def test_same_record_gives_the_same_bytes_and_another_time_another_date() -> None:
    assert render_pdf(samples.record()) == rendered("passing")
    created = reader("passing").metadata
    assert created is not None
    assert created.creation_date_raw == "D:20260102030405Z"
    assert created.title == "Lemma 7: verification report of lemma7"
    assert created.author is None


def test_verdict_is_on_every_page_with_the_claim_and_the_page_number() -> None:
    pages = reader("passing").pages
    for place, page in enumerate(pages, start=1):
        assert letters(f"lemma7 Pass page {place} of {len(pages)}") in letters(page.extract_text())


@pytest.mark.parametrize("statement", ["frac(1", "no_such_function(x)", "#panic()", "$ x"])
def test_statement_that_is_not_mathematics_is_named(statement: str) -> None:
    with pytest.raises(ValueError, match=r"statement of claim 'lemma7' is not Typst mathematics: .+; correct it"):
        render_pdf(samples.record(statement=statement))


def test_nan_in_a_record_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        render_pdf(samples.record(quantities={"gap": float("nan")}))


@pytest.mark.parametrize("verdict", ["pass", "undecided", "fail", "error"])
def test_a_bare_record_is_a_report_too(verdict: str) -> None:
    bare = samples.record(
        verdict=verdict,
        evidence=[],
        controls=[],
        quantities={},
        text="",
        statement="x",
        mark="B",
        builds_on=[],
        foundations=[],
        cites=[],
    )
    text = text_of(render_pdf(bare))
    assert verdict.upper() in text
    assert letters("No defects were planted.") in text
