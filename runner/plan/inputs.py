"""What a call was given, as reports and plan documents name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runner.core.files import relative


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a run was given: files with their SHA-256, and a `base_url` with the key as `***`."""

    manifests: tuple[tuple[str, str], ...]
    ledger: str | None
    base_url: str | None
    api_version: str = "v1"
    policies: tuple[tuple[str, str], ...] = ()
    lockfile: tuple[str, str] | None = None

    def as_json(self) -> Mapping[str, object]:
        return {
            "manifests": [{"path": relative(path), "sha256": digest} for path, digest in self.manifests],
            "policies": [{"path": relative(path), "sha256": digest} for path, digest in self.policies],
            "lockfile": relative(self.lockfile[0]) if self.lockfile else None,
            "ledger": self.ledger,
            "api": {"base_url": self.base_url, "version": self.api_version},
        }
