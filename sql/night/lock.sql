-- Two streams that come at the same moment come one after the other: else neither would see that with it everything is there.
lock table ops.arrival in exclusive mode
