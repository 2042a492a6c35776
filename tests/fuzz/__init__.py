"""Fuzzing, by hypothesis in every test run and by atheris (`make fuzz`) for as long as one likes."""
