"""Setting the stage: from what a user asked for to what each claim's checks look at.

Everything that can be wrong with a request is found out here, before anything runs or is written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verify import UsageError, discovery
from verify.claim import Claim
from verify.code import code_of
from verify.discovery import Entry
from verify.ending import Ending
from verify.files import CERTIFICATE, RECORD, REPORT, Kind, prepare_folder, require_folder, require_replaceable
from verify.foundation_cache import FoundationCache, fingerprint_of, recall
from verify.pair import report_path
from verify.paper import Paper, Subject, paper_of
from verify.recording import SILENT
from verify.render import terminal
from verify.render.visible import shell_line
from verify.runner import Foundations, trouble
from verify.scope import Scope
from verify.sources import Sources, read_sources


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asked for; `given` holds the paper's parameters that were given, whatever their values.

    `again` are the options as they were typed, but for `--resume`.
    """

    claims: tuple[str, ...]
    preset: str | None
    given: dict[str, Any]
    output: Path
    pdf: bool = True
    quiet: bool = False
    as_json: bool = False
    resume: Path | None = None
    grade: str | None = None
    certificate: Path | None = None
    again: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Desk:
    """What all claims of a request share. Subjects are built once for each complete set of parameters."""

    package: str
    paper: Paper
    request: Request
    narrator: terminal.Narrator
    subjects: dict[Any, Subject] = field(default_factory=dict)
    cache: FoundationCache
    below: Foundations
    sources: Sources
    code: Mapping[str, Any]
    ending: Ending
    sampled: bool = False
    claims: list[Stage] = field(default_factory=list)
    left: list[Stage] = field(default_factory=list)  # those whose results are not written yet

    @property
    def claims_left(self) -> tuple[str, ...]:
        """The claims whose results are not written yet, as they were typed where those are all."""
        whole = len(self.left) == len(self.claims)
        return self.request.claims if whole else tuple(stage.entry.id for stage in self.left)

    def subject(self, settings: Any, **details: Any) -> Subject:
        """What the checks look at with these parameters."""
        if settings not in self.subjects:
            self.subjects[settings] = self.paper.prepare(settings, **details)
        return self.subjects[settings]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One claim of a request: what it is about, what its checks look at, and what its options mean for it."""

    entry: Entry
    foundations: tuple[Entry, ...]
    subject: Subject
    small: Subject
    scope: Scope
    command: str
    checkpoint: Path | None
    broken: str | None = None


def desk_of(package: str, request: Request, ending: Ending) -> Desk:
    """What all claims share, with what is known of their foundations."""
    paper = paper_of(package)
    sources = read_sources("verify", package, *paper.laboratory)
    cache = recall(fingerprint_of("verify", package, *paper.laboratory))
    below = Foundations(load=lambda name: loaded(package, name), small=_fixed(paper), known=cache.known())
    narrator = terminal.Narrator(quiet=request.quiet)
    return Desk(
        package=package,
        paper=paper,
        request=request,
        narrator=narrator,
        cache=cache,
        below=below,
        ending=ending,
        sources=sources,
        code=code_of("verify", package, *paper.laboratory),
    )


def _fixed(paper: Paper) -> Subject:
    """The subject of foundations; where it cannot be made, the checks that look at it break, and no others."""
    try:
        return paper.prepare(paper.foundation())
    except KeyboardInterrupt:
        raise
    except BaseException:
        return SILENT


def stage_of(entry: Entry, desk: Desk) -> Stage:
    """One claim with the instance that was asked for; where that breaks down, the claim is broken and no other.

    Raises:
        UsageError: what was asked for cannot be used.
    """
    try:
        return _stage_of(entry, desk)
    except (UsageError, KeyboardInterrupt):
        raise
    except BaseException as error:
        return Stage(
            entry=entry,
            foundations=(),
            subject=SILENT,
            small=SILENT,
            scope=Scope(heeded=(), without_effect=()),
            command=_replay_command(entry.id, [], desk.request),
            checkpoint=None,
            broken=f"what it is about cannot be made: {trouble(error)}",
        )


def _stage_of(entry: Entry, desk: Desk) -> Stage:
    """The claim's own preset unless the user changes the instance."""
    paper, request = desk.paper, desk.request
    foundations, broken = _foundations(entry, desk)
    own = entry.preset if request.preset is None and not paper.instance & set(request.given) else None
    preset = (None if broken else own) or request.preset or paper.default_preset
    settings = paper.resolve(preset, request.given)
    checkpoint = _checkpoint(paper, settings, request)
    subject = desk.subject(
        settings,
        progress=desk.narrator.progress,
        checkpoint=checkpoint,
        say=desk.narrator.say,
        resume=None if own else request.resume,
    )
    heeded = paper.heeded(entry.heeds)
    scope = Scope(
        heeded=heeded,
        without_effect=paper.without_effect(request.given, entry.heeds),
        instance=bool(paper.instance & set(heeded) - {"seed"}),
    )
    return Stage(
        entry=entry,
        foundations=foundations,
        subject=subject,
        scope=scope,
        broken=broken,
        checkpoint=checkpoint,
        small=desk.subject(paper.control(settings, None if broken else entry.preset)),
        command=_replay_command(entry.id, paper.as_options(settings, heeded), request),
    )


