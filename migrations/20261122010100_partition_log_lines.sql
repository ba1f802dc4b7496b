-- Partitions are made ahead and dropped late, by whichever node comes first; a line whose day has no partition, because no
-- node was awake to make one, or because a clock is wrong, lies in the default one until there is.
CREATE TABLE log_lines_default PARTITION OF log_lines DEFAULT;

-- Makes the partitions of today and the next days, and drops those of days that are over for longer than `keep_days`.
-- Returns how many were made and how many dropped. Does nothing while another node is at it.
CREATE FUNCTION keep_log_partitions(now timestamptz, keep_days integer, OUT made integer, OUT dropped integer)
LANGUAGE plpgsql AS $$
DECLARE
    today date := (now AT TIME ZONE 'UTC')::date;
    day date;
    name text;
    partition record;
BEGIN
    made := 0;
    dropped := 0;
    -- A number of our own: "log" in ASCII.
    IF NOT pg_try_advisory_xact_lock(7106407) THEN
        RETURN;
    END IF;
    -- Whoever reads or writes lines for long is let finish, and the partitions wait for the next time.
    SET LOCAL lock_timeout = '2s';
    FOR day IN SELECT generate_series(today, today + 2, '1 day')::date LOOP
        name := 'log_lines_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        -- Attached when it is filled: nobody else sees it before.
        EXECUTE format('CREATE TABLE %I (LIKE log_lines INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        -- Nobody adds a line of that day to the default partition between moving and attaching.
        LOCK TABLE log_lines_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format(
            'WITH moved AS (DELETE FROM log_lines_default WHERE at >= %L AND at < %L RETURNING *)'
            ' INSERT INTO %I SELECT * FROM moved',
            day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC', name);
        EXECUTE format(
            'ALTER TABLE log_lines ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
        made := made + 1;
    END LOOP;
    FOR partition IN
        SELECT child.relname AS name
        FROM pg_inherits
        JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = 'log_lines'::regclass
          AND child.relname ~ '^log_lines_[0-9]{8}$'
          AND child.relname < 'log_lines_' || to_char(today - keep_days, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I', partition.name);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM log_lines_default WHERE at < (today - keep_days)::timestamp AT TIME ZONE 'UTC';
END;
$$;

SELECT keep_log_partitions(now(), 14);
