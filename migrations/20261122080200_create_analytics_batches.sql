-- What a node counted is added to the days of `analytics_days`. A node that hears no answer does not know whether it was,
-- and asks again: by the id of what it sent, which is taken together with it, it is added once.
CREATE TABLE analytics_batches (
    id uuid PRIMARY KEY,
    added_at timestamptz NOT NULL
);
CREATE INDEX analytics_batches_by_time ON analytics_batches (added_at);
