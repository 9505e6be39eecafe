"""Technology, no business: database, outbox, connections, the way out of the process."""
