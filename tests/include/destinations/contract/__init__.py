"""The one suite that every destination passes. A destination joins with one file: ``adapters/<destination>.py``."""
