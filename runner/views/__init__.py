"""Data → text, for a person or a machine; the only place that makes text. Needs rich on a real terminal only."""
