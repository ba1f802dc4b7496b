-- The jobs that were canceled before there was a result for what they did not begin.
WITH ended AS (
    UPDATE job_items
    SET result = 'canceled'
    FROM jobs
    WHERE jobs.id = job_items.job_id AND jobs.state = 'canceled' AND job_items.result = 'waiting'
)
UPDATE jobs
SET canceled = canceled + waiting, waiting = 0
WHERE state = 'canceled' AND waiting > 0;
