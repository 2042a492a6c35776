"""The machines behind the embedded AWS: an instance is a folder, an address of the loopback network, and real processes."""
