"""What was asked is what ran: every option is resolved as given or refused, and bears on what it is said to bear on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer import TyperException

from tests.theorems.conftest import claim_of
from theorems import PAPER, theorem1
from theorems.checkers import check_certificate
from theorems.descent.frozen_modes import SHARE, share_of
from theorems.descent.runs import literal_problem
from theorems.descent.trajectory import DescentRun
from theorems.setting.experiment import Experiment
from theorems.setting.limit import Limit
from theorems.setting.parameters import GROUPS, INSTANCE, PRESETS, Parameters, resolve
from theorems.setting.preparation import prepare
from verify import UsageError
from verify.cli import build_app
from verify.discovery import entries
from verify.record import finding_record, plain, read_record
from verify.runner import Evidence, Outcome, run_checks

pytestmark = pytest.mark.whole

ENTRIES = {entry.id: entry for entry in entries("theorems")}

# At least three values of every option: 0 or the least, the preset's own, others, and nonsense.
VALUES: dict[str, tuple[Any, ...]] = {
    "N": (0, 1, 6, 5, -1, 16, 10**12),
    "K": (0, 7, 16, 20, 6, -3, 10**12),
    "d": (0, 1, 2, 10, -1, 10**12),
    "m": (0, 1, 4, 7, -1, 10**12),
    "H": (0, 1, 24, 30, -1, 10**12),
    "tau": (0, 0.0, 0.1, 1e-200, 2, -1.0, "nan", "inf"),
    "beta": (0, 0.5, 1.0, 1e-320, -1.0, "nan", "1e400"),
    "start_weights": (0, 0.0, 0.5, 1e200, -1.0),
    "gamma_factor": (0, 1.0, 0.5, 1e308, -1.0),
    "step_factor": (0, 1.0, 100, 1e-320, "inf"),
    "force": (True, None),
    "epsilon": (0, 1e-3, 0.5, -1.0),
    "delta": (0, 0.05, 0.5, 1, "nan"),
    "B": (0, 3.0, 0.001, "inf"),
    "seed": (0, 1, 2**62, -1, 2**70),
    "data": ("synthetic", "digits", "letters"),
    "tokens": ("unit.npz", "long.npz", "nowhere.npz"),
    "normalize": (True, None),
    "raw_tokens": (True, None),
    "steps": (0, 1000, 5, -1, 10**20),
    "optimizer": ("adam", "gd", "sgd"),
    "rate_queries": (0, 0.01, 0.5, "nan"),
    "rate_weights": (0, 0.01, 0.5, -1.0),
    "objective": ("population", "sampled", "none"),
    "prompts": (0, 10000, 7, 10**20),
    "precision": ("float32", "float64", "float16"),
    "device": ("cpu", "auto", "abacus"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of unit tokens, one of long ones, and a place for records."""
    place, rng = tmp_path_factory.mktemp("asked"), np.random.default_rng(0)
    tokens = rng.standard_normal((16, 5))
    unit = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
    for name, rows in (("unit", unit), ("long", tokens), ("single", unit.astype(np.float32))):
        np.savez(place / f"{name}.npz", tokens=rows, features=rng.standard_normal((16, 3)))
    return place


