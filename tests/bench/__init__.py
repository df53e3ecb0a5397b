"""`make bench`: how fast the parts are, each as a ratio against something known, in one run on one machine.

A file ``tests/bench/bench_<what>.py`` offers benches by name::

    def extract_vs_copy() -> Measure:
        with throwaway_postgres() as cluster:
            ...
        return Measure(ratio=ours / theirs, seconds=ours, rows_per_second=rows / ours)

    BENCHES = {"extract_vs_copy": extract_vs_copy}

Each bench runs in a process of its own, so that its peak memory is its own and one that fails stops nobody else.
"""
