"""The version, in one place that nothing needs to import metadata for."""

__version__ = "0.1.0"
