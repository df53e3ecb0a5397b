"""Stand-ins: the platforms' own interfaces on this machine, behind them a generated merchant."""
