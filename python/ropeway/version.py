"""The version of this Ropeway; written by `make generate` from pyproject.toml."""

VERSION = "1.0.0"
