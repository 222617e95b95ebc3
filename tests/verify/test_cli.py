"""The command line as a stranger meets it: exit status, one-sentence errors, nothing half-written."""

import atexit
import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.hostile.machine import Copies
from verify.record import read_record

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]


@cache
def copies() -> Copies:
    """A process that has loaded everything, for as long as this one lives: its copies run the program at once."""
    running = Copies(environment=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"})
    atexit.register(running.__exit__)
    return running


def verify(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    ended = copies().run(*arguments, folder=cwd or ROOT, seconds=120)
    return subprocess.CompletedProcess(arguments, ended.status, ended.out, ended.err)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("reports")
    return folder, verify("theorem2", "eq8", "--preset", "quick", "--output", str(folder))


def test_a_run_prints_a_verdict_and_writes_record_and_report(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, process = finished
    assert process.returncode == 0, process.stderr
    assert "PASS theorem2  controls rejected 12/12" in process.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["eq8.json", "eq8.pdf", "theorem2.json", "theorem2.pdf"]
    assert (folder / "theorem2.pdf").read_bytes().startswith(b"%PDF")
    record = read_record(folder / "theorem2.json")
    assert record["verdict"] == "pass"
    assert record["quantities"]["gap_final"] * 1e6 < record["quantities"]["gap_initial"]


def test_the_recorded_command_reproduces_the_numbers(
    finished: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder, _ = finished
    first = read_record(folder / "theorem2.json")
    arguments = first["provenance"]["command"].split()[3:]
    assert verify(*arguments, "--output", str(tmp_path), "--no-pdf").returncode == 0
    second = read_record(tmp_path / "theorem2.json")
    for record in (first, second):
        record.pop("provenance")
        record.pop("report")  # the second run makes none
        for item in (*record["evidence"], *record["ground"]):
            item.pop("seconds")
    assert first == second


def test_foundations_are_proved_once_while_the_sources_stay(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = finished
    first = read_record(folder / "theorem2.json")["provenance"]["foundations_passed"]
    assert verify("limit_iff", "--preset", "quick", "--no-pdf", "--output", str(folder)).returncode == 0
    second = read_record(folder / "limit_iff.json")["provenance"]["foundations_passed"]
    assert second
    again = [name for name in second if second[name] != first[name]]
    assert len(again) <= 1  # the one that every run finds again
    assert None not in second.values()


def test_plain_output_reports_progress_in_lines(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, process = finished
    lines = [line for line in process.stderr.splitlines() if line.startswith("training: step")]
    assert lines
    assert "\r" not in process.stderr


def test_an_unfinished_training_is_undecided_with_status_3(tmp_path: Path) -> None:
    process = verify("theorem2", "--preset", "quick", "--steps", "5", "--no-pdf", "--output", str(tmp_path))
    assert process.returncode == 3
    assert "UNDECIDED theorem2" in process.stdout
    assert "adam made 5 steps" in " ".join(process.stdout.split())


def test_a_broken_assumption_is_undecided_with_status_3(tmp_path: Path) -> None:
    process = verify("theorem2", "--preset", "quick", "--raw-tokens", "--no-pdf", "--quiet", "--output", str(tmp_path))
    assert process.returncode == 3, process.stdout
    assert "UNDECIDED theorem2" in process.stdout


def test_a_claim_that_did_not_pass_has_no_certificate_and_says_so(tmp_path: Path) -> None:
    arguments = ["theorem1", "--preset", "literal", "--gamma-factor", "0.5", "--grade", "certified", "--no-pdf"]
    file = tmp_path / "certificate.json"
    process = verify(*arguments, "--certificate", str(file), "--output", str(tmp_path))
    assert process.returncode == 3, process.stderr
    assert "γ large enough cannot be relied on" in process.stdout
    assert "no certificate was written: the claim is undecided" in process.stderr
    assert not file.exists()


@pytest.mark.parametrize(
    "grade",
    ["statistical", *(pytest.param(grade, marks=pytest.mark.long) for grade in ("symbolic", "certified", "numeric"))],
)
def test_hypotheses_are_checked_whatever_the_restriction(grade: str, tmp_path: Path) -> None:
    arguments = ["theorem2", "--preset", "quick", "--H", "1", "--steps", "0", "--grade", grade, "--no-pdf"]
    process = verify(*arguments, "--output", str(tmp_path))
    assert process.returncode in (1, 3), process.stderr
    assert "PASS" not in process.stdout
    reasons = [reason["text"] for reason in read_record(tmp_path / f"theorem2.{grade}.json")["reasons"]]
    assert any("assumption2" in reason and "cannot be relied on" in reason for reason in reasons), reasons


def test_a_claim_that_passed_writes_its_certificate(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "certificate.json"
    arguments = ["theorem1", "--preset", "literal", "--no-pdf", "--certificate", str(file)]
    process = verify(*arguments, "--output", str(tmp_path))
    assert process.returncode == 0, process.stderr
    assert str(file) in process.stdout
    assert json.loads(file.read_text())["steps"] == 1000


def test_list_knows_the_last_verdict(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = finished
    rows = {row["id"]: row for row in json.loads(verify("list", "--json", "--output", str(folder)).stdout)}
    assert rows["theorem2"]["verdict"] == "pass"
    assert rows["ridge"]["verdict"] is None
    assert rows["theorem2"]["grades"][0] == "symbolic"
    assert "theorem2" in verify("list", "--output", str(folder)).stdout


def test_show_prints_statement_checks_and_controls() -> None:
    shown = verify("show", "theorem2").stdout
    for words in ("ridge regression", "Checks", "Controls", "one head", "assumption2", "statistical"):
        assert words in shown


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("list",), ("show", "theorem2"), ("run", "--help"), ("theorem9",), ("theorem2", "--H", "0")],
)
def test_help_and_listings_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom verify import UsageError\nfrom verify.cli import build_app\n"
        f"try: build_app('theorems')({list(arguments)!r})\nexcept (SystemExit, UsageError): pass\n"
        "heavy = {'torch', 'sympy', 'scipy', 'numpy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(("given", "found"), [({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")])
def test_waiting_threads_sleep_unless_told_otherwise(given: dict[str, str], found: str) -> None:
    code = (
        "import os, sys\nfrom verify.cli import main\nsys.argv = ['verify', 'list']\n"
        "try: main()\nexcept SystemExit: print(os.environ['OMP_WAIT_POLICY'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert process.stdout.splitlines()[-1] == found


def test_bad_usage_says_what_and_how_and_writes_nothing(tmp_path: Path) -> None:
    rows = np.eye(3)
    files = {
        "keys.npz": {"tokens": rows},
        "rows.npz": {"tokens": rows, "features": rows[:2]},
        "nan.npz": {"tokens": np.where(rows, np.nan, 0.0), "features": rows},
        "equal.npz": {"tokens": rows[[0, 1, 1]], "features": rows},
        "long.npz": {"tokens": 3 * rows, "features": rows},
    }
    for name, arrays in files.items():
        np.savez(tmp_path / name, **arrays)
    (tmp_path / "text.npz").write_text("not an archive")
    (tmp_path / "file").write_text("")
    cases = [
        (["theorem3"], ["'theorem3'", "'theorem2'"]),
        (["theorem2", "--N", "200"], ["N = 200", "--N"]),
        (["theorem2", "--tau", "nan"], ["tau = nan", "--tau"]),
        (["theorem2", "--tau", "0"], ["tau = 0.0", "--tau"]),
        (["theorem2", "--H", "0"], ["H = 0", "--H"]),
        (["theorem2", "--output", str(tmp_path / "file" / "deep")], ["output", "--output"]),
        (["ridge", "--certificate", str(tmp_path / "c.json")], ["ridge", "give one claim that has one: "]),
        (["theorem2", "--resume", "nowhere.pt"], ["nowhere.pt", "--resume"]),
        (["theorem2", "--N", "2", "--tokens", str(tmp_path / "none.npz")], ["none.npz", "--tokens"]),
        (["theorem2", "--N", "2", "--tokens", str(tmp_path / "text.npz")], ["text.npz", "numpy.savez"]),
        (["theorem2", "--N", "2", "--tokens", str(tmp_path / "keys.npz")], ["features"]),
        (["theorem2", "--N", "2", "--tokens", str(tmp_path / "rows.npz")], ["3 rows", "2"]),
        (["theorem2", "--N", "2", "--tokens", str(tmp_path / "nan.npz")], ["nan or inf", "row 0"]),
        (["theorem2", "--N", "2", "--tokens", str(tmp_path / "equal.npz")], ["tokens 1 and 2 are equal"]),
        (["theorem2", "--N", "2", "--tokens", str(tmp_path / "long.npz")], ["norm 3", "--normalize"]),
    ]
    if not torch.cuda.is_available():
        cases.append((["theorem2", "--device", "cuda"], ["'cuda'", "--device cpu"]))
    out = tmp_path / "out"
    for arguments, words in cases:
        target = [] if "--output" in arguments else ["--output", str(out)]
        process = verify(*arguments, *target)
        assert process.returncode == 2, (arguments, process.stdout, process.stderr)
        assert all(word in process.stderr for word in words), (arguments, process.stderr)
        assert process.stderr.startswith("verify: "), process.stderr
        assert process.stderr.count("\n") == 1, process.stderr
        assert not out.exists() or not any(out.iterdir()), arguments


@pytest.mark.parametrize(("option", "given"), [("seed", 0), ("beta", 0.0), ("steps", 0), ("start_weights", 0.0)])
def test_a_value_of_zero_is_given_as_much_as_any_other(option: str, given: float, tmp_path: Path) -> None:
    arguments = ["lemma3", "--preset", "literal", f"--{option.replace('_', '-')}", str(given)]
    process = verify(*arguments, "--no-pdf", "--output", str(tmp_path))
    assert process.returncode in (0, 3), process.stderr
    assert read_record(tmp_path / "lemma3.json")["provenance"]["parameters"][option] == given


@pytest.mark.parametrize("arguments", [("theorem2", "--Nx", "3"), ("theorem2", "--N", "three"), ("list", "--bad")])
def test_unknown_options_end_with_status_2(arguments: tuple[str, ...]) -> None:
    process = verify(*arguments)
    assert process.returncode == 2
    assert process.stderr.startswith("verify: ")
    assert process.stderr.count("\n") == 1
    assert arguments[1].lstrip("-") in process.stderr
    assert "--help" in process.stderr


def test_interrupting_keeps_a_checkpoint_and_resuming_gives_the_same_network(tmp_path: Path) -> None:
    options = ["limit_iff", "--preset", "quick", "--H", "200", "--steps", "2000", "--no-pdf", "--output"]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "verify", *options, str(tmp_path / "a")], cwd=root, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    seen = ""
    deadline = time.monotonic() + 60
    while "training: step 400" not in seen and time.monotonic() < deadline:
        seen += process.stderr.readline()
    process.send_signal(2)
    remainder = process.communicate(timeout=60)[1]
    assert process.returncode == 130, seen + remainder
    (checkpoint,) = (tmp_path / "a").glob("training.*.checkpoint")
    assert f"--resume {checkpoint}" in remainder
    assert verify("lemma3", "--preset", "quick", "--no-pdf", "--output", str(tmp_path / "a")).returncode in (0, 3)
    assert checkpoint.exists()  # another run into the same folder leaves it alone
    resumed = verify(*options, str(tmp_path / "b"), "--resume", str(checkpoint))
    fresh = verify(*options, str(tmp_path / "c"))
    assert resumed.returncode == fresh.returncode, resumed.stderr
    quantities = [read_record(tmp_path / name / "limit_iff.json")["quantities"] for name in "bc"]
    assert quantities[0] == quantities[1]


def test_a_restricted_run_is_kept_apart_and_says_so(tmp_path: Path) -> None:
    process = verify("ridge", "--preset", "quick", "--grade", "symbolic", "--output", str(tmp_path))
    assert process.returncode == 3, process.stderr
    assert "UNDECIDED ridge  restricted to symbolic evidence, which holds" in process.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ridge.symbolic.json", "ridge.symbolic.pdf"]
    record = read_record(tmp_path / "ridge.symbolic.json")
    assert {item["grade"] for item in record["evidence"]} == {"symbolic"}
    assert record["verdict"] == "undecided"
    assert [reason["text"] for reason in record["reasons"]] == [
        "restricted to symbolic evidence; the other checks were not made"
    ]
    assert record["provenance"]["command"].endswith("--grade symbolic")


def test_nothing_but_a_regular_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "lemma3.json").mkdir()
    (tmp_path / "lemma4.pdf").symlink_to("/dev/null")
    for claim in ("lemma3", "lemma4"):
        process = verify(claim, "--preset", "quick", "--output", str(tmp_path))
        assert process.returncode == 2, process.stdout
        assert "is no regular file and is not replaced" in process.stderr
        assert process.stderr.count("\n") == 1
    assert (tmp_path / "lemma3.json").is_dir()
    assert (tmp_path / "lemma4.pdf").is_symlink()


def test_a_certificate_replaces_nothing_that_the_run_needs(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", tokens=np.eye(4), features=np.eye(4))
    before = (tmp_path / "mine.npz").read_bytes()
    for name in ("theorem1.json", "theorem1.pdf", "mine.npz", "", "."):
        path = str(tmp_path / name) if name else ""
        arguments = ["theorem1", "--N", "2", "--H", "4", "--tokens", str(tmp_path / "mine.npz"), "--certificate", path]
        process = verify(*arguments, "--output", str(tmp_path))
        assert process.returncode == 2, (name, process.stdout)
        assert "certificate" in process.stderr or "is no regular file" in process.stderr
    assert verify("theorem1", "--certificate", "/dev/null", "--output", str(tmp_path)).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.npz"]
    assert (tmp_path / "mine.npz").read_bytes() == before


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_without_our_letters_costs_letters_only(encoding: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    process = subprocess.run(
        [sys.executable, "-m", "verify", "lemma3", "--preset", "quick", "--no-pdf", "--output", str(tmp_path)],
        capture_output=True,
        env=environment,
        cwd=root,
        check=False,
        timeout=120,
    )
    assert process.returncode in (0, 3), process.stderr
    assert b" lemma3  controls rejected" in process.stdout
    assert "‖" in read_record(tmp_path / "lemma3.json")["text"]


def test_quiet_is_silent_on_stderr(tmp_path: Path) -> None:
    process = verify("lemma3", "--preset", "quick", "--no-pdf", "--quiet", "--output", str(tmp_path))
    assert process.stderr == ""


@pytest.mark.parametrize(("key", "value"), [("text", "another"), ("statement", "1 = 2"), ("verdict", "[/]")])
def test_a_record_of_another_statement_is_stale(key: str, value: str, tmp_path: Path) -> None:
    assert verify("lemma3", "--preset", "quick", "--no-pdf", "--output", str(tmp_path)).returncode in (0, 3)
    path = tmp_path / "lemma3.json"
    found = read_record(path)["verdict"]

    def listed() -> str | None:
        rows = json.loads(verify("list", "--json", "--output", str(tmp_path)).stdout)
        return {row["id"]: row["verdict"] for row in rows}["lemma3"]

    assert listed() == found
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    assert listed() == (None if key == "verdict" else "stale")
