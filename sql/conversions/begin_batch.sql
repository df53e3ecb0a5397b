-- One call that is about to be made, by its number.
insert into conversion.batch (destination, action_id, dag_run_id, sent, unknown, started_at)
values (%(destination)s, %(action_id)s, %(run_id)s, %(orders)s, %(orders)s, %(at)s)
returning batch_id
