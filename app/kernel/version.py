"""The release. A worker says it with its beat, so that a rolling deploy can be watched."""

VERSION = "0.1.0"
