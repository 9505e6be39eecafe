"""Rows of schema `pricing`. Only this domain touches them; hot paths use statements on the same tables."""
