"""Runs: long work of an operator that goes on page by page through the runtime."""
