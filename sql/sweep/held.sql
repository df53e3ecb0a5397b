-- One row: whether staging holds anything of the stream. `published` is its table.
select exists (select from published) as anything
