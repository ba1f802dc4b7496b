-- Which run the node that works on a job is at: of a permit that is replaced, only that one is in use.
ALTER TABLE jobs ADD COLUMN leased_run integer;
