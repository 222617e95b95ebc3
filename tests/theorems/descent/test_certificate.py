"""The certificate of a descent and its checker: true files are accepted, and every tampering is named."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from theorems.checkers import check_certificate
from theorems.checkers.check_certificate import main
from theorems.descent.astray import (
    fewer_heads_than_labels,
    four_times_the_rate,
    gamma_too_small,
    large_steps,
    penalty_changed,
    weights_start_elsewhere,
)
from theorems.descent.certificate import certificate_of
from theorems.descent.runs import literal_run, own_run
from theorems.descent.trajectory import DescentRun, descend
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify import UsageError

SOURCE = Path(check_certificate.__file__)
STEPS = 15
BITS = 200
Check = Callable[[dict[str, Any]], tuple[int, str]]
Tamper = Callable[[dict[str, Any]], None]


@pytest.fixture
def plan(quick: Experiment) -> DescentRun:
    return literal_run(quick, STEPS)


@pytest.fixture
def certificate(plan: DescentRun) -> dict[str, Any]:
    return certificate_of(plan)


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def run(certificate: dict[str, Any]) -> tuple[int, str]:
        path = tmp_path / "certificate.json"
        path.write_text(json.dumps(certificate), encoding="utf-8")
        status = main(str(path))
        return status, capsys.readouterr().out.splitlines()[-1]

    return run


def test_a_certificate_is_accepted_by_python_alone(certificate: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(certificate, indent=1), encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(SOURCE), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.startswith("true: ") for line in lines[:-1])
    assert lines[-2].startswith(f"true: {STEPS} steps: each gap is in its interval")
    assert lines[-1].startswith(f"not checked: that the bound goes on beyond step {STEPS}")


def test_the_checker_is_short_and_imports_only_the_standard_library() -> None:
    text = SOURCE.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 300
    nodes = list(ast.walk(ast.parse(text)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_same_plan_gives_the_same_certificate(plan: DescentRun, certificate: dict[str, Any]) -> None:
    descend.cache_clear()
    assert json.dumps(certificate_of(plan)) == json.dumps(certificate)


@pytest.mark.parametrize(
    ("preset", "given", "steps"), [("literal", {"N": 3, "K": 5, "d": 3, "H": 8}, 5), ("quick", {}, 1)]
)
def test_other_instances_are_accepted(preset: str, given: dict[str, Any], steps: int, check: Check) -> None:
    plan = own_run(prepare(resolve(preset, given)), steps)
    assert check(certificate_of(plan))[0] == 0


def scaled(*names: str, by: str) -> Tamper:
    """Multiplies decimal claims."""

    def tamper(data: dict[str, Any]) -> None:
        for name in names:
            data[name] = str(Decimal(data[name]) * Decimal(by))

    return tamper


def steps_scaled(gamma: float = 1.0, eta_Q: float = 1.0) -> Tamper:
    """Multiplies γ and η_Q, with η_w = γ²η_Q."""

    def tamper(data: dict[str, Any]) -> None:
        new = gamma * float.fromhex(data["gamma"]), eta_Q * float.fromhex(data["eta_Q"])
        data["gamma"], data["eta_Q"] = (number.hex() for number in new)
        data["eta_w"] = str(Fraction(new[0]) ** 2 * Fraction(new[1]))

    return tamper


def moved_gap(by: str) -> Tamper:
    def tamper(data: dict[str, Any]) -> None:
        data["gaps"][7] = [str(Decimal(end) * Decimal(by)) for end in data["gaps"][7]]

    return tamper


def put(name: str, *place: int, value: Any) -> Tamper:
    """Replaces an entry of an array."""

    def tamper(data: dict[str, Any]) -> None:
        array = data[name]
        for index in place[:-1]:
            array = array[index]
        array[place[-1]] = value

    return tamper


def set_to(name: str, value: Any) -> Tamper:
    return lambda data: data.update({name: value})


def reversed_token(data: dict[str, Any]) -> None:
    data["tokens"][3] = [(-float.fromhex(x)).hex() for x in data["tokens"][3]]


def repeated_token(data: dict[str, Any]) -> None:
    data["tokens"][3] = data["tokens"][0]


def other_features(data: dict[str, Any]) -> None:
    data["features"][1], data["features"][2] = data["features"][2], data["features"][1]


TAMPERINGS: list[tuple[Tamper, str]] = [
    (moved_gap("0.999999999"), "step 7: the gap is inside its interval"),
    (moved_gap("1.000000001"), "step 7: the gap is inside its interval"),
    (put("gaps", 15, value=["0.001", "0.001"]), "step 15: the gap is inside its interval"),
    (put("gaps", 15, 1, value="1000000000"), "every interval for the gap is positive and at most 1e-6 of it wide"),
    (put("gaps", 3, 0, value="-1"), "every interval for the gap is positive and at most 1e-6 of it wide"),
    (lambda data: data["gaps"][2].reverse(), "every interval for the gap is positive and at most 1e-6 of it wide"),
    (set_to("rate", "1000000"), "the rate is below 1"),
    (set_to("rate", "1"), "the rate is below 1"),
    (scaled("zeta_0", by="1.000001"), "the eigenvalues of B_k B_k^T exceed zeta_0 for k = "),
    (scaled("zeta_0", by="-1"), "positive are "),
    (scaled("zeta_0", by="0.9"), "gamma is as large as the theorem asks for"),
    (scaled("norm_Z_bar", by="0.999999"), "the spectral norm of Z_bar is below norm_Z_bar"),
    (scaled("f_max", by="0.999999"), "no column of Z_bar is longer than f_max"),
    (scaled("norm_A", by="0.999999"), "the spectral norm of A = Z_bar A_hat is below norm_A"),
    (scaled("Delta_0", by="0.999999"), "the gap at the start is below Delta_0"),
    (scaled("rate", by="0.999999"), "the rate is not below 1 - eta_w zeta_0 / 2K"),
    (steps_scaled(gamma=1 - 2**-19), "gamma is as large as the theorem asks for"),  # twice the margin it is chosen with
    (steps_scaled(eta_Q=1 + 2**-19), "eta_Q is below 1/L"),
    (steps_scaled(gamma=0.5), "gamma is as large as the theorem asks for"),
    (steps_scaled(eta_Q=2.0), "eta_Q is below 1/L"),
    (steps_scaled(eta_Q=0.5), "the rate is not below 1 - eta_w zeta_0 / 2K"),
    (set_to("eta_w", "1/30"), "eta_w is gamma^2 eta_Q"),
    (set_to("tau", "2"), "A_hat minimises the loss"),
    (set_to("tau", "0x0.0p+0"), "positive are "),
    (put("A_hat", 0, 3, value="1/7"), "A_hat minimises the loss"),
    (other_features, "A_hat minimises the loss"),
    (put("tokens", 1, 2, value="0.25"), "every |v_k|^2 is within 1e-12 of 1"),
    (reversed_token, "step 1: the gap is inside its interval"),
    (repeated_token, "the tokens are distinct"),
    (put("Q", 0, 1, 2, value="0.5"), "step 1: the gap is inside its interval"),
    (put("w", 0, 1, value="0x1.0p-60"), "w is 0 at the start"),
]


@pytest.mark.parametrize(("tamper", "sentence"), TAMPERINGS)
def test_every_tampering_is_rejected_and_named(
    tamper: Tamper, sentence: str, certificate: dict[str, Any], check: Check
) -> None:
    tampered = copy.deepcopy(certificate)
    tamper(tampered)
    assert tampered != certificate
    status, line = check(tampered)
    assert status == 1
    assert line.startswith(f"FALSE: {sentence}")


def test_another_noise_level_with_its_own_limit_is_rejected(
    plan: DescentRun, certificate: dict[str, Any], check: Check
) -> None:
    louder = replace(plan.problem, instance=replace(plan.problem.instance, noise=1.5))
    other = certificate_of(replace(plan, problem=louder, steps=1))
    found = check(certificate | {name: other[name] for name in ("tau", "A_hat")})
    assert found == (1, "FALSE: the spectral norm of Z_bar is below norm_Z_bar")


@pytest.mark.parametrize(
    "defect",
    [
        four_times_the_rate,
        penalty_changed,
        large_steps,
        gamma_too_small,
        fewer_heads_than_labels,
        weights_start_elsewhere,
    ],
)
def test_a_defect_planted_in_the_descent_is_found(
    defect: Callable[[Experiment], DescentRun], quick: Experiment, check: Check
) -> None:
    status, line = check(certificate_of(replace(defect(quick), steps=5)))
    assert (status, line[:7]) == (1, "FALSE: ")


def test_a_bound_that_is_attained_exactly_is_undecided_with_any_number_of_bits(
    certificate: dict[str, Any], check: Check
) -> None:
    features = [[Fraction(float.fromhex(x)) for x in row] for row in certificate["features"]]
    noise, limit = certificate["m"] * Fraction(float.fromhex(certificate["tau"])), certificate["A_hat"]
    gap = sum(
        Fraction(limit[i][k]) * (sum(a * b for a, b in zip(features[i], features[k], strict=True)) + noise * (i == k))
        for i in range(certificate["N"])
        for k in range(certificate["K"])
    ) / (2 * certificate["K"])
    status, line = check(certificate | {"Delta_0": str(gap)})
    assert status == 1
    assert line == f"UNDECIDED with {8 * (STEPS + 128)} bits: the gap at the start is below Delta_0"


def without(name: str) -> Tamper:
    return lambda data: data.pop(name)


REQUIRED = ("schema", "statement", "source", "N", "steps", "tau", "zeta_0", "tokens", "gaps")
MALFORMED: list[tuple[Tamper, str]] = [
    *((without(name), f"its keys lack ['{name}']") for name in REQUIRED),
    (set_to("alpha", "1"), "do not belong: ['alpha']"),
    (set_to("schema", "theorem1-certificate/1"), "its schema or its statement is not that of"),
    (set_to("statement", "P = NP"), "its schema or its statement is not that of"),
    (set_to("source", ["x"]), "its source is not a string"),
    (set_to("N", 4), "positive integers with N < K"),
    (set_to("N", True), "positive integers with N < K"),
    (set_to("steps", "15"), "positive integers with N < K"),
    (set_to("steps", 0), "positive integers with N < K"),
    (set_to("steps", 10**7), "steps = 10000000 of this size are out of reach"),
    (set_to("H", 10**9), "are out of reach"),
    (set_to("steps", 16), "is not a list of 17"),
    (set_to("steps", 14), "is not a list of 15"),
    (lambda data: data["gaps"].pop(), "is not a list of 16"),
    (set_to("gamma", 9.8), "9.8' is not a number in a string"),
    (set_to("gamma", "nan"), "'nan' is not a number"),
    (set_to("gamma", "inf"), "'inf' is not a number"),
    (set_to("gamma", "0x1p+99999"), "is not a number"),
    (set_to("gamma", "0x1p+2000"), "is out of range"),
    (set_to("gamma", "1e99999999"), "is not a number"),
    (set_to("gamma", "1e9999"), "is out of range"),
    (set_to("gamma", "1" * 10_000), "is not a number in a string of at most 8192 digits"),
    (set_to("gamma", " 1"), "is not a number"),
    (set_to("gamma", "1_0"), "is not a number"),
    (set_to("eta_w", "1/0"), "Fraction("),
    (set_to("gaps", 5), "is not a list of 16"),
    (put("gaps", 2, value=["1"]), "is not a list of 2"),
    (lambda data: data["tokens"].pop(), "is not a list of 4"),
    (put("Q", 3, 1, value=[]), "'[]' is not a list of 4"),
]


def test_a_key_that_stands_twice_is_refused(certificate: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(certificate)[:-1] + ', "steps": 15}', encoding="utf-8")
    assert main(str(path)) == 2
    assert "a key stands twice" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x1p-2000", Fraction(1, 2**2000)),
        ("-0x1.8p+1", Fraction(-3)),
        ("2.50e-1", Fraction(1, 4)),
        ("7/21", Fraction(1, 3)),
    ],
)
def test_numbers_are_read_exactly(text: str, value: Fraction) -> None:
    """0x1p-2000 is below the least float, and is not 0."""
    assert check_certificate.exact(text) == value


@pytest.mark.parametrize(("tamper", "sentence"), MALFORMED)
def test_a_malformed_certificate_cannot_be_read(
    tamper: Tamper, sentence: str, certificate: dict[str, Any], check: Check
) -> None:
    tampered = copy.deepcopy(certificate)
    tamper(tampered)
    status, line = check(tampered)
    assert status == 2
    assert line.startswith("cannot read ")
    assert sentence in line


def test_a_descent_without_its_hypotheses_has_no_certificate() -> None:
    with pytest.raises(UsageError, match="nothing to certify: γ large enough does not hold"):
        certificate_of(own_run(prepare(resolve("literal", {"gamma_factor": 0.5}))))
    with pytest.raises(UsageError, match=r"nothing to certify: .*Assumption 2"):
        certificate_of(replace(own_run(prepare(resolve("literal", {"H": 1}))), forced=True))


def test_steps_that_could_not_be_certified_are_refused(plan: DescentRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theorems.descent.trajectory.QUARTER_BITS", 0)
    monkeypatch.setattr("theorems.descent.trajectory.LIMIT", 64)
    with pytest.raises(UsageError, match=r"steps = 998 are too many: \d+ could be certified"):
        certificate_of(replace(plan, steps=998))
