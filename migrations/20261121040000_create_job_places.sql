-- The rate of jobs holds for a region over all nodes together: they share its time out among themselves here. One row for
-- each region that ever had a job over many servers, so nobody needs to delete any.
CREATE TABLE job_places (
    place text PRIMARY KEY,
    -- From then on the place's time is nobody's yet.
    next_at timestamptz NOT NULL
);
