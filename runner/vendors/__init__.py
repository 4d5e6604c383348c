"""What the runner asks of a vendor, and the adapters that ask it."""
