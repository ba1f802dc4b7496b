-- A job that goes on does so with a new permit. The number says which, so that a node still at work with the one before
-- begins and pauses nothing of what follows.
ALTER TABLE jobs ADD COLUMN run integer NOT NULL DEFAULT 0;
