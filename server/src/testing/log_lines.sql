-- Fills the log with lines as a busy cloud writes them, for tests and measurements:
-- SELECT pg_temp.fill_log_lines(10000000, now(), 10). A million takes some ten seconds.
--
-- A thousand users (user-1 to user-1000), the first of them much busier than the last; 1 line in 100 is an error, 4 are
-- warnings, 15 for debugging; four lines a request, of which the browser writes one and the call to the cloud another.
CREATE OR REPLACE FUNCTION pg_temp.fill_log_lines(lines bigint, until timestamptz, days integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    day date;
    first date := ((until - make_interval(days => days)) AT TIME ZONE 'UTC')::date;
    last date := (until AT TIME ZONE 'UTC')::date;
    name text;
BEGIN
    FOR day IN SELECT generate_series(first, last, '1 day')::date LOOP
        name := 'log_lines_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF log_lines FOR VALUES FROM (%L) TO (%L)',
            name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END LOOP;
    INSERT INTO log_lines
        (at, level, facility, description, user_name, user_id, project, session, request_id,
         node, region, zone, environment, release, fields)
    SELECT
        until - make_interval(days => days) * ((lines - n)::float8 / lines),
        CASE WHEN n % 100 = 7 THEN 5 WHEN n % 25 = 3 THEN 4 WHEN n % 100 BETWEEN 80 AND 95 THEN 2 ELSE 3 END,
        (ARRAY['client', 'request', 'proxy', 'upstream'])[1 + n % 4],
        CASE n % 4
            WHEN 0 THEN 'the list of servers was opened'
            WHEN 1 THEN 'request'
            WHEN 2 THEN 'received image response - GET http://glance.internal:9292/v2/images/' || md5(n::text)
            ELSE 'received compute response - GET http://nova.internal:8774/v2.1/servers/' || md5(n::text)
        END,
        'user-' || person, md5('user' || person), md5('project' || person / 3), left(md5('session' || person), 8),
        'req-' || md5((n / 4)::text),
        'panel-' || 1 + n % 3, 'RegionOne', NULL, 'production', '1.0.0',
        jsonb_build_object('status', CASE WHEN n % 100 = 7 THEN 503 WHEN n % 25 = 3 THEN 404 ELSE 200 END,
            'duration_ms', (n * 7919) % 5000 / 10.0, 'service', (ARRAY['compute', 'image', 'network'])[1 + n % 3])
    FROM (
        -- The four lines of a request are of one person; low numbers come most.
        SELECT n, 1 + floor(1000 * power(((n / 4) * 7919 % 100003) / 100003.0, 3))::int AS person
        FROM generate_series(1, lines) AS n
    ) AS made;
END;
$$;
