"""What was found of a machine, for a person at a terminal."""

from __future__ import annotations

from vbench.analysis.doctor import Diagnosis
from vbench.numbers import count
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, style_text

_STYLES = {"fine": "green", "note": "yellow", "spoils": "bold red"}


def print_diagnosis(found: Diagnosis) -> None:
    """Print what was looked at, versions, what an extra would add, and the verdict."""
    out = console()
    here = found.environment
    table = make_table("", "check", "verdict", "found", text=("check", "verdict", "found"))
    for each in found.checks:
        table.add_row(each.about, style_text(each.verdict, _STYLES[each.verdict]), each.found)
    print_table(out, table)
    for each in found.checks:
        if each.verdict != "fine":
            out.print(style_text(f"{each.about}: {each.why}. Do: {each.remedy}."))
    machine = here.machine
    versions = ", ".join(f"{name} {version}" for name, version in here.packages.items())
    out.print(style_text(f"{machine.system}, Python {machine.python}; {versions}", style="dim"))
    if here.kernels:
        kernels = "; ".join(f"{name}: {kernel}" for name, kernel in here.kernels.items())
        out.print(style_text(kernels, style="dim"))
    missing = [each for each in found.extras if not each.installed]
    if missing:
        table = make_table("Not installed", "extra", "adds", text=("extra", "adds"))
        for extra in missing:
            table.add_row(extra.name, extra.adds)
        print_table(out, table)
        out.print(style_text("pip install 'vbench-ann[EXTRA]' adds one."))
    spoils = found.spoils
    if spoils:
        out.print(
            style_text(
                f"{count(len(spoils), 'things')} would spoil a measurement of time here: "
                f"{', '.join(each.about for each in spoils)}; recall is as good as anywhere.",
                style="bold",
            )
        )
    else:
        out.print(style_text("Nothing here would spoil a measurement.", style="bold"))
