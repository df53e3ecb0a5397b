"""Records that share no key but may be one person: a trained model weighs pairs, a closure joins what holds together.

``link.link`` knows nothing of persons: it takes a table and says which rows are one, how surely, and why.
``proposals`` uses it on golden records and keeps what it finds for a person, or a threshold, to decide.
"""
