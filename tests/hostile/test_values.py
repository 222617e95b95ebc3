"""Every bad value is refused in one sentence that names it and the remedy, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.machine import Copies, assert_refused, contents, verify

LONG = "x" * 5000
HUGE = "1" + 24 * "0"
# Words of a command line, and what the sentence must name: the argument as typed or its letter, and its value.
NUMBERS: list[tuple[list[str], list[str]]] = [
    *(([f"--{name}", "0"], [f"{name} = 0", f"--{name}"]) for name in ("N", "K", "d", "m", "H", "prompts")),
    *(([f"--{name}", "-1"], ["-1", f"--{name}"]) for name in ("N", "K", "d", "m", "H", "prompts", "seed", "steps")),
    *(([f"--{name}", HUGE], [f"--{name}"]) for name in ("seed", "steps")),
    *(([f"--{name}", HUGE], [f"{name} = {HUGE}"]) for name in ("K", "d", "m", "H")),
    *(([f"--{name}", "1e3"], [f"--{name}"]) for name in ("N", "steps", "seed")),
    *(([f"--{name}", ""], [f"--{name}"]) for name in ("H", "tau", "seed")),
    *(([f"--{name}", "1.5"], [f"--{name}"]) for name in ("K", "steps")),
    *(
        ([f"--{name}", "nan"], ["nan", f"--{name}"])
        for name in (
            "tau",
            "beta",
            "start-weights",
            "gamma-factor",
            "step-factor",
            "epsilon",
            "delta",
            "B",
            "rate-queries",
            "rate-weights",
        )
    ),
    *(([f"--{name}", "inf"], ["inf", f"--{name}"]) for name in ("tau", "beta", "start-weights", "B", "rate-weights")),
    *(([f"--{name}", "0"], ["0.0", f"--{name}"]) for name in ("tau", "gamma-factor", "epsilon", "delta", "B")),
    *(([f"--{name}", "-1"], ["-1", f"--{name}"]) for name in ("tau", "beta", "step-factor", "delta", "rate-queries")),
    *((["--tau", value], ["--tau"]) for value in ("1e-300", "1e300", "1e999", "1,5")),
    *((["--beta", value], ["--beta"]) for value in ("1e-300", "1e300", "1e999", "1,5")),
    (["--delta", "1"], ["delta = 1.0", "--delta"]),
    (["--tau", "0x10"], ["--tau"]),
    (["--tau", LONG], ["--tau"]),
    (["--seed", LONG], ["--seed"]),
    (["--seed", 5000 * "9"], ["--seed"]),
    (["--seed", "\udcff"], ["--seed"]),
]
SIZES = [
    (["--N", "200"], ["N = 200", "--N"]),
    (["--N", "4", "--K", "4"], ["N = 4", "K = 4"]),
    (["--H", "1000000000"], ["H = 1000000000", "GiB"]),
    (["--K", "10000000"], ["K = 10000000", "GiB"]),
    (["--d", "100000000"], ["d = 100000000", "GiB"]),
    (["--m", "100000000000"], ["m = 100000000000", "GiB"]),
    (["--d", "1"], ["d = 1", "--d"]),
    (["--data", "digits", "--K", "2000"], ["K = 2000", "--K"]),
    (["--data", "digits", "--d", "7"], ["d = 7", "--d"]),
    (["--objective", "sampled", "--prompts", "100000000000"], ["prompts = 100000000000", "GiB"]),
]
CHOICES = [
    *(
        ([f"--{name}", value], [f"--{name}"])
        for name, value in (
            ("data", "mnist"),
            ("optimizer", "sgd"),
            ("objective", ""),
            ("precision", "float16"),
            ("device", "tpu"),
            ("preset", "huge"),
            ("grade", "proof"),
            ("optimizer", "ADAM "),
            ("data", "digits\n"),
            ("preset", LONG),
        )
    ),
    (["--bogus"], ["--bogus"]),
    (["--bogus=1"], ["--bogus"]),
    (["-z"], ["-z"]),
    (["--tau"], ["--tau"]),
    (["--no-pdf=1"], ["--no-pdf"]),
    (["--normalize"], ["normalize", "--tokens"]),
    (["--normalize", "--raw-tokens"], ["normalize", "raw-tokens"]),
    (["--raw-tokens", "--data", "digits"], ["raw-tokens", "digits"]),
    (["--data", "digits", "--tokens", "x.npz"], ["data", "tokens"]),
    (["--data", "synthetic", "--tokens", "x.npz"], ["data", "tokens"]),
    (["--\udcff"], ["verify: "]),
    (["--tau", "1", "--tau", "nan"], ["tau = nan"]),
]
COMMANDS = [
    (["theorem3"], ["'theorem3'", "'theorem2'"]),
    ([""], ["''", "'list'"]),
    ([" "], ["' '"]),
    (["../theorem2"], ["../theorem2"]),
    (["theorem2.py"], ["theorem2.py", "'theorem2'"]),
    (["THEOREM2"], ["THEOREM2", "'theorem2'"]),
    (["theorems.theorem2"], ["theorems.theorem2"]),
    (["__init__"], ["__init__"]),
    (["parameters"], ["parameters"]),
    (["lemma3", "lemma99"], ["lemma99"]),
    (["all", "lemma99"], ["lemma99"]),
    (["lemma3\n"], ["lemma3"]),
    (["[bold]"], ["[bold]"]),
    (["{0}%s"], ["{0}%s"]),
    (["漢字\u202e"], ["漢字"]),
    (["\udcff"], ["claim"]),
    ([LONG], ["claim"]),
    (["\x1b[31m"], ["claim"]),
    (["run"], ["claims"]),
    (["show"], ["claim"]),
    (["show", "lemma99"], ["lemma99"]),
    (["show", "lemma3", "lemma4"], ["lemma4"]),
    (["list", "lemma3"], ["lemma3"]),
    (["list", "--tau", "1"], ["--tau"]),
    (["mutants", "lemma99"], ["lemma99"]),
    (["mutants", "--seconds", "0"], ["--seconds"]),
    (["mutants", "--seconds", "nan"], ["seconds"]),
    (["--", "lemma99"], ["lemma99"]),
]
CASES = (
    [(["lemma7", *words], named) for words, named in (*NUMBERS, *SIZES)]
    + [(["lemma3", *words], named) for words, named in CHOICES]
    + COMMANDS
)


def _name(case: object) -> str:
    return ascii(" ".join(case)[:50]) if isinstance(case, list) else ""


@pytest.mark.parametrize(("words", "named"), CASES, ids=_name)
def test_it_is_refused(words: list[str], named: list[str], copies: Copies, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "lemma3.json").write_text("{}")
    before = contents(tmp_path)
    assert_refused(copies.run(*words, folder=tmp_path), *named)
    assert contents(tmp_path) == before


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 120


@pytest.mark.parametrize(("words", "named"), CASES[::17], ids=_name)
def test_a_process_of_its_own_refuses_it_too(
    words: list[str], named: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    assert_refused(verify(*words, folder=tmp_path, environment=environment), *named)
    assert contents(tmp_path) == {}
