"""A connection to a server that speaks JSON over HTTP, kept open from query to query."""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from vbench._process.text import shorten
from vbench.errors import VbenchError

_SECONDS = 600.0
_CLOSED = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)
"""What a server's end of an idle connection looks like."""


class RestError(VbenchError):
    """The server refused; `status` is that of HTTP."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"the server answered {status}: {shorten(said)}")
        self.status = status


class Rest:
    """One server, at ``http://USER:PASSWORD@HOST:PORT`` or ``https://:KEY@HOST``.

    Parameters
    ----------
    key
        The header that a key goes in, and what stands before it there.
    """

    def __init__(self, address: str, key: tuple[str, str] = ("Authorization", "Bearer ")) -> None:
        try:
            url = urlsplit(address)
            host, port = url.hostname, url.port
        except ValueError:
            host = None
        if not host or url.scheme not in ("http", "https"):
            raise VbenchError("an address is http://HOST:PORT, or https://HOST")
        self._connection = (
            http.client.HTTPConnection(host, port, timeout=_SECONDS)
            if url.scheme == "http"
            else http.client.HTTPSConnection(
                host, port, timeout=_SECONDS, context=ssl.create_default_context()
            )
        )
        self._prefix = url.path.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        user, password = unquote(url.username or ""), unquote(url.password or "")
        if user:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {pair}"
        elif password:
            self._headers[key[0]] = key[1] + password

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a request, whose body is sent as JSON.

        Raises
        ------
        RestError
            The server refuses.
        """
        return self._exchange(method, path, None if body is None else msgspec.json.encode(body))

    def ask_lines(self, method: str, path: str, lines: Iterable[object]) -> Any:
        """The answer to a request of one JSON document a line."""
        sent = b"".join(msgspec.json.encode(each) + b"\n" for each in lines)
        return self._exchange(method, path, sent, "application/x-ndjson")

    def _exchange(self, method: str, path: str, sent: bytes | None, kind: str = "") -> Any:
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        try:
            status, said = self._send(method, path, sent, headers)
        except _CLOSED:
            self._connection.close()
            status, said = self._send(method, path, sent, headers)
        if status >= http.client.BAD_REQUEST:
            raise RestError(status, said.decode(errors="replace"))
        return msgspec.json.decode(said) if said.strip() else None

    def _send(
        self, method: str, path: str, sent: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        try:
            self._connection.request(method, self._prefix + path, sent, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except BaseException:
            # What was sent in part belongs to no other request.
            self._connection.close()
            raise

    def drop(self, path: str) -> None:
        """Delete what lies there, if it does."""
        try:
            self.ask("DELETE", path)
        except RestError as error:
            if error.status != http.client.NOT_FOUND:
                raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
