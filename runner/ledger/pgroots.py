"""The authorities that this system trusts, for `sslrootcert=system`.

libpq leaves that word to its OpenSSL, and the one in the driver's wheel looks where it was built. So the file is found
here, and what libpq goes with that word for goes with the file: nothing weaker than `verify-full`.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runner.core.errors import LedgerUnusable

SYSTEM: Final = "system"
PLACES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/cert.pem",  # macOS, OpenBSD
    "/usr/local/share/certs/ca-root-nss.crt",  # FreeBSD
)
"""Where systems keep the file, looked at in this order after OpenSSL's own variable and place."""


def with_roots(parameters: Mapping[str, str]) -> dict[str, str]:
    """Parameters of libpq in which `system`, for the authorities, has become a file of them.

    Raises `LedgerUnusable`, naming each place that was looked at, where none has one.
    """
    wanted = parameters.get("sslrootcert", os.environ.get("PGSSLROOTCERT"))
    # A weaker mode beside `system` is left to libpq, which refuses it.
    if wanted != SYSTEM or parameters.get("sslmode", "verify-full") != "verify-full":
        return dict(parameters)
    return {**parameters, "sslmode": "verify-full", "sslrootcert": _bundle()}


def _bundle() -> str:
    named = ssl.get_default_verify_paths()
    places = list(filter(None, (os.environ.get(named.openssl_cafile_env), named.openssl_cafile, *PLACES)))
    for place in places:
        if Path(place).is_file():
            return place
    raise LedgerUnusable(
        f"sslrootcert=system: no file of this system's authorities is at {', '.join(places)}",
        hint=f"install the package ca-certificates, or name the file in {named.openssl_cafile_env}",
    )
