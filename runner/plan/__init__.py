"""Wanted orders × ledger × vendor → a plan that can refuse itself."""
