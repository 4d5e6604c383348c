"""Data → text, for a person or a machine; the only place that makes text."""
