"""Witnesses may be stored as differences from now on: nothing changes, but who cannot read them has to stay away."""

from __future__ import annotations

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Nothing: those that are there are whole, and stay so."""
