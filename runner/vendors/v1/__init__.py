"""The vendor's API v1."""
