"""A chain under faults: its stages in processes of their own, killed at chosen places, and what is left afterwards."""
