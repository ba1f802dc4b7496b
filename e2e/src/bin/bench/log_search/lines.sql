-- {rows} lines of one day, into its table. What is random is the same in every run.
SELECT setseed(0.{day});

INSERT INTO {table}
    (at, id, level, facility, description, user_name, user_id, project, session, request_id, node, region, zone,
     environment, release, fields)
SELECT
    {begins} + interval '86399 seconds' * (number::float8 / {rows}),
    {first_id} + number,
    level,
    facility,
    description,
    'user-' || lpad(who::text, 5, '0'),
    md5(who::text),
    md5((who % 700)::text),
    substr(md5((who * 3 + number % 3)::text), 1, 8),
    -- A request has some lines, one after the other.
    'req-' || lpad(to_hex(({first_id} + number) / 4), 24, '0'),
    'node-' || (number / 4) % 4,
    CASE WHEN number % 8 < 4 THEN 'east' ELSE 'west' END,
    'zone-' || (number / 4) % 2,
    'production',
    '0.1.0-3f2a9c1',
    jsonb_build_object(
        'method', 'GET',
        'path', '/api/regions/RegionOne/servers/' || md5(number::text),
        'status', CASE level WHEN 5 THEN 504 WHEN 4 THEN 409 ELSE 200 END,
        'duration_ms', round((chance * 400)::numeric, 1),
        'upstream_region', 'RegionOne')
FROM (
    SELECT
        number,
        chance,
        floor({users} * pow(skew, 4))::int AS who,
        CASE
            WHEN chance < 0.003 OR number % 400 < 2 AND skew > 0.9 THEN 5
            WHEN chance < 0.03 OR number % 40 < 2 AND skew > 0.9 THEN 4
            WHEN chance < 0.13 THEN 2
            ELSE 3
        END::smallint AS level,
        (ARRAY['request', 'request', 'request', 'request', 'upstream', 'upstream', 'proxy', 'client', 'client', 'job'])
            [1 + number % 10] AS facility,
        CASE
            WHEN chance < 0.003 THEN 'the compute service did not answer in time'
            WHEN chance < 0.03 THEN 'the request was refused: the server is locked'
            ELSE 'a request was answered'
        END AS description
    FROM (SELECT number, random() AS chance, random() AS skew FROM generate_series(0, {rows} - 1) AS number) AS raw
) AS line;
