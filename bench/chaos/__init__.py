"""Chaos: a whole house under load whose processes are killed, whose Redis is emptied and whose remotes misbehave.

`make chaos`, or `python -m bench.chaos --orders 500 --kills 20 --seed 7`; the same seed makes the same plan.
"""
