"""The durable memory of what was claimed, bought, refused and left in doubt."""
