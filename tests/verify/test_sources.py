"""The sources that a verdict rests on are found by reading imports, whatever form they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.sources import read_sources

IMPORTS = {
    "import srcpaper.used": True,
    "import os, srcpaper.used as u": True,
    "from srcpaper import used": True,
    "from srcpaper import (  # several\n    other,  # with reasons\n    used as u,\n)": True,
    "from srcpaper.used import x": True,
    "from . import used": True,
    "from .used import x": True,
    "def f():\n    from srcpaper.used import x": True,
    "from srcpaper import other": False,
    "used = 3": False,
    "from srcpaper.unused import used": False,
}


@pytest.mark.parametrize(("text", "reached"), IMPORTS.items())
def test_a_change_counts_if_it_can_be_reached(
    text: str, reached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "srcpaper"
    package.mkdir()
    for name in ("__init__", "other", "unused", "used"):
        (package / f"{name}.py").write_text("x = 1\n")
    (package / "claim.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    before = read_sources("srcpaper").fingerprint("srcpaper.claim")
    (package / "used.py").write_text("x = 2\n")
    assert (read_sources("srcpaper").fingerprint("srcpaper.claim") != before) is reached
    (package / "used.py").write_text("x = 1\n")
    assert read_sources("srcpaper").fingerprint("srcpaper.claim") == before
    (package / "__init__.py").write_text("x = 2\n")
    assert read_sources("srcpaper").fingerprint("srcpaper.claim") != before


def test_circles_end_and_what_cannot_be_read_is_a_source_like_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "roundpaper"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("from roundpaper.deep import a\n")
    (package / "deep" / "__init__.py").write_text("from ..deep.a import b\n")
    (package / "deep" / "a.py").symlink_to("nowhere")
    monkeypatch.syspath_prepend(tmp_path)
    sources = read_sources("roundpaper", "no_such_package")
    assert set(sources.modules) == {"roundpaper", "roundpaper.deep", "roundpaper.deep.a"}
    assert len(sources.fingerprint("roundpaper")) == 64


def test_a_claim_of_the_paper_rests_on_what_makes_its_subject_and_not_on_other_claims() -> None:
    sources = read_sources("verify", "theorems", "numerics")

    def moved(changed: str) -> bool:
        modules = {name: module for name, module in sources.modules.items() if name != changed}
        return type(sources)(modules=modules).of_claim("theorems", ["lemma3"]) != sources.of_claim(
            "theorems", ["lemma3"]
        )

    assert all(map(moved, ["theorems.lemma3", "theorems.setting.parameters", "numerics.training", "verify.runner"]))
    assert not any(map(moved, ["theorems.theorem2", "verify.render.pdf", "verify.cli"]))