@pytest.fixture(autouse=True, scope="module")
def firm_ground() -> Iterator[None]:
    """Hundreds of runs that differ in their options do not test the libraries hundreds of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("verify.ground.outcomes_of", lambda grounds, areas=(): ())
        yield


def outcome(folder: Path, claim: str, *options: str) -> dict[str, Any] | str:
    """The record of a run, or the one sentence with which it was refused."""
    try:
        build_app("theorems")([claim, *options, "--no-pdf", "--output", str(folder)], standalone_mode=False)
    except (UsageError, TyperException) as error:
        described = error.format_message() if isinstance(error, TyperException) else str(error)
        assert described
        return described
    return read_record(folder / f"{claim}.json")


def asked(name: str, value: Any, folder: Path) -> tuple[str, ...]:
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return (option,)
    return () if value is None else (option, str(folder / value) if name == "tokens" else str(value))


CASES = [(name, value) for name, values in VALUES.items() for value in values]
REFUSED = {
    ("N", 0),
    ("N", -1),
    ("N", 16),
    ("N", 10**12),
    ("K", 0),
    ("K", -3),
    ("K", 6),
    ("K", 10**12),
    ("d", 0),
    ("d", -1),
    ("d", 1),
    ("d", 10**12),
    ("m", 0),
    ("m", -1),
    ("m", 10**12),
    ("H", 0),
    ("H", -1),
    ("H", 10**12),
    ("tau", 0),
    ("tau", 0.0),
    ("tau", 1e-200),
    ("tau", -1.0),
    ("tau", "nan"),
    ("tau", "inf"),
    ("beta", 1e-320),
    ("beta", -1.0),
    ("beta", "nan"),
    ("beta", "1e400"),
    ("start_weights", 1e200),
    ("start_weights", -1.0),
    ("gamma_factor", 0),
    ("gamma_factor", 1e308),
    ("gamma_factor", -1.0),
    ("step_factor", 0),
    ("step_factor", 1e-320),
    ("step_factor", "inf"),
    ("epsilon", 0),
    ("epsilon", -1.0),
    ("delta", 0),
    ("delta", 1),
    ("delta", "nan"),
    ("B", 0),
    ("B", "inf"),
    ("seed", -1),
    ("seed", 2**70),
    ("data", "letters"),
    ("tokens", "long.npz"),
    ("tokens", "nowhere.npz"),
    ("normalize", True),
    ("steps", -1),
    ("steps", 10**20),
    ("optimizer", "sgd"),
    ("rate_queries", 0),
    ("rate_queries", "nan"),
    ("rate_weights", 0),
    ("rate_weights", -1.0),
    ("objective", "none"),
    ("prompts", 0),
    ("prompts", 10**20),
    ("precision", "float16"),
    ("device", "abacus"),
}


def test_every_option_is_in_the_table() -> None:
    assert set(VALUES) == {item.name for item in fields(Parameters)}
    assert all(len(set(map(str, values))) >= 2 for values in VALUES.values())


@pytest.mark.parametrize(("name", "value"), CASES)
@pytest.mark.parametrize("claim", ["lemma3", "assumption3"])
def test_the_record_holds_what_was_given_or_the_run_is_refused(name: str, value: Any, claim: str, folder: Path) -> None:
    found = outcome(folder, claim, "--preset", "quick", *asked(name, value, folder))
    if (name, value) in REFUSED:
        assert isinstance(found, str), (name, value)
        assert name.rstrip("s") in found.replace("-", "_")
        assert "\n" not in found.strip()
        return
    assert isinstance(found, dict), found
    held = found["provenance"]["parameters"][name]
    quick = vars(resolve("quick", {}))[name]
    expected = quick if value is None else str(folder / value) if name == "tokens" else value
    assert type(held) is type(quick) or quick is None or isinstance(held, (int, float))
    assert held == expected
    assert found["without_effect"] == ([] if value is None or name in PAPER.heeded(ENTRIES[claim].heeds) else [name])


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_overrides_nothing_that_was_given(preset: str, folder: Path) -> None:
    given = {"seed": 0, "beta": 1.0, "tau": 0.01, "N": 1, "steps": 1500}
    options = [text for name, value in given.items() for text in asked(name, value, folder)]
    found = outcome(folder, "lemma4", "--preset", preset, *options)
    assert isinstance(found, dict)
    assert {name: found["provenance"]["parameters"][name] for name in given} == given


@pytest.mark.parametrize(
    "options",
    [
        ("--data", "synthetic", "--tokens", "unit.npz"),
        ("--data", "digits", "--tokens", "unit.npz"),
        ("--tokens", "unit.npz", "--K", "17"),
        ("--tokens", "unit.npz", "--d", "6"),
        ("--tokens", "unit.npz", "--m", "4"),
        ("--data", "digits", "--d", "10"),
        ("--data", "digits", "--raw-tokens"),
        ("--normalize", "--data", "digits"),
    ],
)
def test_what_data_would_override_is_refused(options: tuple[str, ...], folder: Path) -> None:
    given = [str(folder / text) if text.endswith(".npz") else text for text in options]
    assert isinstance(outcome(folder, "lemma4", "--preset", "quick", *given), str)


def test_data_fill_in_what_was_left_to_them(folder: Path) -> None:
    found = outcome(folder, "assumption3", "--preset", "quick", "--tokens", str(folder / "unit.npz"))
    assert isinstance(found, dict)
    assert [found["provenance"]["parameters"][name] for name in "KdmN"] == [16, 5, 3, 6]
    assert "--data" not in found["provenance"]["command"]


def test_training_prompts_have_no_effect_on_the_loss_of_the_population() -> None:
    assert PAPER.without_effect({"prompts": 5}, ("training",)) == ("prompts",)
    assert PAPER.without_effect({"prompts": 5, "objective": "sampled"}, ("training",)) == ()


# --- what bears on a claim ---------------------------------------------------------------------------------------

SMALL: dict[str, Any] = {"N": 3, "K": 6, "d": 4, "m": 2, "H": 8, "steps": 30, "device": "cpu"}
OTHER: dict[str, dict[str, Any]] = {
    "N": {"N": 4},
    "K": {"K": 7},
    "d": {"d": 5},
    "m": {"m": 3},
    "H": {"H": 9},
    "tau": {"tau": 0.2},
    "beta": {"beta": 1.5},
    "start_weights": {"start_weights": 0.3},
    "gamma_factor": {"gamma_factor": 1.5},
    "step_factor": {"step_factor": 0.5},
    "force": {"force": True},
    "epsilon": {"epsilon": 1e-2},
    "delta": {"delta": 0.1},
    "B": {"B": 2.0},
    "seed": {"seed": 1},
    "data": {"data": "digits", "d": None},
    "tokens": {},
    "normalize": {},
    "raw_tokens": {"raw_tokens": True},
    "steps": {"steps": 40},
    "optimizer": {"optimizer": "gd"},
    "rate_queries": {"rate_queries": 0.02},
    "rate_weights": {"rate_weights": 0.02},
    "objective": {"objective": "sampled"},
    "prompts": {"prompts": 100},
    "precision": {"precision": "float64"},
    "device": {},
}
# Of claims that take seconds, only the options that few others heed.
FEW = {
    "certified_network": ("start_weights", "delta", "steps"),
    "drift": ("start_weights",),
    "lemma10": ("H",),
    "lazy": ("start_weights", "tau"),
    "long_run": ("start_weights", "gamma_factor", "step_factor"),
    "sharp_rate": ("start_weights", "tau"),
    "theorem1": ("start_weights", "gamma_factor", "step_factor"),
    "theorem1_sharp": ("start_weights",),
    "theorem2": ("start_weights", "gamma_factor", "epsilon", "delta", "B", "steps"),
}
QUIET = ("force", "tokens", "normalize", "prompts", "device")  # change nothing by themselves on this instance


def evidence_of(claim: str, experiment: Experiment) -> tuple[Evidence, ...]:
    loaded = claim_of(claim)
    return run_checks(loaded.checks, loaded.about(experiment))


def readings(claim: str, given: dict[str, Any]) -> str:
    evidence = evidence_of(claim, prepare(resolve("quick", SMALL | given)))
    found = [[item.check, item.error, [plain(finding_record(f)) for f in item.findings]] for item in evidence]
    return json.dumps(found)


@pytest.mark.parametrize("claim", sorted(ENTRIES))
def test_options_that_a_claim_does_not_heed_change_nothing(claim: str) -> None:
    bearing = PAPER.heeded(ENTRIES[claim].heeds)
    idle: dict[str, Any] = {}
    for name, change in OTHER.items():
        if name not in (*bearing, "raw_tokens") and not set(change) & set(bearing):  # digits exclude raw tokens
            idle |= change
    assert readings(claim, idle) == readings(claim, {})


@pytest.mark.parametrize("claim", sorted(ENTRIES))
def test_options_that_a_claim_heeds_change_something(claim: str) -> None:
    before = readings(claim, {})
    bearing = PAPER.heeded(ENTRIES[claim].heeds)
    assert set(FEW.get(claim, ())) <= set(bearing)
    for name in FEW.get(claim, bearing):
        if name not in QUIET:
            assert readings(claim, OTHER[name]) != before, name


def test_groups_hold_options_and_the_instance_is_made_of_them() -> None:
    assert {name for group in GROUPS.values() for name in group} == PAPER.options
    assert {"N", "H", "seed", "start_weights"} <= INSTANCE
    assert not {"steps", "gamma_factor", "delta"} & INSTANCE


# --- the instance in the header ----------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", [name for name, entry in ENTRIES.items() if not PAPER.heeded(entry.heeds)])
def test_a_claim_about_all_dimensions_shows_no_instance(claim: str, folder: Path) -> None:
    found = outcome(folder, claim, "--N", "7", "--tau", "5")
    assert isinstance(found, dict)
    assert found["instance"] == {"source": "for all dimensions; no instance"}
    assert found["quantities"] == {}
    assert found["without_effect"] == ["N", "tau"]


def test_the_header_shows_what_was_looked_at(folder: Path) -> None:
    found = outcome(folder, "assumption3", "--preset", "quick")
    assert isinstance(found, dict)
    assert set(found["instance"]) == {"N", "K", "d", "seed", "source", "sha256"}


@pytest.mark.parametrize("claim", ["lazy", "sharp_rate"])
def test_without_options_the_literal_instance_is_the_header(claim: str) -> None:
    assert ENTRIES[claim].preset == "literal"
    evidence = evidence_of(claim, prepare(resolve("literal", {})))
    assert {getattr(f, "elsewhere", "") for item in evidence for f in item.findings} == {""}


@pytest.mark.parametrize("claim", ["lazy", "sharp_rate", "long_run", "theorem1", "theorem1_sharp", "drift", "theorem2"])
@pytest.mark.parametrize(("change", "name"), [({"H": 2}, "assumption2"), ({"start_weights": 0.5}, "w⁽⁰⁾ = 0")])
def test_a_hypothesis_that_fails_here_is_named(claim: str, change: dict[str, Any], name: str) -> None:
    experiment = prepare(resolve("quick", {"steps": 0} | change))
    evidence = evidence_of(claim, experiment)
    reasons = [text for _, text in Outcome(evidence=evidence, baseline=evidence[0].verdict, controls=()).reasons]
    assert any(text.startswith("on this instance") and name in text for text in reasons), reasons


def test_the_certificate_is_of_the_instance_in_the_header(tmp_path: Path) -> None:
    experiment = prepare(resolve("quick", {"seed": 4}))
    content = theorem1.certificate(theorem1.LinearConvergence(experiment))
    assert (content["N"], content["K"], content["H"]) == (6, 16, 24)
    assert [[float.fromhex(x) for x in row] for row in content["tokens"]] == experiment.instance.tokens.tolist()


# --- one constant, one answer ------------------------------------------------------------------------------------


def test_tokens_that_pass_here_pass_the_checker(folder: Path) -> None:
    from numerics.instance import UNIT_NORM_TOLERANCE

    assert float(check_certificate.UNIT) == UNIT_NORM_TOLERANCE
    refused = outcome(folder, "assumption3", "--preset", "quick", "--tokens", str(folder / "single.npz"))
    assert isinstance(refused, str)
    assert "add --normalize" in refused


def test_a_slowest_mode_without_share_is_an_assumption_that_fails() -> None:
    """With z_K = 0 the token K has nothing to learn; where its mode is the slowest, no rate is claimed."""
    problem = literal_problem(Limit())
    assert share_of(DescentRun(name="literal", problem=problem, steps=0)).margin > 0
    data = problem.instance
    features = data.features.copy()
    features[-1] = 0.0
    silent = replace(problem, instance=replace(data, features=features))
    shares = []
    for seed in range(12):
        queries = np.random.default_rng(seed).standard_normal(problem.queries.shape) * 5
        found = share_of(DescentRun(name="silent", problem=replace(silent, queries=queries), steps=0))
        shares.append(found.margin)
    assert min(shares) == -1.0  # the whole share is missing
    assert SHARE == 1e-6
