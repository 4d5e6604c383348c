"""A real browser, and a server on loopback that remembers what was asked of it. `.ci/tools` installs what is missing."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
)


@dataclass
class Server:
    """Serves pages by name; `asked` are the paths of all requests."""

    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""


@dataclass
class Browser:
    """Chromium on pages made here. Whatever it loads or complains of is looked at when a test ends."""

    driver: Any
    server: Server
    allowed: set[str] = field(default_factory=set)

    def show(self, name: str, page: str, fragment: str = "") -> None:
        """Open a page, from nothing: its script starts anew."""
        self.server.pages[f"/{name}"] = page
        address = f"{self.server.address}/{name}"
        self.allowed.add(address)
        self.driver.get("about:blank")
        self.driver.get(address + fragment)

    def js(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def keys(self, *keys: str) -> None:
        """Typed where the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def emulate(self, *, dark: bool = False, media: str = "", width: int = 1280, scripts: bool = True) -> None:
        """What the reader prefers and has."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": scheme})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})

    def requested(self) -> set[str]:
        """Every address the browser wanted since it was asked last, fragments and data left out."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return {url.partition("#")[0] for url in sent if not url.startswith(("data:", "about:"))}

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            page = served.pages.get(self.path)
            body = (page or "").encode()
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Nothing: `asked` has it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        served.address = f"http://127.0.0.1:{http.server_port}"
        yield served
        http.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Debian's Chromium, with a profile of its own; nothing is fetched."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if missing := [name for name, path in programs.items() if path is None]:
        pytest.skip(f"no {' and no '.join(missing)} here: .ci/tools installs them from Debian's packages")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(programs["chromium"])
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(str(programs["chromedriver"])))
    opened.set_script_timeout(60)
    yield opened
    opened.quit()


@pytest.fixture
def browser(driver: Any, server: Server) -> Iterator[Browser]:
    """A fresh look; afterwards nothing but the pages was asked for, and the console is empty."""
    opened = Browser(driver=driver, server=server)
    opened.emulate()
    opened.requested(), opened.complaints()
    server.asked.clear()
    yield opened
    assert opened.complaints() == []
    assert opened.requested() <= opened.allowed
    assert {f"{server.address}{path}" for path in server.asked} <= opened.allowed


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which finds what keeps people with disabilities out."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    source = cache / "order-runner-tools" / "node_modules" / "axe-core" / "axe.min.js"
    if not source.is_file():
        pytest.skip("no axe-core here: .ci/tools installs it with npm")
    return source.read_text(encoding="utf-8")
