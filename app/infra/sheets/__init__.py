"""Sheets: CSV and XLSX files that people and programs hand in, kept as they came and read piece by piece."""
