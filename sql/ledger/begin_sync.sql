-- Opens one try; the version is that of the segment's newest build.
insert into audience.sync (audience_id, dag_run_id, started_at, as_of, segment_version)
select
    %(audience_id)s,
    %(run_id)s,
    %(at)s,
    %(as_of)s,
    (
        select build.version
        from segment.build
        where build.segment = %(segment)s
        order by build.built_at desc, build.build_id desc
        limit 1
    )
returning sync_id
