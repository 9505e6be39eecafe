"""PostgreSQL and Redis for a machine that has neither: the wheels' programs, started and stopped by us under HUB_HOME.

`Servers(home=…).start()` gives the two addresses; both listen on loopback only, at a free port, with a password of
their own. Nothing outside `home` is changed.
"""
