"""What every HTTP surface shares: problems, scopes, idempotency."""
