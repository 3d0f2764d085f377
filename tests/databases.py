"""Stand-ins for database servers: HTTP and Redis' protocol, as the documentation has them.

Searches are exact. A request that the documentation does not know is refused.
"""

from __future__ import annotations

import contextlib
import json
import re
import socketserver
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import numpy as np


class RefusedError(Exception):
    """What the server answers with a status of its own."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


def only(given: dict[str, Any], *allowed: str) -> None:
    """Refuse keys that the documentation does not know."""
    if unknown := set(given) - set(allowed):
        raise RefusedError(400, f"unknown: {sorted(unknown)}")


class Table:
    """Vectors by row, and what is nearest."""

    def __init__(self, d: int, metric: str) -> None:
        self.d = d
        self.metric = metric
        self.config: dict[str, Any] = {}
        self.using: str | None = None
        self.rows: dict[int, np.ndarray] = {}

    def put(self, row: int, vector: Any) -> None:
        given = np.asarray(vector, dtype=np.float32)
        if given.shape != (self.d,):
            raise RefusedError(400, f"expected {self.d} dimensions")
        self.rows[row] = given

    def nearest(self, query: Any, k: int, allowed: list[int] | None = None) -> list[int]:
        if not self.rows:
            return []
        asked = np.asarray(query, dtype=np.float32)
        if asked.shape != (self.d,):
            raise RefusedError(400, f"expected {self.d} dimensions")
        ids = np.array(sorted(self.rows if allowed is None else set(allowed) & set(self.rows)))
        if not len(ids):
            return []
        base = np.stack([self.rows[row] for row in ids.tolist()])
        if self.metric == "cosine":
            base = base / np.linalg.norm(base, axis=1, keepdims=True)
        far = ((base - asked) ** 2).sum(axis=1) if self.metric == "l2" else -base @ asked
        return ids[np.argsort(far, kind="stable")[:k]].tolist()


class Database:
    """What a kind of server holds, and which key it asks for."""

    key: ClassVar[tuple[str, str] | None] = None

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.asked: list[str] = []

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise RefusedError(404, f"no {name}")
        return self.tables[name]

    def answer(self, method: str, path: str, query: str, body: Any) -> Any:
        raise NotImplementedError


class QdrantLike(Database):
    key = ("api-key", "secret")
    _DISTANCES: ClassVar = {"l2": "Euclid", "ip": "Dot", "cosine": "Cosine"}

    def answer(self, method: str, path: str, query: str, body: Any) -> Any:
        match method, path.strip("/").split("/"):
            case "GET", [""]:
                return {"title": "qdrant", "version": "1.15.0"}
            case "GET", ["collections"]:
                return {"result": {"collections": [{"name": each} for each in self.tables]}}
            case "PUT", ["collections", name]:
                only(body, "vectors", "hnsw_config", "optimizers_config")
                only(body["vectors"], "size", "distance")
                hnsw = ("m", "ef_construct", "full_scan_threshold", "max_indexing_threads")
                only(body["hnsw_config"], *hnsw)
                metrics = {distance: metric for metric, distance in self._DISTANCES.items()}
                made = Table(body["vectors"]["size"], metrics[body["vectors"]["distance"]])
                made.config = body["optimizers_config"]
                self.tables[name] = made
                return {"result": True}
            case "PATCH", ["collections", name]:
                self.table(name).config |= body["optimizers_config"]
                return {"result": True}
            case "GET", ["collections", name]:
                table = self.table(name)
                assert table.config["indexing_threshold"] > 0
                known = {"size": table.d, "distance": self._DISTANCES[table.metric]}
                vectors = known if table.using is None else {table.using: known}
                return {"result": {"status": "green", "config": {"params": {"vectors": vectors}}}}
            case "DELETE", ["collections", name]:
                return {"result": self.tables.pop(name, None) is not None}
            case "PUT", ["collections", name, "points"]:
                assert query == "wait=true"
                for row, vector in zip(*map(body["batch"].get, ("ids", "vectors")), strict=True):
                    self.table(name).put(row, vector)
                return {"result": {"status": "completed"}}
            case "POST", ["collections", name, "points", "delete"]:
                for row in body["points"]:
                    self.table(name).rows.pop(row, None)
                return {"result": {"status": "completed"}}
            case "POST", ["collections", name, "points", "query"]:
                return {"result": self._points(name, body)}
            case "POST", ["collections", name, "points", "query", "batch"]:
                return {"result": [self._points(name, each) for each in body["searches"]]}
        raise RefusedError(405, f"{method} {path}")

    def _points(self, name: str, asked: dict[str, Any]) -> Any:
        only(asked, "query", "limit", "params", "filter", "using")
        only(asked["params"], "hnsw_ef", "exact")
        if asked.get("using") != self.table(name).using:
            raise RefusedError(400, "Not existing vector name")
        allowed = asked["filter"]["must"][0]["has_id"] if "filter" in asked else None
        found = self.table(name).nearest(asked["query"], asked["limit"], allowed)
        return {"points": [{"id": self.call(row), "version": 0, "score": 0.0} for row in found]}

    @staticmethod
    def call(row: int) -> Any:
        """The id of a point."""
        return row


class WeaviateLike(Database):
    key = ("Authorization", "Bearer secret")
    _QUERY = re.compile(
        r"\{Get\{(\w+)\(limit: (\d+) nearVector: \{vector: (\[[^]]*\])\}"
        r'(?: where: \{path: \["row"\], operator: ContainsAny, valueInt: (\[[^]]*\])\})?\)'
        r"\{_additional\{id\}\}\}\}"
    )

    def answer(self, method: str, path: str, query: str, body: Any) -> Any:
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "meta"]:
                return {"version": "1.30.0"}
            case "GET", ["v1", "schema"]:
                return {"classes": [{"class": each} for each in self.tables]}
            case "POST", ["v1", "schema"]:
                assert body["class"][0].isupper()
                assert (body["vectorizer"], body["vectorIndexType"]) == ("none", "hnsw")
                metrics = {"l2-squared": "l2", "dot": "ip", "cosine": "cosine"}
                made = Table(-1, metrics[body["vectorIndexConfig"]["distance"]])
                made.config = body
                self.tables[body["class"]] = made
                return body
            case "GET", ["v1", "schema", name]:
                return self.table(name).config
            case "PUT", ["v1", "schema", name]:
                assert {**body, "vectorIndexConfig": 0} == {
                    **self.table(name).config,
                    "vectorIndexConfig": 0,
                }
                self.table(name).config = body
                return body
            case "DELETE", ["v1", "schema", name]:
                # As it is documented: also where there is none.
                self.tables.pop(name, None)
                return None
            case "POST", ["v1", "batch", "objects"]:
                return [self._put(each) for each in body["objects"]]
            case "DELETE", ["v1", "objects", name, id_]:
                del self.table(name).rows[uuid.UUID(id_).int - 1]
                return None
            case "POST", ["v1", "graphql"]:
                return self._search(body["query"])
        raise RefusedError(405, f"{method} {path}")

    def _put(self, given: dict[str, Any]) -> Any:
        only(given, "class", "id", "properties", "vector")
        table, row = self.table(given["class"]), given["properties"]["row"]
        assert uuid.UUID(given["id"]).int == row + 1
        if table.d < 0:
            table.d = len(given["vector"])
        if len(given["vector"]) != table.d:
            return {**given, "result": {"errors": {"error": [{"message": "dimensions"}]}}}
        table.put(row, given["vector"])
        return {**given, "result": {"status": "SUCCESS"}}

    def _search(self, text: str) -> Any:
        found = self._QUERY.fullmatch(text)
        if found is None:
            return {"errors": [{"message": f"Syntax Error: {text}"}]}
        name, k, vector, rows = found.groups()
        allowed = None if rows is None else json.loads(rows)
        ids = self.table(name).nearest(json.loads(vector), int(k), allowed)
        hits = [{"_additional": {"id": str(uuid.UUID(int=row + 1))}} for row in ids]
        return {"data": {"Get": {name: hits}}}


class OpenSearchLike(Database):
    """Of both dialects; what is put is found after a refresh."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, list[tuple[str, int, Any]]] = {}

    def answer(self, method: str, path: str, query: str, body: Any) -> Any:
        match method, path.strip("/").split("/"):
            case "GET", [""]:
                return {"version": {"number": "3.1.0"}}
            case "GET", ["_cat", "indices"]:
                assert query == "format=json"
                return [{"index": each} for each in self.tables]
            case "PUT", [name]:
                self.tables[name] = self._make(body)
                self.waiting[name] = []
                return {"acknowledged": True}
            case "DELETE", [name]:
                self.table(name)
                return {"acknowledged": bool(self.tables.pop(name))}
            case "POST", [name, "_bulk"]:
                return self._bulk(name, body)
            case "POST", [name, "_refresh"]:
                for what, row, vector in self.waiting[name]:
                    if what == "index":
                        self.table(name).put(row, vector)
                    else:
                        self.table(name).rows.pop(row, None)
                self.waiting[name] = []
                return {"_shards": {"failed": 0}}
            case "POST", [name, "_forcemerge"]:
                assert query == "max_num_segments=1"
                return {"_shards": {"failed": 0}}
            case "GET", [name, "_stats", "store"]:
                store = {"size_in_bytes": 4 * self.table(name).d * len(self.table(name).rows)}
                return {"_all": {"primaries": {"store": store}}}
            case "POST", [name, "_search"]:
                return self._search(self.table(name), body)
        raise RefusedError(405, f"{method} {path}")

    def _make(self, body: dict[str, Any]) -> Table:
        field = body["mappings"]["properties"]["vector"]
        if field["type"] == "knn_vector":
            only(field, "type", "dimension", "method")
            assert body["settings"]["index"]["knn"] is True
            only(field["method"], "name", "engine", "space_type", "parameters")
            metrics = {"l2": "l2", "innerproduct": "ip", "cosinesimil": "cosine"}
            return Table(field["dimension"], metrics[field["method"]["space_type"]])
        only(field, "type", "dims", "index", "similarity", "index_options")
        assert field["type"] == "dense_vector"
        assert "knn" not in body["settings"]["index"]
        metrics = {"l2_norm": "l2", "max_inner_product": "ip", "cosine": "cosine"}
        return Table(field["dims"], metrics[field["similarity"]])

    def _bulk(self, name: str, lines: list[dict[str, Any]]) -> Any:
        items, left = [], iter(lines)
        for action in left:
            ((what, about),) = action.items()
            vector = next(left)["vector"] if what == "index" else None
            if vector is not None and len(vector) != self.table(name).d:
                items.append({what: {"error": {"reason": "dimensions"}}})
                continue
            self.waiting[name].append((what, int(about["_id"]), vector))
            items.append({what: {"status": 200}})
        errors = any("error" in each for item in items for each in item.values())
        return {"errors": errors, "items": items}

    def _search(self, table: Table, body: dict[str, Any]) -> Any:
        only(body, "size", "_source", "track_total_hits", "query", "knn")
        if "query" in body:
            asked = body["query"]["knn"]["vector"]
            only(asked, "vector", "k", "method_parameters", "filter")
            vector, effort = asked["vector"], asked["method_parameters"]["ef_search"]
        else:
            asked = body["knn"]
            only(asked, "field", "query_vector", "k", "num_candidates", "filter")
            vector, effort = asked["query_vector"], asked["num_candidates"]
        if effort < asked["k"]:
            raise RefusedError(400, "k is more than the candidates")
        allowed = asked["filter"]["ids"]["values"] if "filter" in asked else None
        rows = None if allowed is None else list(map(int, allowed))
        hits = [{"_id": str(row)} for row in table.nearest(vector, asked["k"], rows)]
        return {"hits": {"hits": hits[: body["size"]]}}


