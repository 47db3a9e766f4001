-- How the new numbers begin that are proposed to a tenant's users, where nothing
-- else is asked for.
ALTER TABLE tenants ADD COLUMN number_criteria text COLLATE "C" CHECK (number_criteria <> '');
