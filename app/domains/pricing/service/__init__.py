"""What pricing does. First argument the open unit of work; nothing here commits."""
