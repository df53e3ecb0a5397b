-- The newest checks of a suite (null: of each), the newest first: one row each.
with

numbered as (
    select
        p.*,
        row_number() over (
            partition by p.suite
            order by p.checked_at desc, p.page_id desc
        ) as nth
    from ops.result_page as p
    where %(suite)s::text is null or p.suite = %(suite)s
)

select
    n.suite,
    n.stream,
    n.owner,
    n.batch_id,
    n.checked_at,
    n.records,
    n.held,
    n.max_share,
    n.rules,
    n.critical,
    n.warning,
    n.info,
    n.dag_id,
    n.run_id,
    n.link,
    n.path
from numbered as n
where n.nth <= %(most)s
order by n.suite, n.nth
