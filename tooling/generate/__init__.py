"""Everything that is derived from the tasks' declarations, one renderer an artefact; `artefacts.py` lists them."""


class GenerateError(Exception):
    """Something cannot be generated as it is declared; the message says what to do."""
