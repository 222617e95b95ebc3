"""One name, one meaning: a public function or class has a name of its own across the three packages.

A check belongs to its claim and is addressed by it. Whatever else bears the name of something elsewhere is listed
here: for good with the reason, or for as long as it is not renamed.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from verify.discovery import GRADE_OF_PREFIX

ROOT = Path(__file__).parents[1]
APART = "two sides that may not import one another"  # numerics and verify; the checker and the rest; ground
RULE_AND_VALUE = "what a statement speaks of, and its value in balls"
SHARPER = "a statement and its sharper form"
ALIKE = {
    **dict.fromkeys(("write_atomically", "require_replaceable", "enclose", "main", "read"), APART),
    **dict.fromkeys(("hypotheses", "over", "root", "shifted"), APART),
    **dict.fromkeys(("largest", "least_singular_value", "mixture", "operator_norm", "spectral_norm"), RULE_AND_VALUE),
    **dict.fromkeys(("number", "sum_of_squares"), RULE_AND_VALUE),
    **dict.fromkeys(("differential", "mean_deviation", "stated_constants"), SHARPER),
    "idle": "the paper's own answer to the protocol of verify.paper",
}
# Two meanings still: to be renamed.
OWING = {
    *(
        "Instance",
        "Letter",
        "State",
        "between",
        "certificate",
        "difference",
        "entries",
        "excess",
    ),
    *("inverse", "kept", "penalty_changed", "residual", "squares", "weights_chain"),
}


def test_no_public_function_or_class_shares_its_name() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for package in ("verify", "theorems", "numerics"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].add(str(path.relative_to(ROOT)))
    shared = {name: files for name, files in places.items() if len(files) > 1}
    found = {name for name in shared if name.partition("_")[0] not in GRADE_OF_PREFIX and name not in ALIKE}
    assert found == OWING, {name: sorted(shared.get(name, ())) for name in found ^ OWING}
    assert set(ALIKE) <= set(shared), f"no longer shared: {sorted(set(ALIKE) - set(shared))}"
