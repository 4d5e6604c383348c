"""Digests by which a delivery can be proved without being shown: salted, slow to guess, the same for the same rows.

Of each order: PBKDF2-HMAC-SHA256 over its rows as canonical JSON, a row being `[ip, port_http, port_socks, login,
password, rotation_link]`, rows in the order of their own JSON. docs/how-to/use-the-proxies.md shows how to check one
by hand.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.core.deliveries import Proxy
from runner.core.errors import UsageError
from runner.core.orders import OrderKey

ALGORITHM: Final = "pbkdf2-hmac-sha256"
ITERATIONS: Final = 300
SALT_BYTES: Final = 32
_MOST_ITERATIONS: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """Makes digests with one salt, in hex; a report has one of its own, so that two reports cannot be compared."""

    salt: str
    iterations: int = ITERATIONS

    @classmethod
    def fresh(cls) -> Prover:
        """With a salt that nobody has had."""
        return cls(salt=secrets.token_hex(SALT_BYTES))

    def digest(self, proxies: Iterable[Proxy]) -> str:
        """`pbkdf2-hmac-sha256:…` of these proxies, in whatever order they come."""
        rows = sorted(map(_row, proxies))
        content = f"[{','.join(rows)}]".encode("utf-8", "surrogatepass")
        key = hashlib.pbkdf2_hmac("sha256", content, bytes.fromhex(self.salt), self.iterations)
        return f"{ALGORITHM}:{key.hex()}"


def _row(proxy: Proxy) -> str:
    row = [proxy.ip, proxy.port_http, proxy.port_socks, proxy.login, proxy.password, proxy.rotation_link]
    return json.dumps(row, ensure_ascii=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a report says of its orders: the digest of each by its key, None where nothing of it was there."""

    prover: Prover
    digests: Mapping[str, str | None]

    @property
    def keys(self) -> tuple[str, ...]:
        """The orders, in the report's order."""
        return tuple(self.digests)


def read_proof(path: Path) -> Proof:
    """The proof in a report of `order-runner proxies`. UsageError where it cannot be read, or is none."""
    try:
        document = json.loads(path.read_bytes())
        made = document["digest"]
        if made["algorithm"] != ALGORITHM or not 0 < int(made["iterations"]) <= _MOST_ITERATIONS:
            raise UsageError(f"{path} proves by {made['algorithm']}, which this version does not know")
        bytes.fromhex(made["salt"])
        prover = Prover(salt=made["salt"], iterations=int(made["iterations"]))
        digests = {str(OrderKey.parse(order["key"])): order["digest"] for order in document["orders"]}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is no report of `order-runner proxies --report`") from None
    return Proof(prover=prover, digests=digests)
