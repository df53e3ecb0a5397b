"""Pages of what the quality gate found: per suite and check, drawn from ``ops.check_result``.

Counts and names of rules only: nothing of a row is in the results, so nothing of a row is on a page. A page is one file
of HTML without a script and without an outside host.
"""
