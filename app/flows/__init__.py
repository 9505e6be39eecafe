"""Stories that cross domains and systems, each told in one file."""
