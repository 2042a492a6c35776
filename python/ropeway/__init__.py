"""Ropeway carries what an Azure pipeline built over to AWS."""
