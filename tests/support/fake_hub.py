"""A Hub on this machine with one data set: enough of its protocol for `datasets` to download it."""

import hashlib
import io
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COMMIT = "a" * 40


def parquet(rows: list[dict[str, Any]]) -> bytes:
    """A Parquet file with these rows."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


@contextmanager
def serving(name: str, files: dict[str, bytes]) -> Iterator[str]:
    """Serve a data set; yields the address for HF_ENDPOINT."""
    sums = {path: hashlib.sha1(content).hexdigest() for path, content in files.items()}
    api, download = f"/api/datasets/{name}", f"/datasets/{name}/resolve/{COMMIT}/"

    def entries(below: str, deep: bool) -> list[dict[str, Any]]:
        found = [
            {"type": "file", "path": path, "size": len(files[path]), "oid": sums[path]}
            for path in files
        ]
        folders = {
            "/".join(path.split("/")[:n]) for path in files for n in range(1, path.count("/") + 1)
        }
        found += [{"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in folders]
        inside = [e for e in found if not below or e["path"].startswith(f"{below}/")]
        depth = below.count("/") + 1 if below else 0
        return [e for e in inside if deep or e["path"].count("/") == depth]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def reply(self, body: bytes, code: int = 200, **headers: str) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path, _, query = urllib.parse.unquote(self.path).partition("?")
            if path == api or path.startswith(f"{api}/revision/"):
                info = {"id": name, "sha": COMMIT, "siblings": [], "tags": []}
                self.reply(json.dumps(info).encode(), Content_Type="application/json")
            elif path.startswith(f"{api}/tree/{COMMIT}"):
                below = path.removeprefix(f"{api}/tree/{COMMIT}").strip("/")
                listed = entries(below, "recursive=true" in query.lower())
                self.reply(json.dumps(listed).encode(), Content_Type="application/json")
            elif path.startswith(download) and path.removeprefix(download) in files:
                wanted = path.removeprefix(download)
                self.reply(files[wanted], ETag=f'"{sums[wanted]}"', X_Repo_Commit=COMMIT)
            elif path.startswith(download):
                self.reply(b"", 404, X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)
            else:
                self.reply(b"", 404, X_Error_Code="RepoNotFound")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