@contextlib.contextmanager
def serve(kind: type[Database]) -> Iterator[tuple[str, Database]]:
    """The address of a server of this kind, which ends with the block, and what it holds."""
    database = kind()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer leave in two packets, and the second waits for nothing.
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            is_lines = self.headers["Content-Type"] == "application/x-ndjson"
            status, said = 200, None
            try:
                if kind.key is not None and self.headers.get(kind.key[0]) != kind.key[1]:
                    raise RefusedError(401, "no key")
                body: Any = list(map(json.loads, sent.splitlines())) if is_lines else None
                if not is_lines and sent:
                    body = json.loads(sent)
                database.asked.append(f"{self.command} {path}")
                said = database.answer(self.command, path, query, body)
            except RefusedError as error:
                status, said = error.status, {"error": str(error)}
            except Exception as error:
                status, said = 500, {"error": repr(error)}
            written = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        secret = "" if kind.key is None else ":secret@"
        yield f"http://{secret}127.0.0.1:{port}", database


@contextlib.contextmanager
def serve_redis() -> Iterator[tuple[str, dict[str, Table]]]:
    """The address of what answers as Redis' search does, and its indexes."""
    hashes: dict[str, bytes] = {}
    indexes: dict[str, Table] = {}

    def fill(name: str) -> None:
        table = indexes[name]
        table.rows = {}
        for key, value in hashes.items():
            if key.startswith(f"{name}:"):
                table.put(int(key.rpartition(":")[2]), np.frombuffer(value, dtype="<f4"))

    def do(words: list[bytes]) -> Any:
        text = [word.decode(errors="replace") for word in words]
        match text:
            case ["INFO", *_]:
                return b"# Server\r\nredis_version:8.2.0\r\n"
            case ["HSET", key, "vector", _]:
                hashes[key] = words[3]
                return 1
            case ["DEL", *keys]:
                return sum(hashes.pop(key, None) is not None for key in keys)
            case ["FT._LIST"]:
                return list(indexes)
            case ["FT.CREATE", name, "ON", "HASH", "PREFIX", "1", prefix, "SCHEMA", *field]:
                assert prefix == f"{name}:"
                assert field[:3] == ["vector", "VECTOR", "HNSW"]
                assert int(field[3]) == len(field) - 4
                given = dict(zip(field[4::2], field[5::2], strict=True))
                assert set(given) <= {
                    *("TYPE", "DIM", "DISTANCE_METRIC", "M", "EF_CONSTRUCTION", "INITIAL_CAP"),
                }
                metrics = {"L2": "l2", "IP": "ip", "COSINE": "cosine"}
                indexes[name] = Table(int(given["DIM"]), metrics[given["DISTANCE_METRIC"]])
                return "OK"
            case ["FT.INFO", name]:
                return ["index_name", name, "indexing", "0"]
            case ["FT.DROPINDEX", name, "DD"]:
                del indexes[name]
                for key in [key for key in hashes if key.startswith(f"{name}:")]:
                    del hashes[key]
                return "OK"
            case ["FT.SEARCH", name, asked, "PARAMS", "6", *rest]:
                assert asked == "*=>[KNN $k @vector $query EF_RUNTIME $ef AS distance]"
                assert rest[0::2][:3] == ["k", "query", "ef"]
                assert rest[6:12] == ["SORTBY", "distance", "ASC", "NOCONTENT", "LIMIT", "0"]
                assert rest[13:] == ["DIALECT", "2"]
                fill(name)
                k, query = int(rest[1]), np.frombuffer(words[8], dtype="<f4")
                found = indexes[name].nearest(query, min(k, int(rest[12])))
                return [len(found), *(f"{name}:{row}" for row in found)]
        raise RefusedError(400, f"unknown command {text[0]}")

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while line := self.rfile.readline():
                words = []
                for _ in range(int(line[1:])):
                    size = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(size + 2)[:-2])
                try:
                    self.wfile.write(_encode(do(words)))
                except Exception as error:
                    self.wfile.write(f"-ERR {error!r}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _running(server) as port:
        yield f"redis://127.0.0.1:{port}", indexes


def _encode(value: Any) -> bytes:
    if isinstance(value, int):
        return f":{value}\r\n".encode()
    if isinstance(value, list):
        return f"*{len(value)}\r\n".encode() + b"".join(map(_encode, value))
    told = value if isinstance(value, bytes) else value.encode()
    return f"${len(told)}\r\n".encode() + told + b"\r\n"


@contextlib.contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
