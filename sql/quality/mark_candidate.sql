-- One row: the stream's candidate may be published.
update checking.candidate
set checked = true
where stream = %(stream)s
