"""A child process for tests: each message is Python, what it calls `answer` goes back."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from vbench._process.channel import Channel, ClosedError


def daemon() -> int:
    """Leave a process behind that is nobody's child, in a group and session of its own."""
    command = "setsid sleep 600 >/dev/null 2>&1 & echo $!"
    return int(subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout)


def main() -> None:
    """Do what is asked until the other side is gone."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    names: dict[str, Any] = {
        "channel": channel,
        "daemon": daemon,
        "os": os,
        "signal": signal,
        "subprocess": subprocess,
        "time": time,
    }
    with contextlib.suppress(ClosedError):
        while True:
            asked, _ = channel.receive(lambda head: (head.decode(), []))
            exec(asked, names)
            channel.send(str(names.get("answer", "")).encode())


if __name__ == "__main__":
    main()
