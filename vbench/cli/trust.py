"""`--trust`: third-party files may name code, and be unpacked to any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from vbench._invocation import trusting

Command = TypeVar("Command", bound=Callable[..., Any])


def _trust(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    if not ctx.resilient_parsing:
        ctx.with_resource(trusting(given))


def trust_option(command: Command) -> Command:
    """Add the switch; it holds for as long as the command runs (:mod:`vbench._invocation`)."""
    option = click.option(
        "--trust",
        is_flag=True,
        expose_value=False,
        callback=_trust,
        help="Trust the files: run code that they name, and unpack arrays far larger than their "
        "file.",
    )
    return option(command)
