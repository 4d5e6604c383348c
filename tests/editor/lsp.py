"""A small client of a language server over stdio: JSON-RPC in frames, as editors speak it."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

PATIENCE: Final = 20.0
"""Seconds an answer may take."""

Message = dict[str, Any]
CAPABILITIES: Final = {
    "workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}},
    "textDocument": {
        "completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": True}},
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {"relatedInformation": True},
    },
}


class Server:
    """A running language server."""

    def __init__(self, command: Sequence[str], root: Path, settings: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root
        )
        self._root, self._settings = root, settings
        self._numbers = itertools.count(1)
        self._answers: queue.Queue[Message] = queue.Queue()
        self._diagnostics: queue.Queue[Message] = queue.Queue()
        self._configured = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        uri = root.as_uri()
        folders = [{"uri": uri, "name": root.name}]
        self.request(
            "initialize",
            {"processId": None, "rootUri": uri, "workspaceFolders": folders, "capabilities": CAPABILITIES},
        )
        self.notify("initialized", {})
        assert self._configured.wait(PATIENCE), "the server never asked for its settings"

    def close(self) -> None:
        """End the server as an editor does, and see it gone."""
        self.request("shutdown", None)
        self.notify("exit", None)
        self._process.communicate(timeout=PATIENCE)
        self._reader.join(PATIENCE)

    def diagnostics(self, path: str, text: str) -> list[Message]:
        """What is marked in a file of that text, in the order of the text."""
        uri = self._open(path, text)
        while (told := self._diagnostics.get(timeout=PATIENCE))["uri"] != uri:
            pass
        found: list[Message] = told["diagnostics"]
        return sorted(found, key=lambda item: (item["range"]["start"]["line"], item["range"]["start"]["character"]))

    def completion(self, path: str, text: str, line: int, character: int) -> list[Message]:
        """What is offered at a place, which counts from 0."""
        answer = self._asked("textDocument/completion", path, text, line, character)
        items: list[Message] = answer["items"] if isinstance(answer, dict) else answer or []
        return sorted(items, key=lambda item: item.get("sortText") or item["label"])

    def hover(self, path: str, text: str, line: int, character: int) -> str:
        """The Markdown that is shown over a place; nothing where nothing is shown."""
        answer = self._asked("textDocument/hover", path, text, line, character)
        return str(answer["contents"]["value"]) if answer else ""

    def request(self, method: str, params: Any) -> Any:
        """The result of a call."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        answer = self._answers.get(timeout=PATIENCE)
        assert answer["id"] == number, answer
        assert "error" not in answer, answer
        return answer["result"]

    def notify(self, method: str, params: Any) -> None:
        """Tell the server something."""
        self._send({"method": method, "params": params})

    def _asked(self, method: str, path: str, text: str, line: int, character: int) -> Any:
        uri = self._open(path, text)
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        return self.request(method, place)

    def _open(self, path: str, text: str) -> str:
        """Each text is a file of its own, beside the one that is named: answers tell files apart, not versions."""
        wanted = self._root / path
        uri = wanted.with_name(f"{next(self._numbers)}-{wanted.name}").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> None:
        while (message := self._receive()) is not None:
            if "method" not in message:
                self._answers.put(message)
            elif message["method"] == "textDocument/publishDiagnostics":
                self._diagnostics.put(message["params"])
            elif message["method"] == "workspace/configuration":
                sections = [item.get("section") for item in message["params"]["items"]]
                self._send({"id": message["id"], "result": [self._settings.get(section) for section in sections]})
                self._configured.set()
            elif "id" in message:  # the server registers what it can do
                self._send({"id": message["id"], "result": None})

    def _receive(self) -> Message | None:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self._process.stdout.read(length)) if length else None
