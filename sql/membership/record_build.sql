-- One row per build of a segment.
insert into segment.build (segment, version, as_of, built_at, size, entered, left_count, seconds, alert)
values (%(segment)s, %(version)s, %(as_of)s, %(at)s, %(size)s, %(entered)s, %(left_count)s, %(seconds)s, %(alert)s)
