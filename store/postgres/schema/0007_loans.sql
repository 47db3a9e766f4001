-- A temporary number is the provider's loan, and stays one when its port has come
-- to nothing: until another number takes its place. It is never billed.
ALTER TABLE numbers ADD COLUMN loan boolean NOT NULL DEFAULT false;
UPDATE numbers SET loan = true, rev = rev + 1 WHERE temporary_for IS NOT NULL;
ALTER TABLE numbers ADD CONSTRAINT numbers_lent
    CHECK (CASE WHEN loan THEN state = 'assigned' AND monthly = 0 ELSE temporary_for IS NULL END);
