"""Declarative batch orders: manifests in git, bought at most once, every charge known by name."""
