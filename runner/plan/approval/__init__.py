"""What was approved of a plan, and whether that still holds."""
