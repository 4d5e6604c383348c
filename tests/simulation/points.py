"""Where something may happen to a process."""

from __future__ import annotations

from typing import Final

POINTS: Final = ("2", "3", "4", "5", "6", "written", "answered", "7", "8", "9")
"""Where a process may be killed or frozen: the steps of place.py, and both ends of the wire."""
LOCKED: Final = ("5", "8", "9")
"""Points at which a thread holds the lock that all of them need: the others wait, whatever it does there."""
LOOKING: Final = "looking"
"""Where a `reconcile` may be killed or frozen: at each of its reads."""
