-- A user signs in to the project used last.
CREATE TABLE last_projects (
    user_id text PRIMARY KEY,
    project_id text NOT NULL,
    used_at timestamptz NOT NULL
);
