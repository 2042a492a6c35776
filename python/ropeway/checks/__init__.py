"""What is asked after a deploy: the suite, the runner, and the kinds of checks."""