def _foundations(entry: Entry, desk: Desk) -> tuple[tuple[Entry, ...], str | None]:
    """What the claim rests on, and what is wrong with its file, if anything."""
    if entry.broken is not None:
        return (), entry.broken
    unknown = [name for name in entry.heeds if not set(desk.paper.heeded([name])) & desk.paper.options]
    if unknown:
        return (), f"heeds names {unknown[0]!r}, which is no option of a run"
    if entry.preset is not None and entry.preset not in desk.paper.presets:
        return (), f"preset = {entry.preset!r} is none of {', '.join(desk.paper.presets)}"
    try:
        return discovery.foundations(desk.package, entry.id), None
    except UsageError as error:
        return (), str(error)


def _checkpoint(paper: Paper, settings: Any, request: Request) -> Path:
    """Where training is kept: a name for each complete set of parameters, so that runs into one folder do not mix."""
    recipe = shell_line(paper.as_options(settings, paper.options))
    return request.output / f"training.{hashlib.sha256(recipe.encode()).hexdigest()[:12]}.checkpoint"


def record_path(claim: str, request: Request) -> Path:
    """Where the claim's record goes; its report beside it."""
    restricted = f".{request.grade}" if request.grade else ""
    return request.output / f"{claim}{restricted}.json"


def prepare_paths(request: Request, stages: Iterable[Stage]) -> None:
    """Make sure that everything can be written that this run will write, and that nothing of anybody's is lost by it.

    Raises:
        UsageError: a folder cannot be written, something else than an earlier file of the same kind stands where one
            shall be, or the certificate would replace what this run itself reads or writes.
    """
    written: dict[Path, tuple[Kind | None, str]] = {}
    for stage in stages:
        path = record_path(stage.entry.id, request)
        written |= {path: (RECORD, "output"), report_path(path): (REPORT, "output")}
        written |= {} if stage.checkpoint is None else {stage.checkpoint: (None, "output")}
    certificate = request.certificate
    if certificate is not None:
        known = [path for path in (*written, request.resume, request.given.get("tokens")) if path is not None]
        if os.path.realpath(certificate) in map(os.path.realpath, known):
            raise UsageError(
                f"certificate = {certificate} is a file of this run itself; give --certificate another name"
            )
        written[certificate] = CERTIFICATE, "certificate"
    _require_all(written)
    for folder, option in {path.parent: option for path, (_, option) in written.items()}.items():
        prepare_folder(folder, option)
    _require_all(written)  # a path through a folder that was just made leads elsewhere


def _require_all(written: Mapping[Path, tuple[Kind | None, str]]) -> None:
    for path, (kind, option) in sorted(written.items(), key=lambda item: item[0]):
        require_replaceable(path, kind, option)


def chosen(package: str, request: Request) -> list[Entry]:
    """The statements asked for, each once, in the order given; 'all' stands for every one.

    Raises:
        UsageError: one is unknown, has no certificate though one was asked for, or there can be no such folder.
    """
    require_folder(request.output, "output")
    known = discovery.entries(package)
    if not known:
        discovery.find(package, "all")
    names = [name for claim in request.claims for name in ([e.id for e in known] if claim == "all" else [claim])]
    chosen = [discovery.find(package, name) for name in dict.fromkeys(names)]
    if request.certificate is not None:
        _require_certificate(chosen, [entry.id for entry in known if entry.certificate])
    return chosen


def _require_certificate(chosen: Iterable[Entry], able: list[str]) -> None:
    names = [entry.id for entry in chosen]
    if len(names) != 1 or names[0] not in able:
        raise UsageError(
            f"certificate was asked for {', '.join(names)}; give one claim that has one: {', '.join(able) or 'none'}"
        )


def _replay_command(claim: str, options: list[str], request: Request) -> str:
    grade = ["--grade", request.grade] if request.grade else []
    return shell_line(["python", "-m", "verify", claim, *options, *grade])


def loaded(package: str, name: str) -> Claim:
    claim = discovery.load(package, name)
    if not isinstance(claim, Claim):
        raise TypeError(f"CLAIM is a {type(claim).__name__}, not a Claim")
    return claim
