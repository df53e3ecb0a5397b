-- One row per accepted check.
insert into ops.audit (actor, action, subject, details)
values (%(who)s, 'checks.accept', %(check_name)s, %(details)s)
