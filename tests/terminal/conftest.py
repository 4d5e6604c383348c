"""The command on a pseudo-terminal against a served vendor whose answers can be held back."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.sandbox.box import Sandbox
from runner.sandbox.options import SANDBOX_KEY
from runner.sandbox.replies import Reply
from runner.sandbox.server import SandboxServer
from tests.terminal.screen import SOON, Screen

ROOT = Path(__file__).resolve().parents[2]
HEAD = "apiVersion: orders/v1\nbatch: {}\norders:\n"
ORDER = "  - {{name: {}, type: ipv4, countryId: 561, periodId: 1m, quantity: 1, customTargetName: {}}}\n"


class Desk:
    """A folder of manifests, a vendor, and commands on terminals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.box = Sandbox()
        self._gates: dict[str, threading.Semaphore] = {}
        self._server = SandboxServer(self._respond, "127.0.0.1", 0)
        self._screens: list[Screen] = []

    def manifest(self, name: str, orders: int) -> Path:
        path = self.folder / f"{name}.yaml"
        names = [f"{name}-{n}" for n in range(1, orders + 1)]
        path.write_text(HEAD.format(name) + "".join(ORDER.format(one, one) for one in names))
        return path

    def hold(self, endpoint: str) -> None:
        """Answers to it are held back from now on."""
        self._gates[endpoint] = threading.Semaphore(0)

    def answer(self, endpoint: str, number: int = 1) -> None:
        """So many of them are let go."""
        self._gates[endpoint].release(number)

    def run(
        self, *arguments: str | Path, module: str = "runner", columns: int = 80, rows: int = 24, **env: str
    ) -> Screen:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PROXY_SELLER_API_KEY": SANDBOX_KEY,
            "PROXY_SELLER_BASE_URL": self._server.base_url,
            "ORDER_RUNNER_RATE": "0",
        }
        argv = [sys.executable, "-m", module, *arguments]
        self._screens.append(Screen(argv, env=environment | env, cwd=self.folder, columns=columns, rows=rows))
        return self._screens[-1]

    def close(self) -> None:
        for gate in self._gates.values():
            gate.release(10_000)
        for screen in self._screens:
            screen.close()
        self._server.close()

    def _respond(self, method: str, target: str, raw: bytes) -> Reply:
        for endpoint, gate in self._gates.items():
            if f"/{endpoint}" in target:
                gate.acquire(timeout=SOON)
        return self.box.respond(method, target, raw)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def same() -> Callable[[str, str], None]:
    """Holds a screen against the one that is kept; with RECORD_SCREENS set it is kept anew."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).with_name("screens") / f"{name}.txt"
        if os.environ.get("RECORD_SCREENS"):
            path.write_text(f"{text}\n", encoding="utf-8")
        assert f"{text}\n" == path.read_text(encoding="utf-8")

    return compare
