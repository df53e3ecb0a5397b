-- One row per accepted change.
insert into ops.audit (actor, action, subject, details)
values (%(who)s, 'schema.accept', %(stream)s, %(details)s)
