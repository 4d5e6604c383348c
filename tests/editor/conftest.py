"""The real yaml-language-server, once for all tests, looking at this checkout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor.lsp import Server

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "order-runner-tools"
SERVER = TOOLS / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
SETTINGS = {
    "yaml": {
        "schemaStore": {"enable": False},
        "kubernetesCRDStore": {"enable": False},
        "schemas": {"./schemas/manifest.schema.json": "by-settings/**/*.yaml"},
    }
}
"""No schema from the network: the file's own modeline says where it is, or the folder that a file is in."""


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine")
    if not SERVER.exists():
        pytest.skip(f"yaml-language-server is not installed: .ci/tools puts it into {TOOLS}")
    running = Server([node, str(SERVER), "--stdio"], ROOT, SETTINGS)
    yield running
    running.close()
