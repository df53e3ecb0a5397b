-- One row per record in the graph, at first its own root.
insert into identity.work_component (record_id, root)
select a, a as root from identity.work_pair
where round = 1
union
select b, b as root from identity.work_pair
where round = 1
