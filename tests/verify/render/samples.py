"""Small records, as a run would write them: one that passes and one in which everything goes wrong."""

from __future__ import annotations

import math
from typing import Any

Json = dict[str, Any]

TEXT = """Lemma 7 [T, constants R]: the estimator λ̂ is close to its limit.

For every θ the distance ‖Ã − Â‖_F² is at most
the gap Δ, and ŷ*_k = y_k on the prompt.

The proof is one line. Wrong if one prompt breaks the inequality, or if the noise has another law."""


def finding(kind: str, name: str) -> Json:
    return {"kind": kind, "name": name, "verdict": "pass", "reading": "slack 2.5e-03 (a reason)"}


def identity(**more: Any) -> Json:
    steps = [{"expression": "Z R₁ − R₂ Z", "rule": "left − right"}, {"expression": "0", "rule": "definition of R₁"}]
    default = {"status": "proved", "residual": "0", "witness": None, "derivation": steps}
    return finding("identity", "Z̄² = ZᵀZ + mτI") | default | more


def trend(y: list[float | None] | None = None, **more: Any) -> Json:
    y = [10.0 ** (1 - step / 4) for step in range(40)] if y is None else y
    default = {"x": list(range(len(y))), "y": y, "expected": "falls", "factor": 1e6, "rounding": 1e-12}
    words = {"reason": "why", "x_label": "training step", "y_label": "gap Δ"}
    return finding("trend", "gap falls") | default | words | more


def bound(observed: Any, limit: Any, **more: Any) -> Json:
    default = {
        "observed": observed,
        "bound": limit,
        "margin": minus(limit, observed),
        "shape": [len(observed)] if isinstance(observed, list) else [],
        "thinned": False,
        "slack": 2.0,
        "vacuous": False,
        "x_label": "",
        "rounding": 1e-12,
        "reason": "why",
    }
    return finding("bound", "test prompts") | default | more


def agreement(predicted: Any, observed: Any, tolerance: Any, **more: Any) -> Json:
    default = {
        "predicted": predicted,
        "observed": observed,
        "difference": minus(observed, predicted),
        "tolerance": tolerance,
        "shape": [1],
        "thinned": False,
        "reason": "why",
    }
    return finding("agreement", "Ã against Â") | default | more


def minus(left: Any, right: Any) -> Any:
    """left - right, entry by entry; what is missing on either side is missing in the difference."""
    if isinstance(left, list) or isinstance(right, list):
        size = len(left if isinstance(left, list) else right)
        rows = [value if isinstance(value, list) else [value] * size for value in (left, right)]
        return [minus(*pair) for pair in zip(*rows, strict=True)]
    return None if left is None or right is None else left - right


def matrix(rows: int, columns: int, shift: float = 0.0) -> list[list[float | None]]:
    return [[math.sin(3 * row + column) + shift for column in range(columns)] for row in range(rows)]


def estimate(interval: list[float | None], allowed: list[float | None], **more: Any) -> Json:
    default = {"interval": interval, "allowed": allowed, "rate": 1e-3, "resolution": 0.0, "reason": "why"}
    return finding("estimate", "P(‖y‖² above its bound)") | default | more


def assumption(margin: float | None, **more: Any) -> Json:
    return finding("assumption", "assumption2") | {"margin": margin, "rounding": 1e-9, "meaning": "ζ₀ > 0"} | more


def check(name: str, sentence: str, *findings: Json, verdict: str = "pass", **more: Any) -> Json:
    default = {"check": name, "grade": "numeric", "sentence": sentence, "verdict": verdict, "seconds": 0.25}
    return default | {"error": None, "summary": "gap falls: enough", "findings": list(findings)} | more


def control(sentence: str, verdict: str = "rejected", caught_by: tuple[str, ...] = ("measure_gap",)) -> Json:
    return {"name": "defect", "sentence": sentence, "verdict": verdict, "caught_by": list(caught_by)}


FOUNDATIONS = [
    {"claim": "ridge", "place": "Ridge", "builds_on": [], "verdict": "pass"},
    {"claim": "limit", "place": "Limit", "builds_on": ["ridge"], "verdict": "undecided"},
]


