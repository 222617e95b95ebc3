"""The command line: list, show, and running claims.

The options of a run are the fields of the paper's `parameters`; nothing here names one.
Heavy imports happen only inside a run, so that help and listings answer at once.
"""

from __future__ import annotations

import atexit
import gc
import inspect
import logging
import os
import sys
import warnings
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

from verify import UsageError, discovery, streams
from verify.ending import Ending, command_of
from verify.options import given_again, option, parameter_option, path_of
from verify.paper import Paper, paper_of
from verify.render.visible import visible

DEFAULT_OUTPUT = Path("reports")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LONGEST = 480  # characters of a sentence about bad usage


OutputOption = Annotated[Path, typer.Option("--output", help="Folder of the reports.", parser=path_of, metavar="PATH")]


class _RunByDefault(TyperGroup):
    """`verify theorem2` means `verify run theorem2`."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args or ["--help"])


def build_app(package: str, ending: Ending | None = None) -> typer.Typer:
    """The command-line application for the statements of one paper's package."""
    ending = ending or Ending()
    app = typer.Typer(
        cls=_RunByDefault,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help=f"Check the statements of a theory paper: {_first_line(package)}",
        epilog="Run a claim by its name: python -m verify theorem2. See every option: python -m verify run --help.",
    )
    app.command("list", help="Every claim: id, place, grades, last verdict.")(_list_command(package))
    app.command("show", help="One claim: statement, assumptions, checks, controls.")(_show_command(package))
    app.command("mutants", help="Wrong versions of the stated results, and which check rejects each.")(
        _mutants_command(package, ending)
    )
    app.command("audit", help="Run every claim; one document says what became of the whole paper.")(
        _audit_command(package, ending)
    )
    app.command("run", help="Run claims ('all' for every one); writes a JSON record and a PDF for each.")(
        _run_command(package, ending)
    )
    return app


def main(package: str = "theorems", ending: Ending | None = None) -> NoReturn:
    """Run the command line for the statements in `package` and exit with its status; `ending` heeds signals already."""
    if ending is None:
        ending = Ending()
        ending.watch()
    _settle()
    status, trouble = _outcome(package, ending)
    status, lost = streams.delivered(status)
    for sentence in filter(None, (trouble, lost)):
        text = visible(" ".join(sentence.split()))
        print(f"verify: {_shortened(text) if status == 2 else text}", file=sys.stderr)
    ending.done(status)
    sys.exit(status)


def _outcome(package: str, ending: Ending) -> tuple[int, str | None]:
    """The exit status, and what a user must be told in a sentence."""
    try:
        os.getcwd()
    except OSError as error:  # libraries abort the process when they are loaded there
        return 2, f"the current folder cannot be used ({error.strerror}); change to another"
    try:
        return build_app(package, ending)(standalone_mode=False) or 0, None
    except UsageError as error:
        return 2, str(error)
    except typer.TyperException as error:  # an unknown option, a value of the wrong type
        described = error.format_message() if hasattr(error, "format_message") else str(error)
        return 2, f"{described.rstrip('.').replace('Value error, ', '')}; see --help"
    except (KeyboardInterrupt, typer.Abort) as stop:
        return 130, str(stop) or "interrupted"
    except BaseException as error:  # SystemExit too: whoever leaves in the middle has not checked anything
        if sys.flags.dev_mode:
            raise
        told = f"{type(error).__name__}: {error}"
        return 1, f"the verifier itself broke down, {told}; python -X dev -m verify shows where"


def _settle() -> None:
    """Tell the process how to wait and when to clean up; the first must come before OpenMP is loaded.

    A thread that waits by spinning takes its core from the others: on a machine that is shared, training then takes
    several times as long. Expressions are many and live to the end: they are collected seldom, and not while the
    interpreter shuts down.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    streams.prepare_streams()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries; what they are about shows in the verdicts
        logging.disable(logging.WARNING)
    gc.set_threshold(50_000, 20, 100)
    atexit.register(gc.freeze)


def _shortened(text: str) -> str:
    """A value of pages stands in the middle, the argument and the remedy at the ends."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def _first_line(package: str) -> str:
    paper_of(package)
    return ((sys.modules[package].__doc__ or "").strip()).partition("\n\n")[2].replace("\n", " ")


def _list_command(package: str) -> Any:
    def command(
        as_json: JsonOption = False,
        output: OutputOption = DEFAULT_OUTPUT,
    ) -> None:
        from verify import latest
        from verify.render.listing import print_list
        from verify.render.programs import print_json

        rows = latest.rows(package, output)
        print_json(rows, sys.stdout) if as_json else print_list(rows)

    return command


def _show_command(package: str) -> Any:
    def command(claim: Annotated[str, typer.Argument(help="The claim's id.")], as_json: JsonOption = False) -> None:
        from verify.render.listing import print_entry
        from verify.render.programs import print_json

        entry = discovery.find(package, claim)
        if entry.broken:
            raise UsageError(f"claim {claim!r} cannot be read: {entry.broken}")
        paper = paper_of(package)
        options = [f"--{name.replace('_', '-')}" for name in paper.heeded(entry.heeds)]
        below = discovery.foundations(package, claim)
        if as_json:
            print_json(asdict(entry) | {"foundations": [item.id for item in below], "options": options}, sys.stdout)
        else:
            print_entry(entry, below, options)

    return command


