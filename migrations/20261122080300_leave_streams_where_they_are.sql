-- A row that is changed stays where it is as long as no index has to follow. This one did with every message, and only
-- served to forget old streams, once in an hour.
DROP INDEX client_log_streams_last_at;
