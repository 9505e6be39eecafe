"""What people and programs send to pricing, and what it answers."""
