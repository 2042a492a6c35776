"""A file is a pipeline task and a command; `task.py` is the type that each exports one constant of."""
