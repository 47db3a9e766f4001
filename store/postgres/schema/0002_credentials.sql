-- A SIP address may have credentials: since when, and HA1, the hashes of user name,
-- realm and password by SHA-256 and, for old phones, by MD5. They are as good as the
-- password: sealed (28 bytes longer) unless the embedding program does without.
-- Only active users have credentials, and their aliases.
ALTER TABLE sip_identities
    ADD COLUMN issued_at  timestamptz,
    ADD COLUMN ha1_sealed boolean NOT NULL DEFAULT false,
    ADD COLUMN ha1_sha256 bytea,
    ADD COLUMN ha1_md5    bytea,
    ADD CONSTRAINT sip_identities_credentials CHECK (
        CASE WHEN issued_at IS NULL THEN ha1_sha256 IS NULL AND ha1_md5 IS NULL AND NOT ha1_sealed
             ELSE ha1_sha256 IS NOT NULL AND length(ha1_sha256) = CASE WHEN ha1_sealed THEN 60 ELSE 32 END
                  AND (ha1_md5 IS NULL OR length(ha1_md5) = CASE WHEN ha1_sealed THEN 44 ELSE 16 END) END);
