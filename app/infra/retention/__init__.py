"""How long the record is kept, how it leaves, and what the database takes."""
