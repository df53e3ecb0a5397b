"""Read by every Airflow process at its start (copied to AIRFLOW_HOME/config, which Airflow puts on its path).

Tasks are forked from the scheduler: what is imported there costs them nothing. Great Expectations alone takes 3
to 8 seconds to import, so without this every check would begin with them.
"""

import sys

if "scheduler" in sys.argv:
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401
    import phonenumbers  # noqa: F401
    import psycopg  # noqa: F401
    import scipy.sparse.csgraph  # noqa: F401
