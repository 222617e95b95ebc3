"""The documents tell the truth: their example works, their commands exist, their table is complete."""

import importlib.util
import re
from pathlib import Path

from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Verdict
from verify.discovery import entries
from verify.runner import run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_newcomer_adds_a_claim_from_the_contributing_guide_alone(tmp_path: Path) -> None:
    """The example as printed passes, each check catches what it shall, and its statement can be examined."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "CLAIM = " in block)
    path = tmp_path / "largest_weight.py"
    path.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("theorems.largest_weight", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    experiment: Experiment = prepare(resolve("quick", {}))
    outcome = run(module.CLAIM, experiment, experiment)
    assert outcome.verdict is Verdict.PASS, outcome.reasons
    both = ("derive_bound", "measure_weights")
    assert [control.caught_by for control in outcome.controls] == [both, both, ("measure_weights",)]


def test_the_readme_lists_every_claim_with_its_kinds_of_evidence() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", README, re.MULTILINE)
    wanted = [(entry.id, ", ".join(entry.grades)) for entry in entries("theorems")]
    missing = [f"| `{claim}` | (what it says) | {grades} |" for claim, grades in wanted if (claim, grades) not in rows]
    assert not missing, "the table in README.md lacks\n" + "\n".join(missing)
    assert len(rows) == len(wanted)


def test_the_documents_use_only_targets_and_pictures_that_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md"):
        used = re.findall(r"^make (\w+)", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE)
        assert set(used) <= targets
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file()