def _mutants_command(package: str, ending: Ending) -> Any:
    def command(
        claims: Annotated[
            list[str] | None, typer.Argument(help="Claims to examine; every one if none is named.")
        ] = None,
        output: OutputOption = DEFAULT_OUTPUT,
        as_json: JsonOption = False,
        document: Annotated[
            Path | None, typer.Option(help="Also write the list of open mutants here.", parser=path_of, metavar="PATH")
        ] = None,
        seconds: Annotated[float, typer.Option(help="Time limit of one mutant.", min=0.1)] = 120.0,
    ) -> None:
        from verify.mutants.command import take_exam

        raise typer.Exit(take_exam(package, claims or [], output, document, seconds, ending, as_json=as_json))

    return command


def _audit_command(package: str, ending: Ending) -> Any:
    paper = paper_of(package)
    presets = Literal[tuple(paper.presets)]  # type: ignore[valid-type]  # the choices are the paper's

    def command(**options: Any) -> None:
        again = given_again(options, signature)
        ending.tell(lambda: f"; begin again with: {command_of(['audit'], again, None)}")
        from verify.audit.command import require_jobs, take
        from verify.stage import Request

        jobs = require_jobs(options["jobs"])
        request = Request(
            claims=("all",),
            given={},
            pdf=not options["no_pdf"],
            again=again,
            as_json=options["json"],
            **{name: options[name] for name in ("preset", "output", "quiet")},
        )
        raise typer.Exit(take(package, request, jobs, ending))

    signature = [
        option(
            "preset",
            presets | None,
            None,
            show_default=False,
            help=f"Sizes of every claim ('{paper.default_preset}', or each claim's own).",
        ),
        option("output", Path, DEFAULT_OUTPUT, help="Folder of the reports."),
        option("jobs", int | None, None, show_default=False, help="Claims to run at once; one to each core."),
        option("no_pdf", bool, False, help="Write the records only."),
        option("quiet", bool, False, help="Print verdicts only, no progress."),
        option("json", bool, False, help="Print the audit's record."),
    ]
    command.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]  # typer reads it
    command.__annotations__ = {item.name: item.annotation for item in signature}
    return command


def _run_command(package: str, ending: Ending) -> Any:
    paper = paper_of(package)
    names = [item.name for item in fields(paper.parameters)]

    def command(**options: Any) -> None:
        # By identity: 0 == False, and a value of 0 was given as much as any other.
        given = {name: options[name] for name in names if options[name] is not None and options[name] is not False}
        again = given_again(options, signature)
        ending.tell(lambda: f"; begin again with: {command_of(options['claims'], again, options['resume'])}")
        _require_usable(package, paper, options, given)
        from verify.execution import run_claims
        from verify.stage import Request

        request = Request(
            claims=tuple(options["claims"]),
            given=given,
            pdf=not options["no_pdf"],
            again=again,
            as_json=options["json"],
            **{name: options[name] for name in ("preset", "output", "quiet", "resume", "grade", "certificate")},
        )
        raise typer.Exit(run_claims(package, request, ending))

    signature = _run_signature(paper)
    command.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]  # typer reads it
    command.__annotations__ = {item.name: item.annotation for item in signature}
    return command


def _require_usable(package: str, paper: Paper, options: dict[str, Any], given: dict[str, Any]) -> None:
    """Find out what is unusable before anything heavy is loaded; what else breaks here breaks again later.

    Raises:
        UsageError: a claim is unknown, or a value is.
    """
    try:
        for claim in options["claims"]:
            if claim != "all":
                discovery.find(package, claim)
        if options["preset"] is not None or paper.instance & set(given):
            paper.resolve(options["preset"] or paper.default_preset, given)
    except UsageError:
        raise
    except Exception:
        return


def _run_signature(paper: Paper) -> list[inspect.Parameter]:
    """The options of a run: the paper's parameters, then the toolkit's own."""
    presets = Literal[tuple(paper.presets)]  # type: ignore[valid-type]  # the choices are the paper's
    argument = Annotated[list[str], typer.Argument(help="Claims to run, or 'all'.", show_default=False)]
    return [
        inspect.Parameter("claims", inspect.Parameter.KEYWORD_ONLY, annotation=argument),
        option(
            "preset",
            presets | None,
            None,
            show_default=False,
            help=f"Sizes to start from ('{paper.default_preset}', or the claim's own; see show).",
        ),
        *(parameter_option(item, paper) for item in fields(paper.parameters)),
        option(
            "grade", Literal[discovery.GRADES] | None, None, help="Gather evidence of this grade only; never a pass."
        ),
        option("output", Path, DEFAULT_OUTPUT, help="Folder of the reports."),
        option("resume", Path | None, None, help="Continue training from this checkpoint."),
        option("certificate", Path | None, None, help="Also write what an independent checker needs to this file."),
        option("no_pdf", bool, False, help="Write the record only."),
        option("quiet", bool, False, help="Print one line per claim."),
        option("json", bool, False, help="Print one JSON array, an object per claim."),
    ]
