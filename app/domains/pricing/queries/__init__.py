"""What pricing answers without changing anything."""
