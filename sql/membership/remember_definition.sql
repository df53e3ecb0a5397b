-- One row per segment and version. Title, owner and front matter are today's; the meaning of a version never changes.
insert into segment.definition (segment, version, title, owner, front_matter, body)
values (%(segment)s, %(version)s, %(title)s, %(owner)s, %(front_matter)s::jsonb, %(body)s)
on conflict (segment, version) do update set
    title = excluded.title,
    owner = excluded.owner,
    front_matter = excluded.front_matter,
    body = excluded.body
where (definition.title, definition.owner, definition.front_matter, definition.body)
is distinct from (excluded.title, excluded.owner, excluded.front_matter, excluded.body)
