"""Products where strangers speak and listen: HTTP bodies. The only marshmallow in this domain."""
