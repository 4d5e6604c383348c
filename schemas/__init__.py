"""The published JSON Schemas, shipped as data of the package `runner._schemas`: one file each, found by name."""
