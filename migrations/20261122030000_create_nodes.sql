-- The nodes of the panel and what each of them sees: so that one that lacks something can tell whether it is the only one,
-- and so that an operator finds all of them on one page. A node writes its row every few seconds and takes it away when
-- it stops; rows of nodes that died are deleted after a day.
CREATE TABLE nodes (
    -- Drawn at each start: two processes may have the same name by mistake, and are two nodes nevertheless.
    id uuid PRIMARY KEY,
    name text NOT NULL,
    region text,
    zone text,
    environment text,
    release text NOT NULL,
    started_at timestamptz NOT NULL,
    -- By the database's clock, since nodes' own may differ.
    seen_at timestamptz NOT NULL,
    is_draining boolean NOT NULL,
    -- What it can use, its circuits and its next hops, as the node's own release writes it.
    sees jsonb NOT NULL
);
