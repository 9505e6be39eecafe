"""Figures of speed, as ratios within one run wherever a time is meant. `make bench ONLY="name name"`; goals are in
docs/performance.md. Chaos runs live here too: `make chaos`.
"""
