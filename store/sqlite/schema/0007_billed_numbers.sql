-- An ordered number is billed from when it is on a service that is billed; only what
-- was billed is credited when it is returned.
ALTER TABLE numbers ADD COLUMN billed INTEGER NOT NULL DEFAULT 0 CHECK (billed IN (0, 1))
    CONSTRAINT numbers_billed CHECK (billed = 0 OR monthly > 0);

-- Those that are on no service were credited until now, and so they are still.
UPDATE numbers SET billed = 1, rev = rev + 1
    WHERE monthly > 0 AND NOT EXISTS (SELECT 1 FROM services
        WHERE services.tenant_id = numbers.tenant_id AND services.id = numbers.service_id AND activated_at IS NULL);
