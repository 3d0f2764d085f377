"""What a run is measured on: machine, packages, kernels, revision."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import psutil

from vbench._plugins import installed_version
from vbench._process.cores import usable_cores
from vbench.bench.kernels import kernels
from vbench.runs.schema import Environment, Machine

_DISTRIBUTION = "vbench-ann"
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def environment() -> Environment:
    """What this process sees of it; workers add the kernels of their libraries."""
    return Environment(
        machine=machine(),
        host=hashlib.sha256(platform.node().encode()).hexdigest()[:12],
        packages=packages(),
        kernels=kernels(),
    )


def machine() -> Machine:
    """Processor, cores, memory and system, as far as the system tells."""
    return Machine(
        processor=_processor(),
        architecture=platform.machine(),
        cores=psutil.cpu_count(logical=False) or psutil.cpu_count(),
        usable_cores=len(usable_cores()),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        governor=_GOVERNOR.read_text().strip() if _GOVERNOR.is_file() else None,
    )


def packages() -> dict[str, str]:
    """Versions of vbench and all its direct dependencies, as far as they are installed."""
    try:
        needed = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        needed = []
    names = [_DISTRIBUTION, *(re.split(r"[\s\[<>=!~;(]", each, maxsplit=1)[0] for each in needed)]
    found = {name: installed_version(name) for name in dict.fromkeys(names)}
    return {name: each for name, each in found.items() if each is not None}


def git_revision() -> str | None:
    """Revision of the checkout that vbench runs from, with a + when it was changed; else None."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
