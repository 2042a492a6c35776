"""The embedded AWS: moto behind an HTTP server on this machine, mended where it only pretends. For demo, dry runs and tests."""
