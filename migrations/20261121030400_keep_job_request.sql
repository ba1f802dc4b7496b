-- One key stands for one request: a key used again for another one is found out, also when the values are erased by then.
-- A signature under a key of the panel, so that no password can be guessed from it. NULL: made by an earlier release.
ALTER TABLE jobs ADD COLUMN request text;
