"""A web server on this machine that speaks as much of the Hugging Face Hub's protocol as pushing and pulling need."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_" + "secret" * 5


@dataclass
class Hub:
    """What the server holds, and how it misbehaves.

    Attributes:
        repositories: By name, commits by their hash, in order; a commit has content by file name.
        private: Names of repositories that not everybody sees.
        branches: Names of repositories and of their branches besides `main`, which hold the same commits here.
        uploaded: Large files by their SHA-256.
        asked: Each request: method, path, token.
        breaks_after: Bytes of a file after which the connection breaks off; None if it doesn't.
        status: Of every answer, where it isn't the right one.
    """

    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    branches: set[tuple[str, str]] = field(default_factory=set)
    uploaded: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    breaks_after: int | None = None
    status: int | None = None
    url: str = ""

    def commit(self, repository, changes):
        """Add a commit that changes files; its hash."""
        commits = self.repositories[repository]
        before = next(reversed(commits.values()), {})
        name = hashlib.sha1(f"{repository} {len(commits)}".encode()).hexdigest()  # noqa: S324 - as git does
        commits[name] = {**before, **changes}
        return name

    def find(self, repository, revision):
        """The hash of the commit that a revision stands for; None if there is none."""
        commits = self.repositories[repository]
        if revision == "main" or (repository, revision) in self.branches:
            return next(reversed(commits), None)
        return revision if revision in commits else None


def handler_of(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def reply(self, content: Any, status: int = 200, **headers: str) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(hub.status or status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                if hub.breaks_after is not None and len(body) > hub.breaks_after:
                    self.wfile.write(body[: hub.breaks_after])
                    self.wfile.flush()
                    self.connection.close()
                    return
                self.wfile.write(body)

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def note(self) -> None:
            hub.asked.append((self.command, self.path, self.headers.get("Authorization")))

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            self.note()
            about = re.fullmatch(r"/api/models/([^/]+/[^/]+)", self.path)
            if about and about[1] in hub.repositories:
                return self.reply({"id": about[1], "private": about[1] in hub.private, "tags": [], "siblings": []})
            found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path)
            if found is None:
                return self.reply({"error": "not found"}, 404, X_Error_Code="EntryNotFound")
            repository, revision, name = found.groups()
            if repository not in hub.repositories:
                return self.reply({"error": "no repository"}, 404, X_Error_Code="RepoNotFound")
            commit = hub.find(repository, revision)
            if commit is None:
                return self.reply({"error": "no revision"}, 404, X_Error_Code="RevisionNotFound")
            content = hub.repositories[repository][commit].get(name)
            if content is None:
                return self.reply({"error": "no file"}, 404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
            digest = hashlib.sha256(content).hexdigest()
            headers = {"X_Repo_Commit": commit, "ETag": f'"{digest}"', "X_Linked_ETag": f'"{digest}"'}
            start = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
            if start:
                return self.reply(content[int(start[1]) :], 206, **headers)
            return self.reply(content, **headers, X_Linked_Size=str(len(content)))

        def do_PUT(self) -> None:
            self.note()
            content = self.body()
            hub.uploaded[hashlib.sha256(content).hexdigest()] = content
            self.reply({})

        def do_POST(self) -> None:
            self.note()
            body = self.body()
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self.reply({"error": "Invalid credentials"}, 401)
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
                status = 409 if name in hub.repositories else 200
                if name not in hub.repositories and (asked.get("private") or asked.get("visibility") == "private"):
                    hub.private.add(name)
                hub.repositories.setdefault(name, {})
                return self.reply({"url": f"{hub.url}/{name}", "id": name}, status)
            if self.path == "/api/validate-yaml":
                return self.reply({"errors": [], "warnings": []})
            if "/preupload/" in self.path:
                files = [file["path"] for file in json.loads(body)["files"]]
                modes = {name: "regular" if name.endswith(".md") else "lfs" for name in files}
                answer = [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes.items()]
                return self.reply({"files": answer})
            if self.path.endswith("/info/lfs/objects/batch"):
                objects = [
                    {**each, "actions": {"upload": {"href": f"{hub.url}/upload/{each['oid']}"}}}
                    for each in json.loads(body)["objects"]
                ]
                return self.reply({"transfer": "basic", "objects": objects})
            branch = re.fullmatch(r"/api/models/([^/]+/[^/]+)/branch/([^/]+)", self.path)
            if branch:
                hub.branches.add((branch[1], branch[2]))
                return self.reply({})
            found = re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/[^/]+", self.path)
            if found:
                changes = {}
                for line in map(json.loads, body.splitlines()):
                    value = line["value"]
                    if line["key"] == "file":
                        changes[value["path"]] = base64.b64decode(value["content"])
                    if line["key"] == "lfsFile":
                        changes[value["path"]] = hub.uploaded[value["oid"]]
                commit = hub.commit(found[1], changes)
                url = f"{hub.url}/{found[1]}/commit/{commit}"
                return self.reply({"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})
            return self.reply({"error": f"unknown {self.path}"}, 404)

    return Handler


@contextmanager
def serving():
    """A hub that listens on this machine."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
