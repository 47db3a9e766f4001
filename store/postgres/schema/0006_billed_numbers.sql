-- An ordered number is billed from when it is on a service that is billed; only what
-- was billed is credited when it is returned.
ALTER TABLE numbers
    ADD COLUMN billed boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT numbers_billed CHECK (NOT billed OR monthly > 0);

-- Those that are on no service were credited until now, and so they are still.
UPDATE numbers SET billed = true, rev = rev + 1
    WHERE monthly > 0 AND NOT EXISTS (SELECT 1 FROM services
        WHERE services.tenant_id = numbers.tenant_id AND services.id = numbers.service_id AND activated_at IS NULL);
