"""A statement's file that misbehaves is the error of its claim alone: the others run, and the exit status is 1."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.hostile.machine import PAPER, Copies, assert_no_traceback

CHECK = "    numbers = stream("
ATTACKED = "class SumsOfSquares:\n    def __post_init__(self):\n        1 / (1 + self.sign)\n"
BROKEN = {
    "raises": lambda text: text + "\nraise RuntimeError('on purpose')\n",
    "exits": lambda text: text + "\nraise SystemExit(0)\n",
    "exits_in_check": lambda text: text.replace(CHECK, "    raise SystemExit(0)\n" + CHECK),
    "interrupts_in_check": lambda text: text.replace(CHECK, "    raise KeyboardInterrupt\n" + CHECK),
    "recursion": lambda text: text.replace(CHECK, "    return (yield from measure_sums(subject))\n" + CHECK),
    "syntax": lambda text: text + "\n(\n",
    "null_byte": lambda text: text + "\0",
    "not_utf8": lambda text: text.replace("Σ", "\udcff"),
    "check_name": lambda text: text.replace("measure_sums", "look_at_sums"),
    "control_raises": lambda text: text.replace("class SumsOfSquares:", ATTACKED),
    "no_claim": lambda text: text.replace("CLAIM = Claim(", "CLAIM = dict("),
    "bad_import": lambda text: "import nowhere\n" + text,
    "huge_message": lambda text: text + "\nraise ValueError('x' * 10**6)\n",
    "escapes": lambda text: text + "\nraise ValueError('\\x1b[31m[bold]\\n\\ud800')\n",
    "prints": lambda text: text.replace(CHECK, "    import os; os.write(1, b'PASS everything\\n'); 1 / 0\n" + CHECK),
    "floods": lambda text: text + "\nfor _ in range(10**4): print('y')\nraise\n",
}


def test_broken_statements_harm_no_other(copies: Copies, tmp_path: Path) -> None:
    paper = tmp_path / "tinypaper"
    shutil.copytree(Path(PAPER["search"][0]) / "tinypaper", paper)
    good = (paper / "sums.py").read_text()
    for name, change in BROKEN.items():
        (paper / f"{name}.py").write_bytes(change(good).encode("utf-8", "surrogateescape"))
    place = {"package": "tinypaper", "search": [str(tmp_path)], "folder": tmp_path}
    run = copies.run("all", "--no-pdf", "--output", "out", **place)
    assert_no_traceback(run)
    assert run.status == 1, run.told
    assert "\x1b" not in run.out + run.err
    assert "PASS everything" not in run.out.splitlines(), run.told
    for name in ("sums", "above", "trained"):
        assert json.loads((tmp_path / "out" / f"{name}.json").read_text())["verdict"] == "pass", name
    for name in BROKEN:
        assert json.loads((tmp_path / "out" / f"{name}.json").read_text())["verdict"] == "error", name
    for words in (["list"], ["list", "--json"], ["show", "sums"]):
        listed = copies.run(*words, **place)
        assert listed.status == 0, listed.told
        assert_no_traceback(listed)


def test_bad_mathematics_costs_the_report_alone(copies: Copies, tmp_path: Path) -> None:
    paper = tmp_path / "tinypaper"
    shutil.copytree(Path(PAPER["search"][0]) / "tinypaper", paper)
    for name, text in (("unclosed", "frac(a"), ("reads", '#read("/etc/passwd")'), ("loops", "#while true {}")):
        (paper / f"{name}.py").write_text((paper / "sums.py").read_text().replace("sum_i x_i^2 >= 0", text))
    claims = ("unclosed", "reads", "sums")
    run = copies.run(*claims, "--output", "out", package="tinypaper", search=[str(tmp_path)], folder=tmp_path)
    assert_no_traceback(run)
    assert run.status == 1, run.told
    assert "PASS unclosed" in run.out, run.told
    assert (tmp_path / "out" / "sums.pdf").exists()
    assert not (tmp_path / "out" / "unclosed.pdf").exists()
    assert b"root:" not in b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize("content", [b"", b"[" * 10**5, b"{}", b"\xff", b'{"passed": {"sums": "never"}}'], ids=len)
def test_a_hostile_memory_is_ignored_in_one_line(content: bytes, copies: Copies, tmp_path: Path) -> None:
    around = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = ("above", "--no-pdf", "--output", "out")
    assert copies.run(*words, folder=tmp_path, environment=around, **PAPER).status == 0
    kept = list((tmp_path / "cache" / "theory-verify").glob("*.json"))
    assert kept
    kept[0].write_bytes(content)
    run = copies.run(*words, folder=tmp_path, environment=around, **PAPER)
    assert_no_traceback(run)
    assert run.status == 0, run.told
    assert run.err.count("\n") == 1, run.told
