-- What the scope was found by is not what it is stitched by.
delete from identity.work_link
where kind = 'neighbour'
