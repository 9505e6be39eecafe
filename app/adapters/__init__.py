"""One folder for each kind of remote system; translators without memory."""
