"""Ropeway deploys to AWS what an Azure pipeline has built."""
