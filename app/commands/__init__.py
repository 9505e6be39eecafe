"""`flask …` for an operator without a browser; the supervisor behind `make run`."""
