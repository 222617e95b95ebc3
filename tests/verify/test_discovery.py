"""Statements are found by listing a folder and read without being imported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from verify import UsageError, discovery
from verify.claim import Claim
from verify.discovery import GRADES, Entry, Part, entries, find, foundations, load

Paper = Callable[..., str]

STATEMENT = '''"""Theorem 2 [T]: water is wet.

For every drop of water.
"""

raise RuntimeError("a listing must not import statements")

from fakepaper import shared
from fakepaper.shared import dry_water, measure_volume
from verify.claim import planted


def derive_wetness(subject):
    """Water is wet in all dimensions.

    This line is not printed.
    """


def certify_silence(subject):
    yield


CLAIM = Claim(
    statement="x",
    assumptions=("gravity", "a cup"),
    builds_on=("lemma1",),
    cites=("Somebody 1999",),
    checks=(measure_volume, derive_wetness, certify_silence),
    controls=dict(cold=planted("The water is cold.", degrees=-1), dry=dry_water, thick=shared.ICE),
)
'''

SHARED = '''"""What several statements use."""
from fakepaper.deeper import dry_water

ICE = planted("The water is ice.", thick=True)


def measure_volume(subject):
    """The volume is positive."""
'''

DEEPER = '''
@defect_of_experiment
def dry_water(subject):
    """The water is dry."""
'''


def plain(place: str = "Lemma 1", mark: str = "R", title: str = "a title") -> str:
    return f'"""{place} [{mark}]: {title}"""\nCLAIM = Claim(statement="", checks=(), controls=dict())\n'


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paper:
    """Write a package `fakepaper` with the given files and put it on the path."""

    def write(**files: str) -> str:
        folder = tmp_path / "fakepaper"
        folder.mkdir()
        for name, text in {"__init__": "", **files}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "fakepaper", raising=False)
        return "fakepaper"

    return write


def test_a_statement_is_read_without_importing_it(paper: Paper) -> None:
    package = paper(theorem2=STATEMENT, shared=SHARED, deeper=DEEPER)
    assert entries(package) == (
        Entry(
            id="theorem2",
            place="Theorem 2",
            mark="T",
            title="water is wet",
            text="Theorem 2 [T]: water is wet.\n\nFor every drop of water.",
            assumptions=("gravity", "a cup"),
            builds_on=("lemma1",),
            cites=("Somebody 1999",),
            checks=(
                Part(name="measure_volume", sentence="The volume is positive."),
                Part(name="derive_wetness", sentence="Water is wet in all dimensions."),
                Part(name="certify_silence", sentence=""),
            ),
            controls=(
                Part(name="cold", sentence="The water is cold."),
                Part(name="dry", sentence="The water is dry."),
                Part(name="thick", sentence="The water is ice."),
            ),
            statement="x",
        ),
    )
    assert not any(name.startswith("fakepaper") for name in sys.modules)


def test_grades_come_from_names_strongest_first(paper: Paper) -> None:
    entry = find(paper(theorem2=STATEMENT, shared=SHARED, deeper=DEEPER), "theorem2")
    assert [check.grade for check in entry.checks] == ["numeric", "symbolic", "certified"]
    assert entry.grades == ("symbolic", "certified", "numeric")
    assert entry.controls[0].grade == ""
    assert GRADES == ("symbolic", "certified", "statistical", "numeric", "argued")


def test_names_are_sorted_as_people_count(paper: Paper) -> None:
    names = ["theorem10", "theorem2", "eq8", "lemma5", "theorem1", "figure3b", "figure3a", "figure12"]
    package = paper(**{name: plain() for name in names})
    found = [entry.id for entry in entries(package)]
    assert found == ["eq8", "figure3a", "figure3b", "figure12", "lemma5", "theorem1", "theorem2", "theorem10"]


def test_files_without_a_claim_are_no_statements(paper: Paper) -> None:
    package = paper(
        lemma1=plain(), notation='"""No statement."""\nN = 3\n', alias="CLAIM = 3\n", other="A = B = CLAIM2 = f()\n"
    )
    assert [entry.id for entry in entries(package)] == ["lemma1"]


@pytest.mark.parametrize(("asked", "nearest"), [("lema1", "lemma1"), ("theorem", "theorem2"), ("xyz", "")])
def test_an_unknown_claim_names_the_nearest(paper: Paper, asked: str, nearest: str) -> None:
    package = paper(lemma1=plain(), theorem2=plain("Theorem 2"), eq8=plain("Eq. (8)"))
    message = f"claim '{asked}' is unknown; did you mean '{nearest}" if nearest else f"claim '{asked}' is unknown"
    with pytest.raises(UsageError, match=re.escape(message)):
        find(package, asked)


def test_a_known_claim_is_found(paper: Paper) -> None:
    package = paper(eq8=plain("Eq. (8)", "B", "two forms agree."))
    entry = find(package, "eq8")
    assert (entry.place, entry.mark, entry.title) == ("Eq. (8)", "B", "two forms agree")
    assert (entry.checks, entry.controls, entry.grades) == ((), (), ())


@pytest.mark.parametrize(
    "opening",
    [
        "",
        '"""No heading."""',
        '"""Theorem 2: no mark."""',
        '"""[T]: no place."""',
        '"""Theorem 2 [T] no colon"""',
        '"""Theorem 2 [T]:"""',
        '"""\nTheorem 2 is late [T]\n"""',
    ],
)
def test_a_statement_must_open_with_its_heading(paper: Paper, opening: str) -> None:
    package = paper(theorem2=f"{opening}\nCLAIM = Claim()\n")
    assert "theorem2.py must open with a line 'Place [mark]: title', such as" in str(find(package, "theorem2").broken)


def test_a_package_without_statements_says_so(paper: Paper) -> None:
    package = paper(notation="N = 3\n")
    assert entries(package) == ()
    with pytest.raises(UsageError, match="package 'fakepaper' holds no statements; give a package with files"):
        find(package, "theorem2")


@pytest.mark.parametrize("name", ["no_such_package", "json.decoder"])
def test_what_is_no_package_holds_no_statements(name: str) -> None:
    with pytest.raises(UsageError, match=f"package '{name}' holds no statements; give an importable package"):
        entries(name)


def test_loading_imports_one_statement(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from verify.claim import Claim\n" + plain().partition("\n")[2]
    package = paper(lemma1=text, broken="raise RuntimeError\nCLAIM = f()\n")
    for name in ("fakepaper", "fakepaper.lemma1"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    claim = load(package, "lemma1")
    assert claim == Claim(statement="", checks=(), controls=dict())
    for name in ("fakepaper", "fakepaper.lemma1"):
        sys.modules.pop(name)


def test_reading_the_statements_of_the_paper_loads_nothing_heavy() -> None:
    program = (
        "import json, sys; from verify.discovery import entries; found = [entry.id for entry in entries('theorems')];"
        "print(json.dumps([found, [name for name in ('torch', 'numpy', 'sympy', 'flint') if name in sys.modules]]))"
    )
    root = Path(discovery.__file__).parents[1]
    answer = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    found, heavy = json.loads(answer.stdout)
    assert {"eq8", "limit_iff", "ridge", "theorem2"} <= set(found)
    assert heavy == []


def resting_on(*names: str) -> str:
    return f'"""Lemma [R]: a title."""\nCLAIM = Claim(statement="", builds_on={names!r}, checks=(), controls=dict())\n'


@pytest.mark.parametrize("field", ["assumptions", "builds_on", "cites"])
@pytest.mark.parametrize("value", ['(f"a {1}",)', "(NAME,)", "names()"])
def test_what_is_read_unexecuted_must_be_literal(paper: Paper, field: str, value: str) -> None:
    package = paper(lemma=f'"""Lemma [T]: x."""\nCLAIM = Claim({field}={value})\n')
    assert re.match(r"lemma.py: .* must be a literal, it is read unexecuted", str(find(package, "lemma").broken))


def test_a_file_that_cannot_be_read_harms_no_other(paper: Paper) -> None:
    package = paper(
        lemma1=plain(),
        slip="x = (\nCLAIM = Claim()\n",
        helper="x = (\n",
        user='"""Lemma 2 [T]: x."""\nfrom fakepaper.helper import measure\nCLAIM = Claim(checks=(measure,))\n',
        tuples='"""Lemma 3 [T]: x."""\nCLAIM = Claim(heeds=3)\n',
    )
    found = {entry.id: entry.broken for entry in entries(package)}
    assert set(found) == {"lemma1", "slip", "user", "tuples"}
    assert found["lemma1"] is None
    assert found["slip"] == "SyntaxError: '(' was never closed (slip.py, line 1)"
    assert found["user"] == "SyntaxError: '(' was never closed (helper.py, line 1)"
    assert found["tuples"] == "tuples.py: 3 must be a tuple of literal strings"


@pytest.mark.parametrize(
    "line",
    [
        "from fakepaper.nowhere import measure",
        "from .nowhere import measure",
        "from elsewhere.shared import measure",
    ],
)
def test_an_import_that_leads_nowhere_is_one_sentence(paper: Paper, line: str) -> None:
    text = f'"""Lemma 1 [T]: x."""\n{line}\nCLAIM = Claim(checks=(measure,))\n'
    package = paper(lemma1=text, lemma2=plain("Lemma 2"))
    found = {entry.id: entry.broken for entry in entries(package)}
    assert found == {"lemma1": f"lemma1.py: {line} leads to no file of this paper; correct the import", "lemma2": None}


@pytest.mark.parametrize(
    ("line", "file"),
    [("", "lemma1"), ("import fakepaper.room as room\n", "lemma1"), ("from fakepaper.room import measure\n", "room")],
)
def test_a_check_that_is_nowhere_is_one_sentence(paper: Paper, line: str, file: str) -> None:
    name = "room.measure" if line.startswith("import") else "measure"
    package = paper(lemma1=f'"""Lemma 1 [T]: x."""\n{line}CLAIM = Claim(checks=({name},))\n', room="")
    words = f"{file}.py: '{name}' is neither a function of this file nor imported by name; correct it"
    assert find(package, "lemma1").broken == words


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("room/__init__", "from fakepaper.room import measure"),
        ("room/checks", "from fakepaper.room.checks import measure"),
        ("room/checks", "from .room.checks import measure"),
        ("checks", "from .checks import measure as measure"),
    ],
)
def test_a_sentence_is_found_in_the_room_that_a_check_lives_in(paper: Paper, room: str, line: str) -> None:
    check = 'def measure(subject):\n    """It is."""\n'
    package = paper(**{"lemma1": f'"""Lemma 1 [T]: x."""\n{line}\nCLAIM = Claim(checks=(measure,))\n', room: check})
    assert find(package, "lemma1").checks == (Part(name="measure", sentence="It is."),)


def test_no_statement_is_looked_for_in_a_room(paper: Paper) -> None:
    package = paper(
        **{"lemma1": plain(), "room/__init__": "", "room/lemma2": plain("Lemma 2"), "room/slip": "CLAIM = ("}
    )
    assert [(entry.id, entry.broken) for entry in entries(package)] == [("lemma1", None)]


@pytest.mark.parametrize(
    ("files", "broken"),
    [
        (("lemma1", "lemma1/__init__"), {"lemma1": "lemma1.py and the folder lemma1 have one name; rename one"}),
        (
            ("lemma1", "Lemma1"),
            {
                "lemma1": "lemma1.py and Lemma1.py have one name; rename one",
                "Lemma1": "Lemma1.py and lemma1.py have one name; rename one",
            },
        ),
    ],
)
def test_two_statements_of_one_name_are_one_sentence(
    paper: Paper, files: tuple[str, ...], broken: dict[str, str]
) -> None:
    package = paper(**dict.fromkeys(files, plain()), lemma2=plain("Lemma 2"))
    assert {entry.id: entry.broken for entry in entries(package)} == {**broken, "lemma2": None}


def test_foundations_come_before_what_rests_on_them(paper: Paper) -> None:
    package = paper(a=resting_on("c", "b"), b=resting_on("c"), c=resting_on(), d=resting_on("a"))
    assert [entry.id for entry in foundations(package, "a")] == ["c", "b"]
    assert [entry.id for entry in foundations(package, "d")] == ["c", "b", "a"]
    assert foundations(package, "c") == ()


def test_a_circle_and_a_missing_foundation_are_refused(paper: Paper) -> None:
    package = paper(a=resting_on("b"), b=resting_on("a"), c=resting_on("lemma9"))
    with pytest.raises(UsageError, match="a builds on b builds on a; break the circle"):
        foundations(package, "a")
    with pytest.raises(UsageError, match="'lemma9' is unknown"):
        foundations(package, "c")
