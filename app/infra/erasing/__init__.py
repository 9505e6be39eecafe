"""Personal data taken out of the record: messages, facts, attempts, cases and whatever else wrote it down."""
