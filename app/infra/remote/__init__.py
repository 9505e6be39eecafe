"""The way out of the process: what an adapter declares and what it calls with."""
