"""The seam to Airflow: hooks, operators, names of assets. No business rules and no SQL text."""
