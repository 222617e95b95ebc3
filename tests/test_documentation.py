"""The documents tell the truth: their example works, their commands exist, their table is complete."""

import importlib.util
import re
from pathlib import Path

from theorems.experiment import Experiment
from theorems.parameters import prepare, resolve
from verify.claim import Verdict
from verify.discovery import entries
from verify.runner import run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_claim_of_the_contributing_guide_passes_and_rejects_its_defect(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "CLAIM = " in block)
    path = tmp_path / "lemma3.py"
    path.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("lemma3_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    experiment: Experiment = prepare(resolve("quick", {}))
    outcome = run(module.CLAIM, experiment, experiment)
    assert outcome.verdict is Verdict.PASS, outcome.reasons
    assert [control.caught_by for control in outcome.controls] == [("measure_sum",)]


def test_the_readme_lists_every_claim_with_its_kinds_of_evidence() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", README, re.MULTILINE)
    assert dict(rows) == {entry.id: ", ".join(entry.grades) for entry in entries("theorems")}
    assert len(rows) == len(dict(rows))


def test_the_documents_use_only_targets_and_pictures_that_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md"):
        used = re.findall(r"^make (\w+)", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE)
        assert set(used) <= targets
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file()
