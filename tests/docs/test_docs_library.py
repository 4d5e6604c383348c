"""docs/library.md runs from top to bottom, and names what the library exports."""

from __future__ import annotations

import doctest
import os
import re
from pathlib import Path

import pytest

import runner

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "library.md").read_text(encoding="utf-8")


def test_every_example_of_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `>>>` of the page answers what the page says, in the folder and with the manifest it describes."""
    for name in [name for name in os.environ if name.startswith(("ORDER_RUNNER_", "PROXY_SELLER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    block = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    Path("orders").mkdir()
    Path("orders/crawl.yaml").write_text(block[1])
    blocks = re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "library.md", "library.md", 0)
    assert len(test.examples) >= PAGE.count(">>> ") > 15
    said: list[str] = []
    assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)


def test_every_exported_name_is_on_the_page() -> None:
    """Whatever `runner` exports is named on the page, and every method and argument of an account."""
    words = set(re.findall(r"[A-Za-z_]+", PAGE))
    assert set(runner.__all__) - words == {"__version__"}
    methods = (
        runner.Account.plan,
        runner.Account.apply,
        runner.Account.reconcile,
        runner.Account.proxies,
        runner.Account,
        runner.load,
    )
    arguments = {name for method in methods for name in method.__annotations__} - {"return", "paths", "keys", "names"}
    assert arguments - words == set()
