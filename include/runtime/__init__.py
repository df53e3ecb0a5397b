"""Starting and stopping the whole system on one machine, with progress and a report."""
