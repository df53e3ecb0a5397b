-- One row per release.
insert into ops.audit (actor, action, subject, details)
values (%(who)s, 'quarantine.release', %(subject)s, %(details)s)
