-- One row per candidate row whose record is held in quarantine: it is not published.
delete from candidate as c
using ops.quarantine as q
where
    q.raw_id = c.raw_id
    and q.stream = %(stream)s
    and q.state = 'held'
