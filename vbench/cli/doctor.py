"""`vbench doctor`: whether this machine is fit to measure on, and what is not installed."""

from __future__ import annotations

import click

from vbench.cli.command import Command
from vbench.render.terminal.output import json_option, print_json, progress_bar

_EXAMPLES = """
\b
Examples:
  vbench doctor
  vbench doctor --seconds 0 --json
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Look for what would spoil a measurement.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds of the self-test; 0 leaves it out.",
)
@json_option
def doctor(seconds: float, as_json: bool) -> int:
    """Look at cores, kernels, other work, memory, disk and clock, and test how even time is.

    The exit code is 1 where something would spoil a measurement of time now, with a sentence what
    to do; recall can be measured anywhere.
    """
    from vbench.doctor.examine import examine

    with progress_bar() as progress:
        found = examine(seconds, progress)
    if as_json:
        print_json(found)
    else:
        from vbench.render.terminal.doctor import print_diagnosis

        print_diagnosis(found)
    return 1 if found.spoils else 0
