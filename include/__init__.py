"""The work, in plain Python: everything here runs and is tested without Airflow."""
