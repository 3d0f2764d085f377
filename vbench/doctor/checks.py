"""What of a machine would spoil a measurement: each thing is looked at on its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from vbench import _paths
from vbench._process.cores import usable_cores
from vbench.analysis.doctor import Check, Noise
from vbench.bench.machine import outdated_kernels, processor_flags
from vbench.bench.worker.clock import QUIET
from vbench.numbers import write
from vbench.runs.schema import Machine

_FEW_CORES = 2
_LITTLE_MEMORY = 4 << 30
_LITTLE_DISK = 2 << 30
_SPREAD, _DRIFT, _STOLEN = 1.5, 1.1, 0.01
_SLOW_CLOCK_NS = 500
_CLOCK = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_PROC_BIND")


def check_machine(machine: Machine) -> Iterator[Check]:
    """Cores, their governor, other work, memory, disk, the clock."""
    yield _cores(machine)
    yield from _quota()
    yield _governor(machine)
    yield _load()
    yield _memory()
    yield from _disk()
    yield _clock()
    yield from _threads(os.environ)


def check_kernels(kernels: Mapping[str, str], flags: frozenset[str] | None = None) -> Check:
    """BLAS and SIMD kernels of the libraries that measure, against what the processor can do.

    `flags` are what the processor can do; default: what the system says of this one.
    """
    blas = [f"{library}: {kernel}" for library, kernel in kernels.items() if "BLAS" in library]
    old = outdated_kernels(kernels, flags)
    if not old:
        found = "; ".join(blas) or "no BLAS is loaded"
        return Check(check="kernels", about="kernels", verdict="fine", found=found)
    able = flags or processor_flags()
    name = "SkylakeX" if "avx512f" in able else "Haswell" if "avx2" in able else "Sandybridge"
    return Check(
        check="kernels",
        about="kernels",
        verdict="spoils",
        found="; ".join(old),
        why="the OpenBLAS inside that library does not know this processor: building and batches "
        "may take three times as long",
        remedy=f"set OPENBLAS_CORETYPE={name} in front of the command, or install a newer release "
        "of that library",
    )


def check_noise(noise: Noise) -> Check:
    """The self-test: whether the same work takes the same time."""
    found = (
        f"CPU share {noise.cpu_share:.1%}, 99th percentile {noise.spread:.2f} × the median, "
        f"drift {noise.drift:.2f}"
        + ("" if noise.stolen is None else f", stolen by the host {noise.stolen:.1%}")
        + f" ({noise.rounds:,} rounds in {noise.seconds:.0f} s)"
    )
    if noise.cpu_share < QUIET or (noise.stolen or 0.0) > _STOLEN:
        return Check(
            check="noise",
            about="self-test",
            verdict="spoils",
            found=found,
            why=f"under {QUIET:.0%} a pass counts as disturbed and is made again: other work, or "
            "the host of a virtual machine, takes the cores",
            remedy="stop other work, or measure on a machine of its own; recall does not suffer, "
            "and CpuTime hardly",
        )
    if noise.spread > _SPREAD or abs(noise.drift - 1) > _DRIFT - 1:
        return Check(
            check="uneven",
            about="self-test",
            verdict="note",
            found=found,
            why="the core's speed changes: its clock rate, its temperature, or a neighbor on the "
            "same core",
            remedy="fix the clock rate, or judge speed by medians over several builds",
        )
    return Check(check="noise", about="self-test", verdict="fine", found=found)


def _cores(machine: Machine) -> Check:
    usable = len(usable_cores())
    found = f"{usable} usable of {machine.cores or '?'}: {machine.processor}"
    if usable < _FEW_CORES:
        return Check(
            check="one-core",
            about="cores",
            verdict="spoils",
            found=found,
            why="vbench itself and what it measures take turns on one core",
            remedy="give the process two cores or more",
        )
    return Check(check="cores", about="cores", verdict="fine", found=found)


def _quota() -> Iterator[Check]:
    """A limit of CPU time in a container: what exceeds it is stopped for a while."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = _QUOTA.read_text().split()
        if quota != "max":
            cores = int(quota) / int(period)
            spoils = cores < len(usable_cores())
            yield Check(
                check="quota",
                about="quota",
                verdict="spoils" if spoils else "fine",
                found=f"the container may use {cores:.2f} cores",
                why="where that is used up, everything stops until the next period" * spoils,
                remedy="start the container with whole cores (docker: --cpuset-cpus) in place of "
                "a share" * spoils,
            )


