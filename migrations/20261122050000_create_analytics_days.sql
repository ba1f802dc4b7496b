-- How the panel is used, counted by day for all nodes together. Each row is one number about everybody: pages, dialogs,
-- browsers and countries are counted apart, so that no row joins them and none can be followed back to a person.
CREATE TABLE analytics_days (
    -- Of UTC.
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('page', 'shown', 'executed', 'created', 'browser', 'country')),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, kind, name)
);
