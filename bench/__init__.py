"""Measurements. `python -m bench` lists them; a module is a bench, its `main` runs it."""