def _governor(machine: Machine) -> Check:
    if machine.governor is None:
        return Check(
            check="governor",
            about="governor",
            verdict="note",
            found="the system does not say, as in virtual machines",
            why="whether the clock rate changes under load is not known",
            remedy="compare speeds of one call only, measured side by side",
        )
    if machine.governor == "performance":
        return Check(check="governor", about="governor", verdict="fine", found=machine.governor)
    return Check(
        check="governor",
        about="governor",
        verdict="note",
        found=machine.governor,
        why="the clock rate follows the load: a short measurement is slower than a long one",
        remedy="sudo cpupower frequency-set -g performance",
    )


def _load() -> Check:
    busy = psutil.cpu_percent(interval=0.5) / 100
    found = f"{busy:.0%} of all cores busy with other work"
    if busy > 1 - QUIET:
        names = ", ".join(_busiest())
        return Check(
            check="busy",
            about="other work",
            verdict="spoils",
            found=found + (f": {names}" if names else ""),
            why="who measures beside other work measures that too",
            remedy="stop it, or wait until it ends",
        )
    return Check(check="busy", about="other work", verdict="fine", found=found)


def _busiest() -> list[str]:
    """The processes that take most, as far as this user sees them."""
    seen = []
    own = os.getpid()
    for process in psutil.process_iter(["pid", "name"]):
        with contextlib.suppress(psutil.Error):
            process.cpu_percent()
            seen.append(process)
    time.sleep(0.2)
    shares = []
    for process in seen:
        with contextlib.suppress(psutil.Error):
            if process.pid != own:
                shares.append((process.cpu_percent(), str(process.info["name"])))
    return [
        f"{name} {share:.0f} %" for share, name in sorted(shares, reverse=True)[:3] if share > 5
    ]


def _memory() -> Check:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    found = f"{write(memory.available, 'bytes')} free of {write(memory.total, 'bytes')}"
    if swap.used > memory.available:
        return Check(
            check="swap",
            about="memory",
            verdict="spoils",
            found=f"{found}, {write(swap.used, 'bytes')} swapped out",
            why="what is swapped out comes back in the middle of a measurement",
            remedy="end what takes the memory, or swapoff -a",
        )
    if memory.available < _LITTLE_MEMORY:
        return Check(
            check="memory",
            about="memory",
            verdict="note",
            found=found,
            why="a worker that needs more is ended, and its trial fails",
            remedy="choose smaller data, or --memory for the limit of a worker",
        )
    return Check(check="memory", about="memory", verdict="fine", found=found)


def _disk() -> Iterator[Check]:
    for about, folder in (("disk here", Path()), ("disk for data", _paths.home())):
        place = folder.absolute()
        while not place.exists() and place != place.parent:
            place = place.parent
        try:
            free = shutil.disk_usage(place).free
        except OSError:
            continue
        little = free < _LITTLE_DISK
        yield Check(
            check="disk",
            about=about,
            verdict="spoils" if little else "fine",
            found=f"{write(free, 'bytes')} free in {place}",
            why="a run folder that does not fit is not written" * little,
            remedy="make room, or give another folder: --out, and VBENCH_HOME for data" * little,
        )


def _clock() -> Check:
    """How long it takes to look at the clock, which every single call pays twice."""
    ticks = [time.perf_counter_ns() for _ in range(2001)]
    cost = sorted(b - a for a, b in itertools.pairwise(ticks))[1000]
    source = _CLOCK.read_text().strip() if _CLOCK.is_file() else ""
    found = f"{cost} ns a look" + (f", {source}" if source else "")
    if cost > _SLOW_CLOCK_NS:
        return Check(
            check="clock",
            about="clock",
            verdict="spoils",
            found=found,
            why="every timed call contains two looks at the clock",
            remedy="let the system use the processor's own clock (clocksource=tsc)",
        )
    return Check(check="clock", about="clock", verdict="fine", found=found)


def _threads(environment: Mapping[str, str]) -> Iterator[Check]:
    given = [f"{name}={environment[name]}" for name in _THREADS if name in environment]
    if given:
        yield Check(
            check="threads",
            about="threads",
            verdict="note",
            found=", ".join(given),
            why="vbench run gives each worker its own number of threads, whatever is set here",
            remedy="use --threads",
        )