def record(**more: Any) -> Json:
    """A record that passes, with every kind of finding and of picture."""
    values = [0.5 + index / 7 for index in range(12)]
    evidence = [
        check("measure_assumptions", "The assumptions hold on this instance.", assumption(0.0015)),
        check("derive_limit", "λ̂ solves the problem.", identity(), grade="symbolic"),
        check(
            "measure_gap",
            "Training lowers the gap.",
            trend(),
            bound([-1.0, -0.1, -0.001], [0.0, 0.0, 0.0], x=[0, 1, 2], x_label="training step"),
            bound(values, [2 * value for value in values]),
            bound(0.01, 0.05),
        ),
        check(
            "measure_matrix",
            "The learned matrix equals the limit.",
            agreement(matrix(4, 20), matrix(4, 20, 1e-4), matrix(4, 20, 1.1)),
            agreement(matrix(5, 5), matrix(5, 5), 1e-13),
            agreement(values, values, 0.1),
        ),
        check("estimate_noise", "The noise has its law.", estimate([0.9, 1.1], [1.0, 1.0]), grade="statistical"),
    ]
    instance = {"N": 6, "tau": 0.1, "source": "synthetic tokens", "sha256": "ab" * 32}
    default = {
        "schema": 1,
        "claim": "lemma7",
        "place": "Lemma 7",
        "mark": "T, constants R",
        "title": "the estimator λ̂ is close to its limit",
        "text": TEXT,
        "statement": "norm(tilde(A)) <= hat(lambda)",
        "assumptions": ["assumption2"],
        "builds_on": ["ridge", "limit"],
        "cites": ["Somebody 1999, Lemma 1"],
        "trust": ["ball arithmetic of python-flint (Arb): certify_gap", "believed, from the literature: Somebody 1999"],
        "grade": None,
        "foundations": FOUNDATIONS,
        "verdict": "pass",
        "reasons": [],
        "instance": instance,
        "quantities": {"L_star": 0.26231066817360477, "gap_final": 4.6e-08, "steps": 1275},
        "evidence": evidence,
        "controls": [control("The penalty is doubled."), control("Training stops at step 0.")],
        "ground": [{"name": "χ² tails", "area": "laws", "against": "mpmath", "seconds": 0.01, "trouble": None}],
        "control_baseline": "pass",
        "control_instance": instance,
        "provenance": {
            "command": "python -m verify lemma7 --N 6 --tau 0.1 --seed 0",
            "versions": {"numpy": "2.4.6"},
            "git_commit": "0123456789abcdef",
            "git_clean": True,
            "platform": "Linux x86_64, 2 cores",
            "time": "2026-01-02T03:04:05+00:00",
            "wall_seconds": 9.66,
            "peak_memory_mb": 566,
            "device": "cpu",
            "resumed": {"iteration": 400, "sha256": "0123456789abcdef" * 4},
            "dtype": "float32",
            "tf32": False,
            "parameters": {"N": 6, "tau": 0.1},
            "training_stopped": "below 1e-05",
        },
    }
    return default | more


def hostile() -> Json:
    """A record that fails, with nulls, markup in its texts, words that cannot be wrapped, and empty places."""
    predicted, observed = matrix(4, 20), matrix(4, 20, 0.2)
    observed[1][3] = None
    evidence = [
        check(
            "measure_assumptions",
            "The assumptions hold.",
            assumption(None, verdict="fail"),
            assumption(-2.0, verdict="undecided"),
            assumption(0.0, verdict="undecided"),
            verdict="fail",
        ),
        check(
            "derive_limit",
            'A #panic("no") $x$ *bold* _x_ <label> @ref \\ sentence.',
            identity(
                verdict="fail",
                status="refuted",
                witness="Z = [[" + "1/3, " * 200 + "0]]" + "9" * 300,
                residual="1",
                reading="refuted: Z = [[" + "1/3," * 300 + "0]]",
            ),
            verdict="fail",
            grade="symbolic",
        ),
        check(
            "measure_gap",
            "The gap falls.",
            trend([None] * 5, verdict="fail"),
            trend([5.0, None, 4.0, -1.0]),
            trend([2.0, 2.0], expected="rises", x_label="", y_label=""),
            verdict="fail",
        ),
        check(
            "measure_bound",
            "Bounds.",
            bound([1.0, 3.0, None], [2.0, 2.0, 2.0], verdict="fail", slack=0.67),
            bound([0.0, 0.0], [0.0, 0.0], slack=None),
            bound([None, None], [1.0, 1.0], slack=None),
            bound([1.0, 9.0], [2.0, 3.0], x=[0, 1], verdict="fail"),
            verdict="fail",
        ),
        check(
            "measure_matrix",
            "Matrices.",
            agreement(predicted, observed, 0.1, verdict="fail"),
            agreement(predicted, [[None] * 20] * 4, 0.1),
            agreement([1.0, 1.0], [1.0, 1.0], 0.0),
            agreement([0.0] * 3, [0.0] * 3, 0.0, thinned=True, shape=[30, 1]),
            verdict="fail",
        ),
        check(
            "estimate_noise",
            "Estimates.",
            estimate([None, None], [0.0, 0.05], verdict="fail"),
            estimate([0.2, 0.3], [0.0, 0.05], verdict="fail"),
            estimate([0.2, 0.3], [0.1, None]),
            verdict="fail",
        ),
        check("measure_nothing", "Nothing was found.", verdict="undecided"),
        check("measure_crash", "It broke.", trend(), verdict="error", error="ValueError: " + "x" * 400 + " (line 3)"),
    ]
    provenance = record()["provenance"] | {"git_commit": None, "git_clean": None, "peak_memory_mb": None}
    return record(
        verdict="error",
        evidence=evidence,
        control_baseline="undecided",
        mark="B",
        text="Lemma 7 [B]: a title.",
        controls=[control("Not planted.", "not rejected (error)", ()), control("Caught.", caught_by=("gone",))],
        quantities={"gap_final": None, "an_extremely_long_name_of_a_quantity_of_the_run": 1e-300},
        builds_on=[],
        cites=[],
        foundations=[],
        reasons=[{"verdict": "error", "text": f"measure_{n}: error, #panic(1) " + "y" * 400} for n in range(9)],
        provenance=provenance,
    )
