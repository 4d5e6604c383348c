"""The proxy on loopback, one for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.views.proxies.loopback import Loopback, serve


@pytest.fixture(scope="module")
def proxy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    """A proxy that asks for a login and keeps what it was sent."""
    with serve(tmp_path_factory.mktemp("proxy")) as loopback:
        yield loopback


@pytest.fixture
def loopback(proxy_server: Loopback) -> Loopback:
    """The same, with nothing of other tests."""
    proxy_server.take()
    return proxy_server
