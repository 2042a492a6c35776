"""Real servers for tests, on 127.0.0.1: a strict S3 (SeaweedFS), and one that answers what it is told to."""
