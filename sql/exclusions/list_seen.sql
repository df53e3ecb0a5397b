-- One row: what the list looks like to one of its audiences. It changes when a segment of the list was built with a
-- change, when a sync of another audience of the list moved or may have moved somebody or a job was confirmed, when
-- persons were merged, and with the list itself.
select
    md5(concat_ws(
        '|',
        (
            select
                string_agg(
                    concat_ws(':', audience.audience_id, audience.priority_rank, audience.active, audience.segment),
                    ','
                    order by audience.audience_id
                )
            from audience.audience
            where audience.priority_list = %(list)s
        ),
        (
            select max(build.build_id)
            from segment.build
            inner join audience.audience on build.segment = audience.segment
            where audience.priority_list = %(list)s and build.entered + build.left_count > 0
        ),
        (
            select string_agg(concat_ws(':', sync.audience_id, sync.sync_id, sync.ended_at), ',' order by sync.audience_id)
            from (
                select distinct on (sync.audience_id)
                    sync.audience_id,
                    sync.sync_id,
                    sync.ended_at
                from audience.sync
                inner join audience.audience on sync.audience_id = audience.audience_id
                where
                    audience.priority_list = %(list)s
                    and sync.audience_id <> %(audience_id)s
                    and (
                        sync.outcome is null
                        or sync.outcome = 'failed'
                        or sync.added + sync.updated + sync.removed + sync.rejected > 0
                    )
                order by sync.audience_id, sync.sync_id desc
            ) as sync
        ),
        (
            select max(batch.ended_at)
            from audience.audience
            inner join audience.batch on audience.audience_id = batch.audience_id
            where audience.priority_list = %(list)s and audience.audience_id <> %(audience_id)s
        ),
        (select concat_ws(':', count(*), max(redirect.redirected_at)) from identity.redirect)
    )) as seen
