"""``python -m include.cli``, which is what bin/audienceflow calls."""

from include.cli.app import main

main()
