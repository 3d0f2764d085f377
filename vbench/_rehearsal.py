"""Third-party code is imported in a process of its own first: a crash or a hang costs no other."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

from vbench.errors import VbenchError

IMPORT_SECONDS = 120.0
"""How long an import may take; compilers and large libraries need some."""
_STATEMENTS = {
    "module": "import importlib; importlib.import_module(sys.argv[2])",
    "wrapper": "from vbench.indexes.annb import wrapper_class; wrapper_class(sys.argv[2])",
}
# What it raises is for the import that follows to say.
_CODE = """import os, sys
os.dup2(2, 1)
try:
    {statement}
except BaseException:
    pass
os.write(int(sys.argv[1]), b".")
os._exit(0)
"""


def rehearse_import(name: str, kind: str = "module") -> None:
    """Import a module (or load a wrapper) elsewhere, to see that the process survives it.

    Raises
    ------
    VbenchError
        It ends the process, or does not end by itself.
    """
    seen, said = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE.format(statement=_STATEMENTS[kind]), str(said), name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(each or "." for each in sys.path)},
            pass_fds=[said],
            start_new_session=True,
        )
        try:
            code = process.wait(IMPORT_SECONDS)
        except subprocess.TimeoutExpired:
            raise VbenchError(
                f"{name} cannot be imported (it does not end within {IMPORT_SECONDS:g} s); "
                "move what takes long, or waits, from the module into fit"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.set_blocking(seen, False)
        with contextlib.suppress(BlockingIOError):
            if os.read(seen, 1):
                return
    finally:
        os.close(seen)
        os.close(said)
    how = f"exit code {code}" if code >= 0 else _signal_name(-code)
    raise VbenchError(
        f"{name} cannot be imported (it ends the process: {how}); import it by hand with "
        "python -X faulthandler to see where"
    )


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
