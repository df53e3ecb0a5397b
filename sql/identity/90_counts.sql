-- One row: how many persons there are, and how many values join nobody.
select
    (select count(*) from identity.person) as persons,
    (
        select count(*) from identity.identifier
        where blocked_reason is not null
    ) as blocked
