"""`python -m verify`, and the installed command."""

from typing import NoReturn

from verify.ending import Ending


def start() -> NoReturn:
    """Run the command line; signals are heeded from before anything else is loaded."""
    ending = Ending()
    ending.watch()
    from verify.cli import main

    main(ending=ending)


if __name__ == "__main__":
    start()
