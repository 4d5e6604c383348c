"""A folder with a manifest, an empty home, and nothing in the environment that a call could take up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MANIFEST = """\
apiVersion: orders/v1
batch: crawl
orders:
  - {name: fr-prices, type: ipv4, countryId: 561, periodId: 1m, quantity: 10, customTargetName: price monitoring}
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a program that uses the library."""
    for name in [name for name in os.environ if name.startswith(("ORDER_RUNNER_", "PROXY_SELLER_"))]:
        monkeypatch.delenv(name)
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    folder = tmp_path / "desk"
    (folder / "orders").mkdir(parents=True)
    (folder / "orders" / "crawl.yaml").write_text(MANIFEST)
    monkeypatch.chdir(folder)
    return folder
