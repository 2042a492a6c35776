"""What Ropeway keeps of its own in S3: word of checks, locks, manifests and releases. Small JSON objects, below `.ropeway/`."""
