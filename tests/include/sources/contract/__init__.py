"""The one suite that every stream passes. A stream joins with one class in ``adapters/<source>.py``."""
