"""A file is a kind of check, and exports it as KIND."""
