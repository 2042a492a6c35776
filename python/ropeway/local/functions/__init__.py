"""Lambda functions that run: a Python handler from its zip, in a process of its own."""
