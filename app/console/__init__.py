"""The console: Flask-Admin in our own design language."""
