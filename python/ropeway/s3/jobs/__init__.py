"""What is done to objects, whichever engine asks the store: each job reads from top to bottom.

A job is a coroutine. It awaits what its engine's `Hands` do, one request or several at once (`gather`), and nothing else.
"""
