"""Canonical order → Business Central's document. Pure: no clock, no network, no database."""
