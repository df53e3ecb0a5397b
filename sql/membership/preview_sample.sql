-- A few members, the same ones at each call; what is personal is masked before anybody sees it.
select
    segment_people.person_id,
    person.email,
    person.first_name,
    person.country,
    trait.lifecycle,
    trait.order_count
from pg_temp.segment_people
left join profile.person as person on segment_people.person_id = person.person_id
left join profile.trait as trait on segment_people.person_id = trait.person_id
order by md5(segment_people.person_id::text)
limit %(sample_size)s
