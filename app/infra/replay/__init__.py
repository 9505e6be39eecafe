"""The ways back from parked, rejected and done: one, many by a filter, with an edited payload, or out of doubt."""
