"""Placeholder."""


def run_chain(system, progress):
    return 0
