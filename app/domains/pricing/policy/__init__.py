"""Rules of prices: pure, from values to values."""
