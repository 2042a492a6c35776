"""`python -m ropeway.cli`: the command line where its script is not on the path."""

from ropeway.cli import main

if __name__ == "__main__":
    main()
