"""The audit: every claim has a verdict whatever becomes of its process, and nothing is believed that was not run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdf
import pytest

from tests.verify.test_broken_statements import GOOD
from verify.audit import summary
from verify.audit.errata import errata
from verify.discovery import Entry
from verify.paper import Row
from verify.record import read_record

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
HEAD = '''"""A paper.

Nobody, On *Nothing*.
"""
from dataclasses import replace
from theorems import PAPER as TRUE
from verify.paper import Row
LEMMAS = {"section": "Statements", "title": "a lemma"}
'''
UNLISTED = HEAD + "PAPER = replace(TRUE, ledger=())\n"
PAPER = f"""{HEAD}
PAPER = replace(TRUE, ledger=(
    Row(id="first", place="Lemma 1", claims=("good",), **LEMMAS),
    Row(id="second", place="Lemma 2", claims=("false", "good"), beside=("good",), **LEMMAS),
    Row(id="third", place="Lemma 3", claims=("killed",), **LEMMAS),
    Row(id="fourth", place="Lemma 4", title="the fourth", section="Statements"),
))
"""
CLAIMS = {
    "good": GOOD,
    "false": GOOD.replace("subject.size, bound", "3 + subject.size, bound").replace("a title", "an untrue title"),
    "killed": GOOD.replace("    yield", "    import os; os.kill(os.getpid(), 9)\n    yield"),
    "leaves": GOOD.replace("    yield", "    import os; os._exit(0)\n    yield"),
    "raises": GOOD + "raise RuntimeError('on purpose')\n",
    "prints": GOOD.replace("    yield", "    import os; os.write(1, b'no result'); print('none')\n    yield"),
}
WAITS = GOOD.replace(
    "    yield", "    import os, time\n    while not os.path.exists('go'): time.sleep(0.02)\n    yield"
)


def paper(folder: Path, claims: dict[str, str], init: str = PAPER) -> Path:
    """A folder that holds the package `somepaper`."""
    package = folder / "somepaper"
    package.mkdir()
    (package / "__init__.py").write_text(init, encoding="utf-8")
    for name, text in claims.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def begun(folder: Path, *options: str) -> subprocess.Popen[str]:
    code = (
        "from verify.__main__ import Ending; e = Ending(); e.watch(); from verify.cli import main; main('somepaper', e)"
    )
    environment = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}", "PYTHONIOENCODING": "utf-8"}
    words = [sys.executable, "-c", code, "audit", "--output", "out", *options]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, cwd=folder, env=environment, text=True, **pipes)


def audited(folder: Path, *options: str) -> tuple[int, str, str]:
    process = begun(folder, *options)
    try:
        out, error = process.communicate(timeout=90)
    finally:
        process.kill()
    assert "Traceback" not in out + error
    return process.returncode, out, error


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, str, str]]:
    folder = paper(tmp_path_factory.mktemp("audited"), CLAIMS)
    return folder / "out", audited(folder, "--preset", "quick", "--jobs", "2")


def audit_of(out: Path) -> Any:
    return json.loads((out / "audit.json").read_text(encoding="utf-8"))


def test_every_claim_has_a_verdict_whatever_becomes_of_its_process(finished: Any) -> None:
    out, (status, told, progress) = finished
    assert status == 1
    verdicts = {name: read_record(out / f"{name}.json")["verdict"] for name in CLAIMS}
    wanted = {
        "good": "pass",
        "false": "fail",
        "killed": "error",
        "leaves": "error",
        "raises": "error",
        "prints": "pass",
    }
    assert verdicts == wanted
    for name, verdict in wanted.items():
        assert f"{verdict.upper()} {name}" in told
        assert (out / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert "status -9" in read_record(out / "killed.json")["reasons"][0]["text"]
    assert "no result" not in told
    assert "none" not in told
    assert re.search(r"audit: \w+ took [\d.]+ s; 3 of 6 claims, about \d+ s left", progress)


def test_the_audit_counts_statements_not_claims(finished: Any) -> None:
    out, (_, told, _) = finished
    audit = audit_of(out)
    assert {row["id"]: row["verdict"] for row in audit["rows"]} == {
        "first": "pass",
        "second": "fail",
        "third": "error",
        "fourth": "not yet",
    }
    assert "4 statements of the paper: 1 pass, 1 fail, 1 error, 1 not yet" in told
    assert (audit["whole"], audit["verdict"], audit["schema"]) == (True, "error", summary.SCHEMA)
    for item in audit["claims"]:
        record = out / f"{item['claim']}.json"
        assert item["sha256"] == hashlib.sha256(record.read_bytes()).hexdigest()
        assert item["run"] == read_record(record)["provenance"]["run"]


def test_the_document_says_what_the_records_say(finished: Any) -> None:
    out, _ = finished
    document = pypdf.PdfReader(out / "audit.pdf")
    text = "\n".join(page.extract_text() for page in document.pages)
    for words in ("Map of the paper", "not yet", "What is false as it is printed", "an untrue title", "the fourth"):
        assert words in text
    titles = [item.title for item in document.outline if not isinstance(item, list)]
    assert "Map of the paper" in titles
    assert sum("Lemma 1: " in title for title in titles) == len(CLAIMS)
    assert set(document.attachments) == {"audit.json", *(f"{name}.json" for name in CLAIMS)}
    list_of_errata = (out / "errata.md").read_text(encoding="utf-8")
    assert list_of_errata.startswith("# Errata\n\nNobody, On \\*Nothing\\*.\n")
    assert list_of_errata.count("**As printed.**") == 1
    assert "violated" in list_of_errata
    assert "(`good`: pass)" in list_of_errata


def test_an_interrupted_audit_goes_on_from_what_is_finished(tmp_path: Path) -> None:
    folder = paper(tmp_path, {"good": GOOD, "raises": CLAIMS["raises"], "waits": WAITS}, UNLISTED)
    process = begun(folder, "--preset", "quick", "--no-pdf", "--jobs", "1")
    assert process.stderr is not None
    while "2 of 3" not in (line := process.stderr.readline()):
        assert line
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "2 of 3 claims are finished and kept" in error
    command = shlex.split(error.strip().partition("continue with: ")[2])
    assert command[:4] == ["python", "-m", "verify", "audit"]
    assert audit_of(folder / "out")["whole"] is False
    assert not (folder / "out" / "waits.json").exists()
    before = (folder / "out" / "good.json").read_bytes()
    (folder / "go").touch()
    status, told, progress = audited(folder, *command[4:])
    assert status == 1  # one claim raises
    assert "good was finished before" in progress
    assert "raises was finished" not in progress
    assert (folder / "out" / "good.json").read_bytes() == before
    assert "3 claims: 2 pass, 1 error" in told
    _, _, progress = audited(folder, *command[4:])
    assert "was finished before" not in progress, "an audit that has ended begins anew"


def test_a_statement_that_cannot_be_set_costs_no_other_its_pages(tmp_path: Path) -> None:
    claims = {"good": GOOD, "spelt": GOOD.replace('r"a = a"', 'r"unknown(a) \\"b\\" #["')}
    folder = paper(tmp_path, claims, UNLISTED)
    status, told, error = audited(folder, "--preset", "quick", "--json")
    assert status == 1
    assert "is not Typst mathematics" in error
    assert json.loads(told) == audit_of(folder / "out")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(folder / "out" / "audit.pdf").pages)
    assert "unknown(a)" in text


@pytest.mark.parametrize("change", ["record", "source", "preset"])
def test_what_was_changed_since_is_run_again(change: str, tmp_path: Path) -> None:
    folder = paper(tmp_path, {"false": CLAIMS["false"], "good": GOOD}, UNLISTED)
    assert audited(folder, "--preset", "quick", "--no-pdf")[0] == 1
    out = folder / "out"
    audit = out / "audit.json"
    audit.write_text(audit.read_text().replace('"whole": true', '"whole": false'))
    if change == "record":
        forged = (out / "false.json").read_text().replace('"verdict": "fail"', '"verdict": "pass"')
        (out / "false.json").write_text(forged)
    if change == "source":
        with (folder / "somepaper" / "false.py").open("a") as stream:
            stream.write("# changed\n")
    preset = "literal" if change == "preset" else "quick"
    status, _, progress = audited(folder, "--preset", preset, "--no-pdf")
    assert status == 1
    assert "false was finished before" not in progress or change == "preset"
    assert read_record(out / "false.json")["verdict"] == "fail"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--jobs", "0"), "jobs = 0 must be at least 1"),
        (("--jobs", "many"), "Input should be a valid integer"),
        (("--preset", "huge"), "huge"),
        (("--colour", "red"), "No such option: --colour"),
        (("lemma1",), "unexpected extra argument"),
        (("--output", "file"), "no folder"),
        (("--output", "taken"), "is no audit of this program"),
        (("--output", "written"), "is no list of errata of this program"),
    ],
)
def test_bad_usage_is_one_sentence_and_nothing_is_written(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    folder = paper(tmp_path, {"good": GOOD}, UNLISTED)
    (folder / "file").touch()
    for name, file in (("taken", "audit.json"), ("written", "errata.md")):
        (folder / name).mkdir()
        (folder / name / file).write_text("mine")
    status, told, error = audited(folder, *options)
    assert (status, told) == (2, "")
    assert words in error
    assert error.startswith("verify: ")
    assert error.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["file", "somepaper", "taken", "written"]
    assert [(folder / name).read_text() for name in ("taken/audit.json", "written/errata.md")] == ["mine", "mine"]


def test_a_paper_without_statements_or_with_a_wrong_ledger_is_refused(tmp_path: Path) -> None:
    status, _, error = audited(paper(tmp_path, {}))
    assert (status, error.count("\n")) == (2, 1)
    assert "holds no statements" in error
    (tmp_path / "somepaper" / "good.py").write_text(GOOD)
    status, _, error = audited(tmp_path)
    assert (status, error.count("\n")) == (2, 1)
    assert "there is no such claim" in error
    assert not (tmp_path / "out").exists()


def test_without_a_ledger_each_claim_is_a_statement() -> None:
    entry = Entry(id="one", place="Lemma 1", title="a title")
    (row,) = summary.rows_of((), [entry])
    assert (row.id, row.claims) == ("one", ("one",))
    listed = Row(id="two", place="Lemma 2", title="two", section="Statements", claims=("one",))
    assert summary.rows_of((listed,), [entry]) == (listed,)


def test_text_of_others_is_no_markup_in_the_errata() -> None:
    finding = {"name": "a*b", "reading": "<b>", "witness": "x = `1`", "grade": "numeric"}
    item = {
        "claim": "one",
        "place": "Lemma # 1",
        "title": "[a](b)\u202e",
        "text": "Head.\n\nBody_k.",
        "statement": "a\n```\nb",
        "evidence": [finding] * 5,
        "corrected": [],
        "record": "one.json",
    }
    ran = {"version": "0", "git_commit": None, "code_sha256": "ab", "command": "python", "time": "now"}
    text = errata({"audit": "A paper.", "findings": [item], "provenance": ran})
    assert "\u202e" not in text
    assert "\\<b\\>" in text
    assert text.count("```") == 2
    assert "2 more in the record" in text
    assert "commit unknown" in text
