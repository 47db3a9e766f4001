-- A temporary number is the provider's loan, and stays one when its port has come
-- to nothing: until another number takes its place. It is never billed. Those that
-- stand in for a number get the mark, and lose their number for a moment, so that
-- the column can be added with what holds for it.
CREATE TABLE lent AS SELECT e164, temporary_for FROM numbers WHERE temporary_for IS NOT NULL;
UPDATE numbers SET temporary_for = NULL WHERE temporary_for IS NOT NULL;
ALTER TABLE numbers ADD COLUMN loan INTEGER NOT NULL DEFAULT 0 CHECK (loan IN (0, 1))
    CONSTRAINT numbers_lent CHECK (CASE WHEN loan THEN state = 'assigned' AND monthly = 0 ELSE temporary_for IS NULL END);
UPDATE numbers SET loan = 1, temporary_for = (SELECT temporary_for FROM lent WHERE lent.e164 = numbers.e164), rev = rev + 1
    WHERE e164 IN (SELECT e164 FROM lent);
DROP TABLE lent;
