"""Roundhouse: the hub that keeps ERPs and every sales channel in step."""
