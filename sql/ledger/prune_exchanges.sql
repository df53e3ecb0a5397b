-- Exchanges that are older than people look back.
delete from audience.exchange
where at < %(before)s
