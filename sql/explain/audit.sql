-- One row: somebody had personal values shown.
insert into ops.audit (actor, action, subject)
values (%(who)s, 'identity values shown', %(subject)s)
