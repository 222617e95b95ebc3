"""Which code a run was made with, whatever git is told, and what an installed copy says of itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from verify import code
from verify.code import code_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("verify", "theorems", "numerics")
SCRIPT = f"import json; from verify.code import code_of; print(json.dumps(code_of{PACKAGES}))"
WHO = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *words: str) -> str:
    calm = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "-C", str(folder), *WHO, *words], check=True, capture_output=True, text=True, env=calm
    ).stdout.strip()


def said(folder: Path, **environment: str) -> dict[str, Any]:
    """What the copy of the toolkit in the folder says of itself."""
    import json

    told = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A committed copy of the sources."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".gitignore").write_text("__pycache__\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "all")
    return tmp_path


@needs_git
def test_a_committed_copy_is_clean_and_every_change_of_a_source_is_seen(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    clean = said(checkout)
    assert (clean["git_commit"], clean["git_clean"], clean["version"]) == (commit, True, "0.1.0")
    (checkout / "reports").mkdir()
    (checkout / "reports" / "lemma3.json").write_text("{}")  # the run's own output
    (checkout / "README.md").write_text("no source")
    assert said(checkout) == clean
    (checkout / "theorems" / "mine.py").write_text('"""New."""\n')  # a statement that git does not know
    assert said(checkout)["git_clean"] is False
    git(checkout, "config", "status.showUntrackedFiles", "no")
    changed = said(checkout)
    assert (changed["git_commit"], changed["git_clean"]) == (commit, False)
    assert changed["code_sha256"] != clean["code_sha256"]
    (checkout / "theorems" / "mine.py").unlink()
    assert said(checkout) == clean
    git(checkout, "update-index", "--assume-unchanged", "theorems/lemma3.py")
    (checkout / "theorems" / "lemma3.py").unlink()
    assert said(checkout)["git_clean"] is False


@needs_git
def test_git_settings_and_environment_have_no_say_and_start_no_program(checkout: Path, tmp_path: Path) -> None:
    clean, marker = said(checkout), tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    for setting in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "filter.x.clean",
        "diff.external",
    ):
        git(checkout, "config", setting, str(program))
    (checkout / ".git" / "info" / "attributes").write_text("*.py filter=x\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(elsewhere, "init", "-q")
    for environment in (
        {"GIT_DIR": str(elsewhere / ".git")},
        {"GIT_WORK_TREE": str(elsewhere)},
        {"GIT_INDEX_FILE": "/nowhere"},
        {"GIT_OBJECT_DIRECTORY": "/nowhere"},
        {"GIT_CEILING_DIRECTORIES": str(checkout)},
        {"GIT_TRACE": "1"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": str(program)},
    ):
        assert said(checkout, **environment) == clean, environment
    assert not marker.exists()


@needs_git
def test_line_ends_of_another_system_are_no_change(checkout: Path) -> None:
    file = checkout / "theorems" / "lemma3.py"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert said(checkout)["git_clean"] is True


def test_without_git_the_sources_still_have_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*arguments: Any, **options: Any) -> Any:
        raise FileNotFoundError("git")

    monkeypatch.setattr(code.subprocess, "run", absent)
    found = code_of(*PACKAGES)
    assert (found["git_commit"], found["git_clean"]) == (None, None)
    assert len(found["code_sha256"]) == 64


@needs_git
def test_an_installed_copy_inside_a_checkout_is_not_the_checkout(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "another project")
    copy = tmp_path / "site-packages"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "theory_verify-7.8.9.dist-info").mkdir()
    (copy / "theory_verify-7.8.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: theory-verify\nVersion: 7.8.9\n"
    )
    found = said(copy)
    assert (found["git_commit"], found["git_clean"], found["version"]) == (None, None, "7.8.9")
    assert len(found["code_sha256"]) == 64
