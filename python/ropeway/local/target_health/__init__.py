"""Target groups that look after their targets: each is probed, and its state follows from what it answered."""
