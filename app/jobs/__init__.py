"""Processes: workers, relay, scheduler."""
